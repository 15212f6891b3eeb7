"""Reading heads with their changes (sections 4.2 to 4.4)."""

import unittest
from dataclasses import replace

from wardkey_format.changes import Change
from wardkey_format.head import Audience, read_head, write_body, write_head
from wardkey_format.numbers import Refused

from .examples import HEAD, HEAD_BODY, HEAD_BYTES, K, KEY_SET, LIST_KEY, T0, U64, head_word, hx, signed


class Heads(unittest.TestCase):
    def word(self, key_set=KEY_SET, **other):
        """The word for a head with other values, written without any check."""
        head = replace(HEAD, **other)
        body = write_body(head, head.from_sequence, list(head.changes))
        return head_word(signed(body, len(head.audiences)), key_set)

    def test_lengths(self):
        for end in range(len(HEAD_BYTES)):
            self.assertEqual(head_word(HEAD_BYTES[:end]), "length", end)
        self.assertEqual(head_word(HEAD_BYTES + b"\x00"), "length")
        self.assertEqual(head_word(b"\x02" + bytes(4096)), "length")
        self.assertEqual(head_word(b"\x02" + bytes(4095)), "version")
        self.assertEqual(head_word(b"\x00" + HEAD_BYTES[1:]), "version")

    def test_4096_bytes(self):
        sequences = [T0 - 4000 + n for n in range(4000)]
        many = replace(HEAD, changes=tuple(Change(s, 0, (9,)) for s in sequences[1:]) + HEAD.changes, from_sequence=T0 - 4000)
        with self.assertRaises(Refused):
            write_head(many, {2: LIST_KEY})
        written = write_head(many, {2: LIST_KEY}, drop_oldest=True)
        self.assertLessEqual(len(written), 4096)
        self.assertGreater(len(written), 4092)
        head = read_head(written, KEY_SET)
        self.assertEqual((head.changes, head.from_sequence), (many.changes[-len(head.changes):], head.changes[0].sequence - 1))

    def test_not_after(self):
        for after, expected in ((0, "not_after"), (1, "ok"), (3_600_000, "ok"), (3_600_001, "not_after")):
            self.assertEqual(self.word(not_after=T0 + after), expected)
        self.assertEqual(self.word(not_after=T0 - 1), "not_after")
        self.assertEqual(self.word(issued_at=U64, not_after=U64), "not_after")
        self.assertEqual(self.word(issued_at=U64 - 1, not_after=U64), "ok")

    def test_order(self):
        one, two, three = Audience(1, 1, 1, 0), Audience(2, 3, 3, 0), Audience(3, 1, 1, 0)
        self.assertEqual(self.word(audiences=()), "audience")
        self.assertEqual(self.word(audiences=(one, three)), "audience")
        self.assertEqual(self.word(audiences=(two, two)), "order")
        self.assertEqual(self.word(audiences=(two, one)), "order")
        self.assertEqual(self.word(audiences=(replace(one, audience=0), two)), "order")
        self.assertEqual(self.word(audiences=(two, replace(three, audience=255))), "ok")
        self.assertEqual(self.word(dead_signing_keys=()), "ok")
        self.assertEqual(self.word(dead_signing_keys=((1, 255), (2, 1), (2, 2))), "ok")
        for dead in (((2, 1), (2, 1)), ((2, 2), (2, 1)), ((2, 1), (1, 2)), ((0, 1),), ((1, 0),)):
            self.assertEqual(self.word(dead_signing_keys=dead), "order", dead)
        self.assertEqual(self.word(audiences=(two, two), not_after=T0), "not_after")

    def test_rows_are_read_whole_and_then_told(self):
        def cut(text):
            return head_word(HEAD_BODY[:63] + hx(text))

        self.assertEqual(HEAD_BODY[:63] + hx("01 02 00000003 00000003 00000000"), HEAD_BODY[:77])
        row = "00000003 00000003 00000000"
        for text, expected in (
            ("01 02", "length"), ("01 00", "order"), (f"02 02 {row} 02", "order"), (f"02 02 {row} 03", "length"),
            (f"01 02 {row} 0001 00", "length"), (f"01 02 {row} 0001 00 00", "order"), (f"01 02 {row} 0002 02 01 02", "length"),
            (f"01 02 {row} 0002 02 01 02 01", "order"),
        ):
            self.assertEqual(cut(text), expected, text)
        self.assertEqual(head_word(HEAD_BODY[:58]), "length")
        self.assertEqual(head_word(HEAD_BODY[:51] + bytes(7)), "length")
        self.assertEqual(head_word(HEAD_BODY[:51] + bytes(8)), "not_after")

    def test_changes_cut_short(self):
        """As the bytes end, without tags."""
        for text, expected in (
            ("", "length"), ("85", "length"), ("05", "length"), ("00", "changes"), ("04", "length"), ("04 00 00", "changes"), ("80", "changes"), ("8005", "changes"),
            ("05 00", "length"), ("05 81", "length"), ("05 888000", "changes"), ("05 00 02", "length"), ("05 00 02 00", "length"),
            ("05 00 02 00 00", "changes"), ("05 00 81ffffffffffffffff7f 00", "length"), ("05 00 01 9080808000", "changes"),
            ("05 00 01 ffffffffffffffffff", "length"), ("05 00 01 ffffffffffffffffffffff", "changes"), ("05 00 01 ffffffffffffffffffffff00", "changes"),
            ("05 00 00", "length"),
        ):
            body = HEAD_BODY[:83] + (T0 - 5).to_bytes(8, "big") + hx(text)
            self.assertEqual(head_word(body), expected, text)

    def test_changes_read_on_into_the_tags(self):
        """One change more than there is: the tag's bytes are read as one."""
        for tag, expected in ((bytes(16), "changes"), (hx("01 00 7f") + b"\x01" * 13, "length"), (hx("01 00 0d") + b"\x01" * 13, "length")):
            body = HEAD_BODY[:81] + hx("0002") + (T0 - 5).to_bytes(8, "big") + hx("04 00 00")
            self.assertEqual(head_word(body + tag), expected)

    def test_tags(self):
        other = write_head(replace(HEAD, audiences=(Audience(1, 1, 1, 0), Audience(2, 3, 3, 0))), {1: K, 2: LIST_KEY})
        self.assertEqual(head_word(other), "ok")
        self.assertEqual(head_word(other[:-1] + bytes([other[-1] ^ 1])), "tag")
        self.assertEqual(head_word(other[:-17] + bytes([other[-17] ^ 1]) + other[-16:]), "ok")
        self.assertEqual(self.word(tenant=8), "tenant")
        self.assertEqual(self.word(tenant=8, audiences=()), "tenant")

    def raw_changes(self, text, count=1, sequence=T0, from_sequence=T0 - 5):
        head = replace(HEAD, sequence=sequence, changes=(), from_sequence=None)
        body = write_body(head, None, [])[:-2] + count.to_bytes(2, "big") + from_sequence.to_bytes(8, "big") + hx(text)
        return head_word(signed(body))

    def test_changes(self):
        self.assertEqual(self.word(changes=(), from_sequence=None), "ok")
        for text, count, expected in (
            ("05 00 00", 1, "ok"), ("04 00 00", 1, "changes"), ("06 00 00", 1, "changes"), ("00 00 00", 1, "changes"),
            ("8005 00 00", 1, "changes"), ("02 00 00 03 00 00", 2, "ok"), ("05 00 00 00 00 00", 2, "changes"),
            ("05 00 01 00", 1, "ok"), ("05 00 02 00 01", 1, "ok"), ("05 00 02 00 00", 1, "changes"),
            ("05 87ff7f 00", 1, "ok"), ("05 888000 00", 1, "changes"),  # rise 131071 and 131072
            ("05 00 01 8fffffff7f", 1, "ok"), ("05 00 01 9080808000", 1, "changes"),  # index 2^32 - 1 and 2^32
            ("05 00 02 8fffffff7f 01", 1, "changes"), ("05 00 02 8fffffff7e 01", 1, "ok"),
            # rises and places are bounded each by itself
            ("05 01 01 8fffffff7f", 1, "ok"), ("05 87ff7f 01 8fffffff7f", 1, "ok"), ("05 01 01 9080808000", 1, "changes"),
            ("02 87ff7f 00 03 01 00", 2, "changes"), ("02 87ff7f 00 03 00 00", 2, "ok"), ("02 87ff7f 00 03 00 01 8fffffff7f", 2, "ok"),
            ("05 00 00 00", 1, "length"), ("05 82808080808080808000 00", 1, "changes"),
        ):
            self.assertEqual(self.raw_changes(text, count), expected, text)
        self.assertEqual(self.raw_changes("8101ffffffffffffffff7f 00 00"), "changes")
        self.assertEqual(self.raw_changes("01 00 00", sequence=U64, from_sequence=U64 - 1), "ok")
        self.assertEqual(self.raw_changes("01 00 00", sequence=0, from_sequence=U64), "changes")
