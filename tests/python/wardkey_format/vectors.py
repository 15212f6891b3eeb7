"""Answers the cases of vector files and compares each answer with the one expected.

    python3 -m wardkey_format.vectors FILE...      exit 1 if any differs, or a file has no cases

A file is {"about": text, "shared": {name: value}, "cases": [{"name": text, "case": {...}, "expect": {...}}, ...]}.
In a case, a value that is the text "@name" stands for the shared value of that name. The answer's `why` is not compared.
"""

import json
import sys

from .answer import answer


def resolve(value, shared: dict):
    """The value with what its "@name"s stand for. A text that names nothing shared is itself."""
    if isinstance(value, str) and value.startswith("@") and value[1:] in shared:
        return resolve(shared[value[1:]], shared)
    if isinstance(value, list):
        return [resolve(item, shared) for item in value]
    if isinstance(value, dict):
        return {name: resolve(item, shared) for name, item in value.items()}
    return value


def canonical(value) -> str:
    """One text for equal JSON values only: true is not 1, and 1 is not 1.0."""
    return json.dumps(value, sort_keys=True)


def answer_to(case, shared: dict) -> dict:
    """The answer without what is for people only."""
    answered = answer(resolve(case, shared))
    answered.pop("why", None)
    return answered


def check_file(path: str) -> bool:
    """Prints what differs; whether the file has cases and none differs."""
    try:
        with open(path, encoding="utf-8") as file:
            whole = json.load(file)
        shared, cases = whole.get("shared", {}), whole["cases"]
        outcomes = [(c["name"], canonical(c["expect"]), canonical(answer_to(c["case"], shared))) for c in cases]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as bad:
        print(f"{path}: not a vector file: {type(bad).__name__}: {bad}")
        return False
    differing = [outcome for outcome in outcomes if outcome[1] != outcome[2]]
    print(f"{path}: {len(outcomes)} cases, {len(differing)} differ")
    for name, expected, actual in differing:
        print(f"  {name}\n    expected {expected}\n    actual   {actual}")
    return bool(outcomes) and not differing


def main(paths: list[str]) -> int:
    if not paths:
        print("usage: python3 -m wardkey_format.vectors FILE...", file=sys.stderr)
        return 1
    return 0 if all([check_file(path) for path in paths]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
