"""Sets of scope numbers 0 to 255, held as a Python integer whose bit n is number n."""

from .numbers import Malformed, Refused

ALL_NUMBERS = 2**256 - 1


def read_scope_set(data: bytes) -> int:
    """1 to 32 bytes, number n is bit n mod 8 of byte n div 8; the last byte is not zero."""
    if not 1 <= len(data) <= 32 or data[-1] == 0:
        raise Malformed("scopes")
    return int.from_bytes(data, "little")


def write_scope_set(scopes: int) -> bytes:
    if not 0 < scopes <= ALL_NUMBERS:
        raise Refused("scopes")
    return scopes.to_bytes((scopes.bit_length() + 7) // 8, "little")


def scope_set_of(numbers) -> int:
    scopes = 0
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= 255:
            raise Refused("scopes")
        scopes |= 1 << number
    return scopes


def numbers_of(scopes: int) -> list[int]:
    numbers = []
    while scopes:
        lowest = scopes & -scopes
        numbers.append(lowest.bit_length() - 1)
        scopes ^= lowest
    return numbers
