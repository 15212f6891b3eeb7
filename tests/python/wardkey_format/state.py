"""The state of a revocation list: which status indexes are dead (section 4.1)."""

import hashlib
from dataclasses import dataclass

from .numbers import Malformed, Reader, Refused, U32_MAX

VERSION = 1
CHUNK_BYTES = 4096
CHUNK_INDEXES = 32_768


@dataclass(slots=True, frozen=True)
class State:
    floor: int
    bit_count: int
    bits: bytes

    def is_dead(self, index: int) -> bool:
        place = index - self.floor
        if place < 0:
            return True
        if place >= self.bit_count:
            return False
        return bool(self.bits[place >> 3] >> (place & 7) & 1)

    def digest(self) -> bytes:
        whole = hashlib.sha256(self.floor.to_bytes(4, "big") + self.bit_count.to_bytes(4, "big"))
        for start in range(0, len(self.bits), CHUNK_BYTES):
            whole.update(hashlib.sha256(self.bits[start:start + CHUNK_BYTES]).digest())
        return whole.digest()


def check_state(state: State) -> None:
    if not 0 <= state.floor <= U32_MAX or not 0 <= state.bit_count <= U32_MAX:
        raise Malformed("floor or bit count")
    if state.floor + state.bit_count > U32_MAX + 1:
        raise Malformed("floor and bit count")
    if len(state.bits) != (state.bit_count + 7) // 8:
        raise Malformed("bits")
    if state.bit_count % 8 and state.bits[-1] >> state.bit_count % 8:
        raise Malformed("spare bits")


def read_state(data: bytes) -> State:
    reader = Reader(data)
    if reader.u8() != VERSION:
        raise Malformed("version")
    state = State(reader.u32(), reader.u32(), reader.take(reader.left()))
    check_state(state)
    return state


def write_state(state: State) -> bytes:
    try:
        check_state(state)
    except Malformed as rule:
        raise Refused(str(rule)) from None
    return bytes([VERSION]) + state.floor.to_bytes(4, "big") + state.bit_count.to_bytes(4, "big") + state.bits
