"""A key: prefix, base, blocks, tag and checksum, and how it is read (sections 2.2, 2.4 to 2.7)."""

import re
from dataclasses import dataclass

from .fields import IN_BASE, IN_BLOCKS, Fields, read_fields
from .numbers import Malformed, Reader
from .prefix import prefix_of
from .scope_set import read_scope_set
from .spelling import checksum, make_tag, read_base64url, write_base64url

VERSION = 1
TEXT_MAX = 512
PAYLOAD_MIN = 49
LEAST_LIFE = 60
BLOCK_TYPE = 0x80
BLOCK_MAX = 64
BLOCKS_MAX = 4
CONSTRAINTS_MAX = 128
TAIL_BYTES = 20  # tag and checksum
SUBJECT = re.compile(rb"[a-z0-9][a-z0-9:._/-]*")


class KeyRefused(Exception):
    """A key that cannot be read; `reason` is `malformed` or `bad_checksum`."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class Base:
    tenant: int
    audience: int
    epoch: int
    key_id: bytes
    status_index: int
    issued_at: int
    expires_at: int
    subject: str
    scopes: int
    constraints: Fields
    data: bytes

    @property
    def signing_key_id(self) -> tuple[int, int, int]:
        return self.tenant, self.audience, self.epoch


@dataclass(slots=True)
class Block:
    fields: Fields
    data: bytes


@dataclass(slots=True)
class Key:
    """A key that was read. Nothing of it is proven before the tag has been compared."""

    prefix: str
    base: Base
    blocks: list[Block]
    tag: bytes
    crc: bytes

    def expected_tag(self, signing_key: bytes) -> bytes:
        tag = make_tag(signing_key, self.base.data)
        for block in self.blocks:
            tag = make_tag(tag, block.data)
        return tag

    def scopes_left(self) -> int:
        """Base and all blocks' scopes."""
        scopes = self.base.scopes
        for block in self.blocks:
            if block.fields.scopes is not None:
                scopes &= block.fields.scopes
        return scopes

    def earliest_expires_at(self) -> int:
        times = [b.fields.expires_at for b in self.blocks if b.fields.expires_at is not None]
        return min([self.base.expires_at, *times])

    def latest_not_before(self) -> int:
        """0 where none is said, which forbids no time."""
        times = [f.not_before for f in self.all_fields() if f.not_before is not None]
        return max(times, default=0)

    def all_fields(self) -> list[Fields]:
        return [self.base.constraints, *(b.fields for b in self.blocks)]


def show_key_id(key_id: bytes) -> str:
    return "key_" + key_id.hex()


def read_key(text: str) -> Key:
    """Reads a key's text in the order of section 2.7."""
    try:
        if len(text) > TEXT_MAX or not text.isascii():
            raise Malformed("text")
        prefix = prefix_of(text)
        if prefix is None:
            raise Malformed("no prefix")
        payload = read_base64url(text[len(prefix):])
        if len(payload) < PAYLOAD_MIN:
            raise Malformed("payload")
        if checksum(prefix.encode("ascii") + payload[:-4]) != payload[-4:]:
            raise KeyRefused("bad_checksum")
        reader = Reader(payload[:-TAIL_BYTES])
        base = read_base(reader)
        blocks = read_blocks(reader)
    except Malformed:
        raise KeyRefused("malformed") from None
    return Key(prefix, base, blocks, payload[-TAIL_BYTES:-4], payload[-4:])


def read_base(reader: Reader) -> Base:
    start = reader.at
    if reader.u8() != VERSION:
        raise Malformed("version")
    tenant, audience, epoch = reader.u16(), reader.u8(), reader.u8()
    if epoch == 0:
        raise Malformed("epoch")
    key_id = reader.take(8)
    status_index, issued_at, expires_at = reader.u32(), reader.u32(), reader.u32()
    if expires_at < issued_at + LEAST_LIFE:
        raise Malformed("expires-at")
    subject_length = reader.u8()
    if subject_length & 0x40:
        raise Malformed("bit 6 of the subject length")
    subject = reader.take(subject_length & 0x3F)
    if not SUBJECT.fullmatch(subject):
        raise Malformed("subject")
    scopes = read_scope_set(reader.take(reader.u8()))
    constraints = Fields()
    if subject_length & 0x80:
        length = reader.u8()
        if not 1 <= length <= CONSTRAINTS_MAX:
            raise Malformed("constraints length")
        constraints = read_fields(reader.take(length), IN_BASE)
    return Base(
        tenant, audience, epoch, key_id, status_index, issued_at, expires_at,
        subject.decode("ascii"), scopes, constraints, reader.data[start:reader.at],
    )


def read_blocks(reader: Reader) -> list[Block]:
    """All that is left of the bytes."""
    blocks = []
    while reader.left():
        if len(blocks) == BLOCKS_MAX:
            raise Malformed("a fifth block")
        start = reader.at
        if reader.u8() != BLOCK_TYPE:
            raise Malformed("block type")
        length = reader.u8()
        if not 1 <= length <= BLOCK_MAX:
            raise Malformed("block length")
        fields = read_fields(reader.take(length), IN_BLOCKS)
        blocks.append(Block(fields, reader.data[start:reader.at]))
    return blocks


def write_text(prefix: str, base_and_blocks: bytes, tag: bytes) -> str:
    body = base_and_blocks + tag
    return prefix + write_base64url(body + checksum(prefix.encode("ascii") + body))
