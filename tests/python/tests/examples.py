"""The values and bytes of section 7, and keys and heads written around any bytes, right or wrong."""

from wardkey_format.catalog import Scope
from wardkey_format.changes import Change
from wardkey_format.head import Audience, Head, HeadRefused, read_head
from wardkey_format.key import KeyRefused, read_key
from wardkey_format.key_set import SigningKey, read_key_set
from wardkey_format.minting import write_base
from wardkey_format.scope_set import scope_set_of
from wardkey_format.spelling import checksum, make_tag, write_base64url
from wardkey_format.state import State


def hx(text):
    return bytes.fromhex(text.replace("\n", " "))


K = bytes(range(32))
LIST_KEY = bytes(range(32, 64))
PREFIX = "example_test_"
KEY = dict(
    tenant=7, audience=2, epoch=1, key_id=hx("0011223344556677"), status_index=808, issued_at=1800000000,
    expires_at=1800007200, subject="svc:billing", scopes=scope_set_of([0, 1, 2, 9]),
)
TEXT = "example_test_AQAHAgEAESIzRFVmdwAAAyhrSdIAa0nuIAtzdmM6YmlsbGluZwIHAtn52AxE2wvE5HpZbHYCJxs0J7-4"
NARROWED = (
    "example_test_AQAHAgEAESIzRFVmdwAAAyhrSdIAa0nuIAtzdmM6YmlsbGluZwIHAoAJAQEDAgRrSdRY8k22d4BrNC6ZMiVsrl8lT2tG0os"
)
CONSTRAINED = (
    "example_test_AQAHAgEAESIzRFVmdwAAAyhrSdIAa0nuIItzdmM6YmlsbGluZwIHAiADBGtJ0jwEGAQICgAAAAYgIAENuAAAAAAAAAAAAAAAA"
    "Ofq9gcTVJ2Jrv7YdoAWdYA-7Ves"
)
KEY_SET_BYTES = hx("""
    01 0007 02 00000003  00001388 00007530 000493e0 0036ee80 00001388
    202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f
    01  01 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
        0d 6578616d706c655f746573745f  6b49c3f0 6b49e010 6b4b2380
    0003  00 00 0c 696e766f6963653a6c697374
          01 01 0c 696e766f6963653a72656164
          09 03 0c 696e766f6963653a766f6964""")
KEY_SET_VALUES = dict(
    tenant=7, audience=2, version=3, fresh_for=5000, high=30000, standard=300000, low=3600000, max_skew=5000,
    list_key=LIST_KEY,
    signing_keys=[SigningKey(1, K, PREFIX, 1799996400, 1800003600, 1800086400)],
    scopes=[Scope(0, 0, "invoice:list"), Scope(1, 1, "invoice:read"), Scope(9, 3, "invoice:void")],
)
KEY_SET = read_key_set(KEY_SET_BYTES)
STATE_BYTES = hx("01 00000320 0000000a 0202")
STATE = State(800, 10, hx("0202"))
DIGEST = hx("f17e17f7bc9ac31044a1a9d9e24485eba971161c0c531ad0a57a51e3f68017a4")
HEAD_BODY = hx("""
    01 0007 000001a3185c5000
    f17e17f7bc9ac31044a1a9d9e24485eba971161c0c531ad0a57a51e3f68017a4
    000001a3185c5000 000001a318933e80 00000000
    01  02 00000003 00000003 00000000
    0001  02 09
    0001 000001a3185c3c78  a708 00 01 09""")
HEAD_BYTES = HEAD_BODY + hx("752a824be5055fc71af1742d0e5bf6dc")
T0 = 1800000000000
HEAD = Head(
    7, T0, DIGEST, T0, T0 + 3_600_000, 0, (Audience(2, 3, 3, 0),), ((2, 9),), T0 - 5000, (Change(T0, 0, (9,)),)
)
U64 = 2**64 - 1


def with_crc(prefix, body):
    """A key's text around any bytes, with the right checksum."""
    return prefix + write_base64url(body + checksum(prefix.encode() + body))


def raw_key(base, blocks=b"", prefix=PREFIX):
    return with_crc(prefix, base + blocks + bytes(16))


def reason(text):
    try:
        read_key(text)
    except KeyRefused as refused:
        return refused.reason
    return "ok"


def head_word(data, key_set=KEY_SET):
    try:
        read_head(data, key_set)
    except HeadRefused as refused:
        return refused.word
    return "ok"


def signed(body, tags=1):
    return body + make_tag(LIST_KEY, body) * tags


def base_bytes(**other):
    return write_base(**{**KEY, **other})
