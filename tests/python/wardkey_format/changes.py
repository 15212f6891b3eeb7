"""What the latest mutations did to the state (section 4.3)."""

from dataclasses import dataclass

from .numbers import U32_MAX, U64_MAX, Malformed, Reader, write_var
from .state import CHUNK_BYTES, CHUNK_INDEXES, State


CHUNKS_ADDED_MOST = 256


class CannotApply(Exception):
    """A change leads where no state can be."""


@dataclass(slots=True, frozen=True)
class Change:
    """One mutation: its sequence, the rise of the floor in chunks, and the flips' places from the new floor."""

    sequence: int
    rise: int
    places: tuple[int, ...]


def read_changes(reader: Reader, count: int, from_sequence: int, head_sequence: int) -> list[Change]:
    """The changes of a head, told row by row. Rises and places are bounded each by itself."""
    changes = []
    sequence, rises = from_sequence, 0
    for _ in range(count):
        step = reader.var()
        sequence += step
        if step == 0 or sequence > U64_MAX:
            raise Malformed("step")
        rise = reader.var()
        rises += rise
        if rises * CHUNK_INDEXES > U32_MAX:
            raise Malformed("rise")
        changes.append(Change(sequence, rise, _read_places(reader)))
    if changes and sequence != head_sequence:
        raise Malformed("the last sequence is not the head's")
    return changes


def _read_places(reader: Reader) -> tuple[int, ...]:
    places = []
    for nth in range(reader.var()):
        place = reader.var()
        if nth:
            if place == 0:
                raise Malformed("places do not ascend")
            place += places[-1]
        if place > U32_MAX:
            raise Malformed("place")
        places.append(place)
    return tuple(places)


def write_changes(from_sequence: int, changes: list[Change]) -> list[bytes]:
    """The bytes of each change. They stay the same when older ones are dropped."""
    written = []
    before = from_sequence
    for change in changes:
        part = write_var(change.sequence - before, "changes") + write_var(change.rise, "changes")
        part += write_var(len(change.places), "changes")
        before = change.sequence
        last = 0
        for place in change.places:
            part += write_var(place - last, "changes")
            last = place
        written.append(part)
    return written


def apply_changes(state: State, changes: list[Change]) -> State:
    """The state after all changes; the state given is left as it is."""
    floor, bit_count, bits = state.floor, state.bit_count, bytearray(state.bits)
    for change in changes:
        floor += change.rise * CHUNK_INDEXES
        if floor > U32_MAX:
            raise CannotApply("floor")
        bit_count = max(0, bit_count - change.rise * CHUNK_INDEXES)
        del bits[:change.rise * CHUNK_BYTES]
        for place in change.places:
            if floor + place > U32_MAX:
                raise CannotApply("index")
            if place >= bit_count:
                if place + 1 > U32_MAX:
                    raise CannotApply("bit count")
                bit_count = place + 1
                bits.extend(bytes((bit_count + 7) // 8 - len(bits)))
            bits[place >> 3] ^= 1 << (place & 7)
    if _chunks(bit_count) > _chunks(state.bit_count) + CHUNKS_ADDED_MOST:
        raise CannotApply("more chunks than changes may add")
    return State(floor, bit_count, bytes(bits))


def _chunks(bit_count: int) -> int:
    return -(-bit_count // CHUNK_INDEXES)
