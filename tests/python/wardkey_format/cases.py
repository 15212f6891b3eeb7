"""What the values of a JSON case stand for (README.md, "JSON cases")."""

import functools

from .adopting import RevocationList
from .deciding import ALIVE, FAILED, NOT_ASKED, REGISTRY_NO, RegistryAnswer
from .fields import Fields
from .head import Head, HeadRefused, parse_head
from .key import KeyRefused, read_key
from .key_set import KeySet, read_key_set
from .networks import entry_of
from .numbers import U64_MAX, Malformed
from .requirement import Requirement, build_requirement
from .scope_set import scope_set_of
from .state import State, read_state


ANSWER_GOOD_FOR = 5_000


class BadCase(Exception):
    """The case cannot be understood; the formats are not to blame."""


def number_of(value) -> int:
    """An integer, or its decimal digits."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadCase(f"not a number: {value!r}")
    return value


def u64_of(value) -> int:
    value = number_of(value)
    if not 0 <= value <= U64_MAX:
        raise BadCase("not a u64")
    return value


def bytes_of(value) -> bytes:
    try:
        return bytes.fromhex(value)
    except (TypeError, ValueError):
        raise BadCase("not hex") from None


def optional(value, convert):
    return None if value is None else convert(value)


def text_of_key(value) -> str:
    if not isinstance(value, str):
        raise BadCase("key is no text")
    return value


@functools.lru_cache(maxsize=4096)
def cached_key_set(text: str) -> KeySet | None:
    try:
        return read_key_set(bytes_of(text))
    except Malformed:
        return None


def key_set_of(text) -> KeySet:
    key_set = cached_key_set(text) if isinstance(text, str) else None
    if key_set is None:
        raise BadCase("key_set: malformed")
    return key_set


@functools.lru_cache(maxsize=256)
def cached_state(text: str) -> State:
    try:
        return read_state(bytes_of(text))
    except Malformed:
        raise BadCase("state: malformed") from None


@functools.lru_cache(maxsize=1024)
def cached_head_and_state(head_text: str, state_text: str) -> tuple[Head, State]:
    """Of a list that was adopted before, when its tag was compared."""
    try:
        head, _, _ = parse_head(bytes_of(head_text))
    except HeadRefused as refused:
        raise BadCase(f"list: {refused.word}") from None
    state = cached_state(state_text)
    if state.digest() != head.digest:
        raise BadCase("list: other_state")
    return head, state


def list_of(value, key_set: KeySet) -> RevocationList | None:
    """A list whose head was proved by its own `key_set`, if it has one, and else by this one.

    One that this one cannot have proved, of another tenant or not naming the audience, is of the administration: nobody's.
    """
    if value is None:
        return None
    head, state = cached_head_and_state(value["head"], value["state"])
    proved_by = key_set if value.get("key_set") is None else key_set_of(value["key_set"])
    named = head.tenant == proved_by.tenant and head.of_audience(proved_by.audience) is not None
    return RevocationList(head.tenant, proved_by.audience if named else 0, head, state)


def requirement_of(value, key_set: KeySet) -> Requirement:
    """Built from the catalog of its `of_key_set`, or else of this key set; for its `audience` and `version`, if it has them."""
    if value.get("of_key_set") is not None:
        key_set = key_set_of(value["of_key_set"])
    tenant, audience = value.get("audience") or (key_set.tenant, key_set.audience)
    version = key_set.version if value.get("version") is None else value["version"]
    return build_requirement(
        key_set.catalog, number_of(tenant), number_of(audience), number_of(version),
        value["scopes"], value["mode"], bool(value.get("strict", False)),
    )


def registry_of(value, key_set: KeySet, text: str, requirement: Requirement, now: int) -> str | RegistryAnswer:
    """An answer is to a question about its own `key` and `required`, if it has them, and else about those of the case."""
    if isinstance(value, dict):
        verdict = value["verdict"]
        if verdict != ALIVE and verdict not in REGISTRY_NO:
            raise BadCase("registry verdict")
        asked_at, asked_key = u64_of(value["asked_at"]), text_of_key(value.get("key") or text)
        asked = requirement if value.get("required") is None else requirement_of(value["required"], key_set)
        in_time = asked_at <= now <= asked_at + ANSWER_GOOD_FOR
        return RegistryAnswer(
            in_time and asked == requirement and base_and_tag(asked_key) == base_and_tag(text), verdict,
            u64_of(value.get("sequence") or 0),
        )
    if value not in (NOT_ASKED, FAILED):
        raise BadCase("registry")
    return value


def base_and_tag(text: str) -> tuple[bytes, bytes]:
    """What the registry is asked about; nothing where the key cannot be read, which decides before."""
    try:
        key = read_key(text)
    except KeyRefused:
        return b"", b""
    return key.base.data, key.tag


def fields_of(values: dict) -> Fields:
    """Of `scopes` (numbers), `expires_at`, `not_before` and `networks` (CIDR texts), those that are there and not null."""
    return Fields(
        optional(values.get("scopes"), lambda numbers: scope_set_of(map(number_of, numbers))),
        optional(values.get("expires_at"), number_of),
        optional(values.get("not_before"), number_of),
        optional(values.get("networks"), lambda texts: [entry_of(text) for text in texts]),
    )
