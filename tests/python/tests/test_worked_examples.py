"""Section 7, from values to bytes and back."""

import unittest

from wardkey_format.changes import apply_changes
from wardkey_format.fields import Fields
from wardkey_format.head import parse_head, read_head, write_head
from wardkey_format.key import read_key
from wardkey_format.key_set import write_key_set
from wardkey_format.minting import mint
from wardkey_format.narrowing import narrow
from wardkey_format.networks import entry_of
from wardkey_format.scanning import find_keys
from wardkey_format.scope_set import numbers_of
from wardkey_format.spelling import checksum
from wardkey_format.state import State, read_state, write_state

from .examples import (
    CONSTRAINED, DIGEST, HEAD, HEAD_BODY, HEAD_BYTES, K, KEY, KEY_SET, KEY_SET_BYTES, KEY_SET_VALUES, LIST_KEY,
    NARROWED, PREFIX, STATE, STATE_BYTES, TEXT, hx,
)


class WorkedExamples(unittest.TestCase):
    def test_key(self):
        self.assertEqual(mint(K, PREFIX, **KEY), TEXT)
        base = hx("01 0007 02 01 0011223344556677 00000328 6b49d200 6b49ee20 0b 7376633a62696c6c696e67 02 0702")
        key = read_key(TEXT)
        self.assertEqual(key.base.data, base)
        self.assertEqual(key.tag, hx("d9f9d80c44db0bc4e47a596c7602271b"))
        self.assertEqual(key.crc, hx("3427bfb8"))
        self.assertEqual(key.expected_tag(K), key.tag)
        self.assertEqual(
            (key.prefix, key.base.tenant, key.base.audience, key.base.epoch, key.base.key_id, key.base.status_index,
             key.base.issued_at, key.base.expires_at, key.base.subject, numbers_of(key.base.scopes), key.blocks),
            (PREFIX, 7, 2, 1, KEY["key_id"], 808, 1800000000, 1800007200, "svc:billing", [0, 1, 2, 9], []),
        )

    def test_narrowed(self):
        self.assertEqual(narrow(TEXT, Fields(scopes=0b11, expires_at=1800000600)), NARROWED)
        key = read_key(NARROWED)
        self.assertEqual(key.blocks[0].data, hx("80 09  01 01 03  02 04 6b49d458"))
        self.assertEqual(key.tag, hx("f24db677806b342e9932256cae5f254f"))
        self.assertEqual(key.crc, hx("6b46d28b"))
        self.assertEqual(key.expected_tag(K), key.tag)
        self.assertEqual((key.scopes_left(), key.earliest_expires_at()), (3, 1800000600))

    def test_constrained(self):
        networks = [entry_of("2001:db8::/32"), entry_of("10.0.0.0/8")]
        self.assertEqual(mint(K, PREFIX, **KEY, not_before=1800000060, networks=networks), CONSTRAINED)
        key = read_key(CONSTRAINED)
        self.assertEqual(key.base.data, hx("""01 0007 02 01 0011223344556677 00000328 6b49d200 6b49ee20
            8b 7376633a62696c6c696e67 02 0702
            20  03 04 6b49d23c
                04 18  04 08 0a000000  06 20 20010db8000000000000000000000000"""))
        self.assertEqual(key.tag, hx("e7eaf60713549d89aefed87680167580"))
        self.assertEqual(key.crc, hx("3eed57ac"))
        self.assertEqual(key.base.constraints.not_before, 1800000060)
        self.assertEqual(key.base.constraints.networks, [entry_of("10.0.0.0/8"), entry_of("2001:db8::/32")])

    def test_key_set(self):
        self.assertEqual(write_key_set(**KEY_SET_VALUES), KEY_SET_BYTES)
        values = {name: getattr(KEY_SET, name) for name in KEY_SET_VALUES if name != "scopes"}
        self.assertEqual({**values, "scopes": KEY_SET.catalog.scopes}, KEY_SET_VALUES)

    def test_state(self):
        self.assertEqual(write_state(STATE), STATE_BYTES)
        self.assertEqual(read_state(STATE_BYTES), STATE)
        self.assertEqual(STATE.digest(), DIGEST)
        self.assertEqual([n for n in range(800, 812) if STATE.is_dead(n)], [801, 809])

    def test_head(self):
        self.assertEqual(write_head(HEAD, {2: LIST_KEY}), HEAD_BYTES)
        self.assertEqual(read_head(HEAD_BYTES, KEY_SET), HEAD)
        self.assertEqual(parse_head(HEAD_BYTES)[1], HEAD_BODY)

    def test_before_the_change(self):
        before = State(800, 2, b"\x02")
        self.assertEqual(before.digest().hex(), "4d8259fda5c5fd0821d72e8819ec0079db3395438037d427a482f7e2ac08fe61")
        self.assertEqual(apply_changes(before, HEAD.changes), STATE)

    def test_check_values(self):
        self.assertEqual(checksum(b"123456789").hex(), "cbf43926")
        self.assertEqual(find_keys(f'a = "{TEXT}"; {NARROWED} {CONSTRAINED[:-1]}A'), [TEXT, NARROWED])
