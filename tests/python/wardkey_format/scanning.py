"""Finding keys in any text (section 6)."""

import re

from .key import KeyRefused, read_key

PATTERN = re.compile(r"(?:[a-z][a-z0-9]{1,11})_(?:live|test)_A[Q-Za-v][A-Za-z0-9_-]{30,502}", re.ASCII)


def find_keys(text: str) -> list[str]:
    """What looks like a key and reads as one, whatever is glued to its end."""
    return [key for found in PATTERN.finditer(text) if (key := _whole(found.group()))]


def _whole(text: str) -> str | None:
    for end in range(len(text), 0, -1):
        try:
            read_key(text[:end])
        except KeyRefused:
            continue
        return text[:end]
    return None
