"""Decides many mutated keys against one key set, list and requirement, and compares with what another implementation decided.

    python3 -m wardkey_format.mutants FILE         exit 1 if any differs, or the count is not the one announced

The first line is {"key_set": hex, "list": {"head": hex, "state": hex}, "required": {...}, "now": ms, "caller": null or text,
"seed": text, "count": n}; each other one a mutant, [text, decision]: "allow", a reason, "ask refresh" or "ask registry".
"""

import json
import sys
from collections import Counter

from .cases import key_set_of, list_of, optional, requirement_of, text_of_key, u64_of
from .deciding import decide
from .networks import address_of

DIFFERENCES_SHOWN = 10


def word_of(answer: dict) -> str:
    if "ask" in answer:
        return "ask " + answer["ask"]
    return answer.get("deny", "allow")


def check_lines(lines) -> bool:
    """Prints the tally and what differs; whether all mutants announced are there and none differs."""
    setting = json.loads(lines.readline())
    key_set = key_set_of(setting["key_set"])
    revocation_list = list_of(setting["list"], key_set)
    requirement = requirement_of(setting["required"], key_set)
    now, caller = u64_of(setting["now"]), optional(setting["caller"], address_of)

    tally, differing = Counter(), []
    for line in lines:
        text, expected = json.loads(line)
        decided = word_of(decide(key_set, revocation_list, text_of_key(text), requirement, now, caller))
        tally[decided] += 1
        if decided != expected:
            differing.append((text, expected, decided))

    print(f"seed {setting['seed']}, {setting['count']} mutants announced, {tally.total()} decided")
    for decided, times in tally.most_common():
        print(f"  {times:8} {decided}")
    print(f"{len(differing)} differ")
    for text, expected, decided in differing[:DIFFERENCES_SHOWN]:
        print(f"  {text!a}: expected {expected}, decided {decided}")
    return tally.total() == setting["count"] > 0 and not differing


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python3 -m wardkey_format.mutants FILE", file=sys.stderr)
        return 1
    with open(arguments[0], encoding="utf-8") as lines:
        return 0 if check_lines(lines) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
