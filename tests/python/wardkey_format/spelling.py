"""base64url in its one spelling, the checksum, and tags (sections 1, 2.5, 2.6)."""

import base64
import hmac
import re
import zlib

from .numbers import Malformed

TAG_BYTES = 16
_ALPHABET = re.compile(r"[A-Za-z0-9_-]*")


def write_base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def read_base64url(text: str) -> bytes:
    if not _ALPHABET.fullmatch(text) or len(text) % 4 == 1:
        raise Malformed("not base64url")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if write_base64url(data) != text:
        raise Malformed("spare bits that are not zero")
    return data


def checksum(data: bytes) -> bytes:
    """CRC-32 (ISO-HDLC) as u32."""
    return zlib.crc32(data).to_bytes(4, "big")


def make_tag(key: bytes, message: bytes) -> bytes:
    """The first 16 bytes of HMAC-SHA-256."""
    return hmac.digest(key, message, "sha256")[:TAG_BYTES]


def same_tag(one: bytes, other: bytes) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(one, other)
