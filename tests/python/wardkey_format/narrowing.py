"""Appending a block to a key, given only its text (sections 2.4, 2.5, 2.8)."""

from .fields import Fields, write_fields
from .key import BLOCK_MAX, BLOCK_TYPE, BLOCKS_MAX, TEXT_MAX, read_key, write_text
from .numbers import Refused
from .spelling import make_tag


def write_block(fields: Fields) -> bytes:
    written = write_fields(fields)
    if not written:
        raise Refused("no_field")
    if len(written) > BLOCK_MAX:
        raise Refused("block_too_long")
    return bytes([BLOCK_TYPE, len(written)]) + written


def narrow(text: str, fields: Fields) -> str:
    """The narrowed key's text. Raises KeyRefused where the key cannot be read, Refused for all else."""
    key = read_key(text)
    if len(key.blocks) == BLOCKS_MAX:
        raise Refused("too_many_blocks")
    block = write_block(fields)
    before = key.base.data + b"".join(b.data for b in key.blocks)
    narrowed = write_text(key.prefix, before + block, make_tag(key.tag, block))
    if len(narrowed) > TEXT_MAX:
        raise Refused("too_long")
    return narrowed
