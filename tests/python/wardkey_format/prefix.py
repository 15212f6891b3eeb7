"""The prefix of a key's text: brand_env_ (section 2.1)."""

import re

_PREFIX = re.compile(r"[a-z][a-z0-9]{1,11}_(?:live|test)_")


def prefix_of(text: str) -> str | None:
    """The prefix at the front of the text, if there is one."""
    found = _PREFIX.match(text)
    return found.group() if found else None


def is_prefix(text: str) -> bool:
    return _PREFIX.fullmatch(text) is not None
