"""Composing a key from values and a signing key (section 2.8)."""

from .fields import Fields, write_fields
from .key import CONSTRAINTS_MAX, LEAST_LIFE, SUBJECT, TEXT_MAX, VERSION, write_text
from .numbers import Refused, write_number
from .prefix import is_prefix
from .scope_set import write_scope_set
from .spelling import make_tag


def write_base(
    *, tenant: int, audience: int, epoch: int, key_id: bytes, status_index: int, issued_at: int, expires_at: int,
    subject: str, scopes: int, not_before: int | None = None, networks: list | None = None,
) -> bytes:
    """The base of these values, refusing what would break a rule of 2.2 and 2.3."""
    written = bytes([VERSION])
    written += write_number(tenant, 2, "tenant") + write_number(audience, 1, "audience") + write_number(epoch, 1, "epoch")
    if epoch == 0:
        raise Refused("epoch")
    if len(key_id) != 8:
        raise Refused("key_id")
    written += key_id + write_number(status_index, 4, "status_index")
    written += write_number(issued_at, 4, "issued_at") + write_number(expires_at, 4, "expires_at")
    if expires_at < issued_at + LEAST_LIFE:
        raise Refused("expires_at")
    try:
        subject_bytes = subject.encode("ascii")
    except UnicodeEncodeError:
        raise Refused("subject") from None
    if len(subject_bytes) > 63 or not SUBJECT.fullmatch(subject_bytes):
        raise Refused("subject")
    constraints = write_fields(Fields(not_before=not_before, networks=networks))
    if len(constraints) > CONSTRAINTS_MAX:
        raise Refused("constraints")
    written += bytes([len(subject_bytes) | (0x80 if constraints else 0)]) + subject_bytes
    scope_bytes = write_scope_set(scopes)
    written += bytes([len(scope_bytes)]) + scope_bytes
    if constraints:
        written += bytes([len(constraints)]) + constraints
    return written


def mint(signing_key: bytes, prefix: str, **values) -> str:
    """The text of a new key."""
    if len(signing_key) != 32:
        raise Refused("signing_key")
    if not is_prefix(prefix):
        raise Refused("prefix")
    base = write_base(**values)
    text = write_text(prefix, base, make_tag(signing_key, base))
    if len(text) > TEXT_MAX:
        raise Refused("too_long")
    return text
