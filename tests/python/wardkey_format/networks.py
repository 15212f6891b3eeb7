"""Networks entries and callers' addresses (section 2.3, and row 17 of section 5).

An address is a pair (family, bytes): (4, 4 bytes) or (6, 16 bytes).
An entry is a triple (family, prefix length, address bytes).
"""

import socket

from .numbers import Malformed, Reader, Refused

ADDRESS_BYTES = {4: 4, 6: 16}
IPV4_MAPPED = bytes(10) + b"\xff\xff"


def check_entry(family: int, length: int, address: bytes) -> None:
    size = ADDRESS_BYTES.get(family)
    if size is None or len(address) != size or not 0 <= length <= size * 8:
        raise Malformed("networks")
    spare = size * 8 - length
    if int.from_bytes(address, "big") & ((1 << spare) - 1):
        raise Malformed("bits behind the prefix length")
    if family == 6 and length >= 96 and address[:12] == IPV4_MAPPED:
        raise Malformed("inside ::ffff:0:0/96")


def read_networks(data: bytes) -> list[tuple[int, int, bytes]]:
    reader = Reader(data)
    entries = []
    before = b""
    while reader.left():
        start = reader.at
        family, length = reader.u8(), reader.u8()
        if family not in ADDRESS_BYTES:
            raise Malformed("family")
        address = reader.take(ADDRESS_BYTES[family])
        check_entry(family, length, address)
        entry = data[start:reader.at]
        if entry <= before:
            raise Malformed("entries do not ascend")
        before = entry
        entries.append((family, length, address))
    if not entries:
        raise Malformed("no entry")
    return entries


def write_networks(entries) -> bytes:
    """A set of entries, sorted into their one order."""
    for family, length, address in entries:
        try:
            check_entry(family, length, address)
        except Malformed:
            raise Refused("networks") from None
    if not entries:
        raise Refused("networks")
    return b"".join(sorted({bytes([f, n]) + a for f, n, a in entries}))


def entry_of(text: str) -> tuple[int, int, bytes]:
    """An entry from its CIDR text, such as 10.0.0.0/8."""
    address, slash, length = text.partition("/")
    parsed = _parse(address)
    if parsed is None or not slash or not (length.isascii() and length.isdigit()) or str(int(length)) != length:
        raise Refused("networks")
    return parsed[0], int(length), parsed[1]


def text_of(entry: tuple[int, int, bytes]) -> str:
    family, length, address = entry
    return f"{socket.inet_ntop(socket.AF_INET if family == 4 else socket.AF_INET6, address)}/{length}"


def address_of(text: str) -> tuple[int, bytes] | None:
    """A caller's address from its text; one that cannot be read is unknown. IPv4-mapped ones are IPv4."""
    parsed = _parse(text)
    if parsed and parsed[0] == 6 and parsed[1][:12] == IPV4_MAPPED:
        return 4, parsed[1][12:]
    return parsed


def _parse(text: str) -> tuple[int, bytes] | None:
    for family, kind in ((4, socket.AF_INET), (6, socket.AF_INET6)):
        try:
            return family, socket.inet_pton(kind, text)
        except (OSError, ValueError):
            continue
    return None


def holds(entries, caller: tuple[int, bytes] | None) -> bool:
    """Whether any of these networks holds the caller; an unknown caller is in none."""
    if caller is None:
        return False
    family, address = caller
    number, bits = int.from_bytes(address, "big"), len(address) * 8
    return any(
        family == entry_family and (number ^ int.from_bytes(entry_address, "big")) >> (bits - length) == 0
        for entry_family, length, entry_address in entries
    )
