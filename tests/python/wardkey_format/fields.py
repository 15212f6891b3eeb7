"""Fields of the base's constraints and of blocks (section 2.3)."""

from dataclasses import dataclass

from .networks import read_networks, write_networks
from .numbers import Malformed, Reader, Refused, write_number
from .scope_set import read_scope_set, write_scope_set

SCOPES, EXPIRES_AT, NOT_BEFORE, NETWORKS = 1, 2, 3, 4
IN_BASE = frozenset((NOT_BEFORE, NETWORKS))
IN_BLOCKS = frozenset((SCOPES, EXPIRES_AT, NOT_BEFORE, NETWORKS))


@dataclass(slots=True)
class Fields:
    """What some fields say; None is a field that is not there."""

    scopes: int | None = None
    expires_at: int | None = None
    not_before: int | None = None
    networks: list | None = None


def read_fields(data: bytes, allowed: frozenset) -> Fields:
    """At least one field, types strictly ascending, filling the bytes exactly."""
    reader = Reader(data)
    fields = Fields()
    before = 0
    while reader.left():
        kind = reader.u8()
        value = reader.take(reader.u8())
        if kind not in allowed or kind <= before:
            raise Malformed("field type")
        before = kind
        if kind == SCOPES:
            fields.scopes = read_scope_set(value)
        elif kind == NETWORKS:
            fields.networks = read_networks(value)
        else:
            if len(value) != 4:
                raise Malformed("field length")
            if kind == EXPIRES_AT:
                fields.expires_at = int.from_bytes(value, "big")
            else:
                fields.not_before = int.from_bytes(value, "big")
    if before == 0:
        raise Malformed("no field")
    return fields


def write_fields(fields: Fields) -> bytes:
    """The fields that are there, in the order of their types; nothing for none."""
    values = []
    if fields.scopes is not None:
        values.append((SCOPES, write_scope_set(fields.scopes)))
    if fields.expires_at is not None:
        values.append((EXPIRES_AT, write_number(fields.expires_at, 4, "expires_at")))
    if fields.not_before is not None:
        values.append((NOT_BEFORE, write_number(fields.not_before, 4, "not_before")))
    if fields.networks is not None:
        values.append((NETWORKS, write_networks(fields.networks)))
    written = b""
    for kind, value in values:
        if len(value) > 255:
            raise Refused("too_long")
        written += bytes([kind, len(value)]) + value
    return written
