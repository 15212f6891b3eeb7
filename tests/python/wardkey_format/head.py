"""The head of a revocation list (sections 4.2 and 4.4)."""

from dataclasses import dataclass, replace

from .changes import Change, read_changes, write_changes
from .key_set import KeySet
from .numbers import CutShort, Malformed, Reader, Refused, write_number
from .spelling import TAG_BYTES, make_tag, same_tag

VERSION = 1
HEAD_MAX = 4096
LIFE_MAX = 3_600_000


class HeadRefused(Exception):
    """A head that cannot be read; `word` is the one of section 4.4."""

    def __init__(self, word: str):
        super().__init__(word)
        self.word = word


@dataclass(slots=True, frozen=True)
class Audience:
    audience: int
    current: int
    least: int
    cut_off: int


@dataclass(slots=True, frozen=True)
class Head:
    tenant: int
    sequence: int
    digest: bytes
    issued_at: int
    not_after: int
    cut_off: int
    audiences: tuple[Audience, ...]
    dead_signing_keys: tuple[tuple[int, int], ...]
    from_sequence: int | None
    changes: tuple[Change, ...]

    def of_audience(self, audience: int) -> Audience | None:
        return next((a for a in self.audiences if a.audience == audience), None)

    def meaning_for(self, audience: int) -> tuple:
        """What makes a head the very head in force for an audience that it names (4.5 step 3)."""
        own = self.of_audience(audience)
        dead_epochs = [epoch for of, epoch in self.dead_signing_keys if of == audience]
        return (
            self.sequence, self.digest, self.issued_at, self.not_after,
            max(self.cut_off, own.cut_off), own.current, own.least, dead_epochs,
        )


def parse_head(data: bytes) -> tuple[Head, bytes, dict[int, bytes]]:
    """Step 1 of 4.4: the head, its body, and the tag of each audience. Proves nothing."""
    if len(data) > HEAD_MAX:
        raise HeadRefused("length")
    try:
        return _parse(Reader(data))
    except CutShort:
        raise HeadRefused("length") from None
    except Malformed:  # only changes know other faults than those that _parse names
        raise HeadRefused("changes") from None


def _parse(reader: Reader) -> tuple[Head, bytes, dict[int, bytes]]:
    """Row by row: each is read whole from all bytes that are left, and then told."""
    if reader.u8() != VERSION:
        raise HeadRefused("version")
    tenant, sequence, digest = reader.u16(), reader.u64(), reader.take(32)
    issued_at, not_after = reader.u64(), reader.u64()
    if not 0 < not_after - issued_at <= LIFE_MAX:
        raise HeadRefused("not_after")
    cut_off = reader.u32()
    audiences, before = [], 0
    for _ in range(reader.u8()):
        number = reader.u8()
        if number <= before:
            raise HeadRefused("order")
        before = number
        audiences.append(Audience(number, reader.u32(), reader.u32(), reader.u32()))
    dead, before = [], (0, 0)
    for _ in range(reader.u16()):
        pair = tuple(reader.take(2))
        if 0 in pair or pair <= before:
            raise HeadRefused("order")
        before = pair
        dead.append(pair)
    count = reader.u16()
    from_sequence, changes = None, []
    if count:
        from_sequence = reader.u64()
        changes = read_changes(reader, count, from_sequence, sequence)
    body = reader.data[:reader.at]
    if reader.left() != TAG_BYTES * len(audiences):
        raise HeadRefused("length")
    tags = {a.audience: reader.take(TAG_BYTES) for a in audiences}
    head = Head(
        tenant, sequence, digest, issued_at, not_after, cut_off, tuple(audiences), tuple(dead), from_sequence, tuple(changes)
    )
    return head, body, tags


def read_head(data: bytes, key_set: KeySet) -> Head:
    """Both steps of 4.4."""
    head, body, tags = parse_head(data)
    if head.tenant != key_set.tenant:
        raise HeadRefused("tenant")
    if key_set.audience not in tags:
        raise HeadRefused("audience")
    if not same_tag(tags[key_set.audience], make_tag(key_set.list_key, body)):
        raise HeadRefused("tag")
    return head


def write_head(head: Head, list_keys: dict[int, bytes], drop_oldest: bool = False) -> bytes:
    """Writes a head with a tag for each audience.

    Where room is short the oldest changes are dropped if `drop_oldest`, and else the head is refused.
    """
    if drop_oldest and head.changes:
        head = _with_changes_that_fit(head)
    body = write_body(head, head.from_sequence, list(head.changes))
    written = body
    for a in head.audiences:
        if a.audience not in list_keys:
            raise Refused("list_key")
        written += make_tag(list_keys[a.audience], body)
    try:
        parse_head(written)
    except HeadRefused as refused:
        raise Refused(refused.word) from None
    return written


def _with_changes_that_fit(head: Head) -> Head:
    room = HEAD_MAX - TAG_BYTES * len(head.audiences) - len(write_body(head, None, [])) - 8
    sizes = [len(part) for part in write_changes(head.from_sequence, list(head.changes))]
    needed, dropped = sum(sizes), 0
    while dropped < len(sizes) and needed > room:
        needed -= sizes[dropped]
        dropped += 1
    from_sequence = head.changes[dropped - 1].sequence if dropped else head.from_sequence
    kept = head.changes[dropped:]
    return replace(head, from_sequence=from_sequence if kept else None, changes=kept)


def write_body(head: Head, from_sequence: int | None, changes: list[Change]) -> bytes:
    """The body with these changes instead of the head's own. Looks only whether each number fits its bytes."""
    if len(head.digest) != 32:
        raise Refused("digest")
    body = bytes([VERSION]) + write_number(head.tenant, 2, "tenant") + write_number(head.sequence, 8, "sequence")
    body += head.digest + write_number(head.issued_at, 8, "issued_at") + write_number(head.not_after, 8, "not_after")
    body += write_number(head.cut_off, 4, "cut_off") + write_number(len(head.audiences), 1, "audiences")
    for a in head.audiences:
        body += write_number(a.audience, 1, "audiences")
        for number in (a.current, a.least, a.cut_off):
            body += write_number(number, 4, "audiences")
    body += write_number(len(head.dead_signing_keys), 2, "dead_signing_keys")
    for audience, epoch in head.dead_signing_keys:
        body += write_number(audience, 1, "dead_signing_keys") + write_number(epoch, 1, "dead_signing_keys")
    body += write_number(len(changes), 2, "changes")
    if changes:
        body += write_number(from_sequence, 8, "from") + b"".join(write_changes(from_sequence, changes))
    return body
