"""Finding keys and bootstrap tokens in any text (section 6)."""

import re
from dataclasses import dataclass

from .key import KeyRefused, read_key

KEY, KEY_LIKE, BOOTSTRAP_TOKEN = "key", "key_like", "bootstrap_token"

PATTERNS = re.compile(
    r"(?P<key>(?:[a-z][a-z0-9]{1,11})_(?:live|test)_A[Q-Za-v][A-Za-z0-9_-]{30,502})"
    r"|wkboot_[0-9]{1,5}_[0-9]{1,10}_[A-Za-z0-9_-]{8,43}",
    re.ASCII,
)


@dataclass(slots=True, frozen=True)
class Finding:
    """`at` counts characters. What is only like a key was cut short or mistyped, or is none."""

    at: int
    what: str
    text: str


def find(text: str) -> list[Finding]:
    """All that the patterns match, from the front; behind a key that was confirmed the search goes on."""
    findings, at = [], 0
    while found := PATTERNS.search(text, at):
        what, whole = BOOTSTRAP_TOKEN, found.group()
        if found.group("key"):
            what, whole = _confirmed(whole)
        findings.append(Finding(found.start(), what, whole))
        at = found.start() + len(whole)
    return findings


def find_keys(text: str) -> list[str]:
    """What looks like a key and reads as one, whatever is glued to its end."""
    return [finding.text for finding in find(text) if finding.what == KEY]


def _confirmed(match: str) -> tuple[str, str]:
    """The key that the match begins with, of several the longest; else the match is only like a key."""
    for end in range(len(match), 0, -1):
        try:
            read_key(match[:end])
        except KeyRefused:
            continue
        return KEY, match[:end]
    return KEY_LIKE, match
