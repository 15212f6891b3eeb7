"""The key that a request brings: exactly one, in a header, never in the URL."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from .key_text import KeyText


def credential_of(scope: Mapping[str, Any], header: str) -> KeyText | str:
    """The key, or why there is none to judge: `credential_missing`, `invalid_request`."""
    if _in_url(scope):
        return "invalid_request"
    name = header.lower().encode("latin-1")
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    values = [bytes(value) for each, value in headers if bytes(each).lower() == name]
    if not values or values == [b""]:
        return "credential_missing"
    # Several headers of one name may arrive joined by commas, which no key holds.
    if len(values) > 1 or b"," in values[0]:
        return "invalid_request"
    is_bearer = name == _USUAL
    other = b"x-api-key" if is_bearer else _USUAL
    if any(bytes(each).lower() == other and _KEY.search(bytes(value)) for each, value in headers):
        return "invalid_request"
    if not is_bearer:
        return KeyText(values[0].strip().decode("latin-1"))
    found = _BEARER.fullmatch(values[0])
    return "credential_missing" if found is None else KeyText(found[1].decode("latin-1"))


def without_credential(scope: Mapping[str, Any], header: str) -> list[tuple[bytes, bytes]]:
    """The headers but for the key's."""
    name = header.lower().encode("latin-1")
    return [(each, value) for each, value in scope["headers"] if bytes(each).lower() != name]


def _in_url(scope: Mapping[str, Any]) -> bool:
    """Whatever is escaped of it. URLs are logged by everything that they pass."""
    path = str(scope.get("path") or "").encode("utf-8", "replace")
    text = b"?".join([path, bytes(scope.get("raw_path") or b""), bytes(scope.get("query_string") or b"")])
    # What was put into another URL's query is escaped once more.
    for _ in range(3):
        if b"%" in text:
            text = unquote_to_bytes(text)
    # A look before the pattern, which nearly no URL needs.
    return (b"_live_" in text or b"_test_" in text) and _IN_URL.search(text) is not None


_USUAL = b"authorization"
_BEARER = re.compile(rb" *bearer +([^ ]+) *", re.IGNORECASE)
# What every key begins with, and is at least as long as.
_KEY = re.compile(rb"[a-z][a-z0-9]{1,11}_(?:live|test)_[A-Za-z0-9_-]{60}")
# Not in the middle of another word: that is a name of somebody's.
_IN_URL = re.compile(rb"(?<![A-Za-z0-9_-])" + _KEY.pattern)
