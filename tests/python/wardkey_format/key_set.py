"""What a verifier of one audience holds (section 3)."""

from dataclasses import dataclass

from .catalog import Catalog, Scope, read_catalog, write_catalog
from .numbers import Malformed, Reader, Refused, write_number
from .prefix import is_prefix

VERSION = 1
BOUNDS_MAX = (5_000, 30_000, 300_000, 3_600_000)
MAX_SKEW_MAX = 60_000


@dataclass(slots=True)
class SigningKey:
    epoch: int
    key: bytes
    prefix: str
    mint_from: int
    mint_until: int
    verify_until: int


@dataclass(slots=True)
class KeySet:
    tenant: int
    audience: int
    version: int
    fresh_for: int
    high: int
    standard: int
    low: int
    max_skew: int
    list_key: bytes
    signing_keys: list[SigningKey]
    catalog: Catalog
    by_id: dict[tuple[int, int, int], SigningKey]


def read_key_set(data: bytes) -> KeySet:
    reader = Reader(data)
    if reader.u8() != VERSION:
        raise Malformed("version")
    tenant, audience, version = reader.u16(), reader.u8(), reader.u32()
    if audience == 0:
        raise Malformed("audience")
    bounds = [reader.u32() for _ in BOUNDS_MAX]
    if bounds != sorted(bounds) or any(bound > most for bound, most in zip(bounds, BOUNDS_MAX)):
        raise Malformed("bounds")
    max_skew = reader.u32()
    if max_skew > MAX_SKEW_MAX:
        raise Malformed("max-skew")
    list_key = reader.take(32)
    count = reader.u8()
    if not 1 <= count <= 8:
        raise Malformed("count of signing keys")
    signing_keys, before = [], 0
    for _ in range(count):
        signing_key = _read_signing_key(reader)
        if signing_key.epoch <= before:
            raise Malformed("epochs")
        before = signing_key.epoch
        signing_keys.append(signing_key)
    catalog = read_catalog(reader)
    reader.finish()
    by_id = {(tenant, audience, k.epoch): k for k in signing_keys}
    return KeySet(tenant, audience, version, *bounds, max_skew, list_key, signing_keys, catalog, by_id)


def _read_signing_key(reader: Reader) -> SigningKey:
    epoch, key = reader.u8(), reader.take(32)
    prefix = reader.take(reader.u8())
    if not prefix.isascii() or not is_prefix(prefix.decode("ascii")):
        raise Malformed("prefix")
    return SigningKey(epoch, key, prefix.decode("ascii"), reader.u32(), reader.u32(), reader.u32())


def write_key_set(
    *, tenant: int, audience: int, version: int, fresh_for: int, high: int, standard: int, low: int, max_skew: int,
    list_key: bytes, signing_keys: list[SigningKey], scopes: list[Scope],
) -> bytes:
    """Writes, then reads what was written, so that no rule can be broken."""
    written = bytes([VERSION]) + write_number(tenant, 2, "tenant") + write_number(audience, 1, "audience")
    written += write_number(version, 4, "version")
    for name, bound in (("fresh_for", fresh_for), ("high", high), ("standard", standard), ("low", low), ("max_skew", max_skew)):
        written += write_number(bound, 4, name)
    if len(list_key) != 32:
        raise Refused("list_key")
    written += list_key + write_number(len(signing_keys), 1, "signing_keys")
    for k in signing_keys:
        prefix = k.prefix.encode("utf-8")
        if len(k.key) != 32:
            raise Refused("signing_keys")
        written += write_number(k.epoch, 1, "signing_keys") + k.key + write_number(len(prefix), 1, "signing_keys") + prefix
        for second in (k.mint_from, k.mint_until, k.verify_until):
            written += write_number(second, 4, "signing_keys")
    written += write_catalog(scopes)
    try:
        read_key_set(written)
    except Malformed as rule:
        raise Refused(str(rule)) from None
    return written
