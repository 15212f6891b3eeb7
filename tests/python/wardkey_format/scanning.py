"""Finding keys in any text (section 6)."""

import re

from .numbers import Malformed
from .prefix import prefix_of
from .spelling import checksum, read_base64url

PATTERN = re.compile(r"\b[a-z][a-z0-9]{1,11}_(?:live|test)_A[Q-Za-f][A-Za-z0-9_-]{64,502}", re.ASCII)


def find_keys(text: str) -> list[str]:
    """What looks like a key and has the right checksum."""
    return [found.group() for found in PATTERN.finditer(text) if _confirmed(found.group())]


def _confirmed(text: str) -> bool:
    prefix = prefix_of(text)
    try:
        payload = read_base64url(text[len(prefix):])
    except Malformed:
        return False
    return checksum(prefix.encode("ascii") + payload[:-4]) == payload[-4:]
