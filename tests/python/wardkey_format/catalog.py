"""The scopes that a key set names, with their risk levels (section 3)."""

import re
from dataclasses import dataclass

from .numbers import Malformed, Reader, Refused, write_number

LOW, STANDARD, HIGH, STRICT = 0, 1, 2, 3
LEVEL_NAMES = ("low", "standard", "high", "strict")
_NAME = re.compile(rb"[a-z0-9][a-z0-9._-]*:[a-z0-9][a-z0-9._-]*")


@dataclass(slots=True, frozen=True)
class Scope:
    number: int
    level: int
    name: str


class Catalog:
    def __init__(self, scopes: list[Scope]):
        self.scopes = scopes
        self.by_name = {scope.name: scope for scope in scopes}


def read_catalog(reader: Reader) -> Catalog:
    count = reader.u16()
    if not 1 <= count <= 256:
        raise Malformed("count of scopes")
    scopes, names, before = [], set(), -1
    for _ in range(count):
        number, level = reader.u8(), reader.u8()
        if number <= before or level > STRICT:
            raise Malformed("scope")
        before = number
        name = reader.take(reader.u8())
        if not 3 <= len(name) <= 64 or not _NAME.fullmatch(name) or name in names:
            raise Malformed("scope name")
        names.add(name)
        scopes.append(Scope(number, level, name.decode("ascii")))
    return Catalog(scopes)


def write_catalog(scopes: list[Scope]) -> bytes:
    written = write_number(len(scopes), 2, "scopes")
    for scope in scopes:
        name = scope.name.encode("utf-8")
        written += write_number(scope.number, 1, "scopes") + write_number(scope.level, 1, "scopes")
        written += write_number(len(name), 1, "scopes") + name
    try:
        reader = Reader(written)
        read_catalog(reader)
        reader.finish()
    except Malformed:
        raise Refused("scopes") from None
    return written
