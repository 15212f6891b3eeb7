"""Numbers as bytes, and a reader that takes them one after the other (section 1)."""

U32_MAX = 2**32 - 1
U64_MAX = 2**64 - 1


class Malformed(Exception):
    """Bytes break a rule of the text."""


class CutShort(Malformed):
    """Bytes end within a field."""


class Refused(Exception):
    """Values that cannot be written without breaking a rule; the argument is a short word."""


class Reader:
    """Takes fields off the front of some bytes."""

    __slots__ = ("data", "at")

    def __init__(self, data: bytes):
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.data):
            raise CutShort("cut short")
        part = self.data[self.at:end]
        self.at = end
        return part

    def u8(self) -> int:
        at = self.at
        if at >= len(self.data):
            raise CutShort("cut short")
        self.at = at + 1
        return self.data[at]

    def u16(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def u64(self) -> int:
        return int.from_bytes(self.take(8), "big")

    def var(self) -> int:
        """Groups of 7 bits, the most significant first; refused at the first byte that makes it too long or too large."""
        value = 0
        first = True
        while True:
            byte = self.u8()
            if first and byte == 0x80:
                raise Malformed("var is not in its shortest spelling")
            first = False
            value = value << 7 | byte & 0x7F
            if value > U64_MAX:
                raise Malformed("var beyond 64 bits")
            if not byte & 0x80:
                return value

    def left(self) -> int:
        return len(self.data) - self.at

    def finish(self) -> None:
        if self.left():
            raise Malformed("spare bytes")


def write_number(value: int, size: int, what: str) -> bytes:
    """The number in `size` bytes, or refused by the name of what it is."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 256**size:
        raise Refused(what)
    return value.to_bytes(size, "big")


def write_var(value: int, what: str = "var") -> bytes:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= U64_MAX:
        raise Refused(what)
    groups = [value & 0x7F]
    value >>= 7
    while value:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(reversed(groups))


def sum_of_milliseconds(a: int, b: int) -> int:
    """A sum that would pass 2^64 - 1 stays there."""
    return min(a + b, U64_MAX)
