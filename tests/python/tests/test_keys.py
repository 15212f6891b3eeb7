"""Reading, minting and narrowing keys (section 2)."""

import random
import unittest

from wardkey_format.fields import Fields
from wardkey_format.key import KeyRefused, read_key
from wardkey_format.minting import mint
from wardkey_format.narrowing import narrow
from wardkey_format.networks import entry_of, read_networks, write_networks
from wardkey_format.numbers import Malformed, Refused
from wardkey_format.spelling import read_base64url, write_base64url

from .examples import CONSTRAINED, K, KEY, PREFIX, TEXT, base_bytes, hx, raw_key, reason, with_crc


class ReadingKeys(unittest.TestCase):
    def test_order_of_reasons(self):
        self.assertEqual(reason(""), "malformed")
        self.assertEqual(reason("wk_live_"), "malformed")
        self.assertEqual(reason(TEXT + "=" * 1), "malformed")
        self.assertEqual(reason(TEXT + "\n"), "malformed")
        self.assertEqual(reason(" " + TEXT), "malformed")
        self.assertEqual(reason(TEXT.upper()), "malformed")
        self.assertEqual(reason(TEXT.replace("test", "live")), "bad_checksum")
        self.assertEqual(reason("\udc80" + TEXT), "malformed")
        self.assertEqual(reason(TEXT[:20] + "é" + TEXT[21:]), "malformed")
        # 48 and 49 bytes
        self.assertEqual(reason("wk_live_" + write_base64url(bytes(48))), "malformed")
        self.assertEqual(reason("wk_live_" + write_base64url(bytes(49))), "bad_checksum")
        self.assertEqual(reason(with_crc("wk_live_", bytes(45))), "malformed")

    def test_length(self):
        # 8 + 504 = 512 characters are 378 bytes
        self.assertEqual(reason("wk_live_" + "A" * 504), "bad_checksum")
        self.assertEqual(reason("wk_live_" + "A" * 505), "malformed")
        self.assertEqual(reason("wk_live_" + "A" * 506), "malformed")

    def test_smallest_and_largest_base(self):
        small = mint(K, "wk_test_", **{**KEY, "subject": "a", "scopes": 1})
        self.assertEqual(len(read_key(small).base.data), 29)
        self.assertEqual(len(read_base64url(small[8:])), 49)
        networks = [entry_of(f"10.0.{n}.0/24") for n in range(20)]  # 2 + 120 bytes, and a not-before: 128
        large = mint(K, "wk_test_", **{**KEY, "subject": "a" * 63, "scopes": 1 << 255}, not_before=0, networks=networks)
        self.assertEqual(len(read_key(large).base.data), 251)
        with self.assertRaises(Refused):
            mint(K, "wk_test_", **KEY, networks=[entry_of(f"10.0.{n}.0/24") for n in range(22)])
        self.assertEqual(reason(raw_key(base_bytes(subject="a" * 63))), "ok")

    def test_version_and_epoch(self):
        base = base_bytes()
        for version, expected in ((0, "malformed"), (1, "ok"), (2, "malformed"), (255, "malformed")):
            self.assertEqual(reason(raw_key(bytes([version]) + base[1:])), expected)
        for epoch, expected in ((0, "malformed"), (1, "ok"), (255, "ok")):
            self.assertEqual(reason(raw_key(base[:4] + bytes([epoch]) + base[5:])), expected)
        self.assertEqual(reason(raw_key(base_bytes(tenant=0, audience=0))), "ok")
        self.assertEqual(reason(raw_key(base_bytes(tenant=65535, audience=255, status_index=2**32 - 1))), "ok")

    def test_life(self):
        base = base_bytes()
        for issued, expires, expected in (
            (100, 159, "malformed"), (100, 160, "ok"), (100, 161, "ok"), (0, 0, "malformed"), (2**32 - 61, 2**32 - 1, "ok"),
            (2**32 - 60, 2**32 - 1, "malformed"), (2**32 - 1, 2**32 - 1, "malformed"), (2**32 - 1, 58, "malformed"),
        ):
            raw = base[:17] + issued.to_bytes(4, "big") + expires.to_bytes(4, "big") + base[25:]
            self.assertEqual(reason(raw_key(raw)), expected, (issued, expires))

    def test_subject(self):
        base = base_bytes()
        head, scopes = base[:25], b"\x01\x01"

        def with_subject(length, subject, tail=b""):
            return reason(raw_key(head + bytes([length]) + subject + scopes + tail, b""))

        for subject, expected in (
            (b"a", "ok"), (b"0", "ok"), (b"a:._/-", "ok"), (b"a" * 63, "ok"), (b":a", "malformed"), (b"-a", "malformed"),
            (b"A", "malformed"), (b"aB", "malformed"), (b"a b", "malformed"), (b"a\n", "malformed"), (b"a\xc3\xa9", "malformed"),
            (b"a\x00", "malformed"), (b"a@", "malformed"),
        ):
            self.assertEqual(with_subject(len(subject), subject), expected, subject)
        self.assertEqual(with_subject(0, b""), "malformed")
        self.assertEqual(with_subject(0, b"a" * 10), "malformed")
        self.assertEqual(with_subject(0x40, b"a" * 64), "malformed")
        self.assertEqual(with_subject(0x41, b"a"), "malformed")
        self.assertEqual(with_subject(0x41, b"a" * 65), "malformed")
        self.assertEqual(with_subject(0xC1, b"a", b"\x06\x03\x04\x00\x00\x00\x01"), "malformed")
        self.assertEqual(with_subject(0x81, b"a", b"\x06\x03\x04\x00\x00\x00\x01"), "ok")
        self.assertEqual(with_subject(0x80, b"", b"\x06\x03\x04\x00\x00\x00\x01"), "malformed")

    def test_scopes(self):
        head = base_bytes()[:25] + b"\x01a"
        for length, data, expected in (
            (0, b"", "malformed"), (1, b"\x01", "ok"), (1, b"\x00", "malformed"), (2, b"\x01\x00", "malformed"),
            (2, b"\x00\x01", "ok"), (32, bytes(31) + b"\x80", "ok"), (33, bytes(32) + b"\x01", "malformed"),
            (32, b"\xff" * 31 + b"\x00", "malformed"),
        ):
            self.assertEqual(reason(raw_key(head + bytes([length]) + data)), expected)

    def constraint(self, data, length=None):
        base = base_bytes(subject="a", scopes=1)
        raw = base[:25] + b"\x81a\x01\x01" + bytes([len(data) if length is None else length]) + data
        return reason(raw_key(raw))

    def test_constraints(self):
        not_before = hx("03 04 00000001")
        network = hx("04 06 04 08 0a000000")
        self.assertEqual(self.constraint(not_before), "ok")
        self.assertEqual(self.constraint(network), "ok")
        self.assertEqual(self.constraint(not_before + network), "ok")
        self.assertEqual(self.constraint(network + not_before), "malformed")
        self.assertEqual(self.constraint(not_before * 2), "malformed")
        self.assertEqual(self.constraint(network * 2), "malformed")
        self.assertEqual(self.constraint(b""), "malformed")
        self.assertEqual(self.constraint(not_before, 5), "malformed")
        self.assertEqual(self.constraint(not_before, 7), "malformed")
        self.assertEqual(self.constraint(not_before + b"\x04"), "malformed")
        self.assertEqual(self.constraint(not_before + b"\x04\x00"), "malformed")
        for kind in (0, 1, 2, 5, 255):
            value = b"\x01" if kind == 1 else bytes(4)
            self.assertEqual(self.constraint(bytes([kind, len(value)]) + value), "malformed", kind)
        for length in (0, 3, 5):
            self.assertEqual(self.constraint(bytes([3, length]) + bytes(length)), "malformed")
        # 128 and 129 bytes: 2 + 20 entries of 6 + 6; 2 + 6 entries of 18 + 3 of 6 + 1
        entries = b"".join(bytes([4, 24, 10, 0, n, 0]) for n in range(20))
        self.assertEqual(self.constraint(not_before + bytes([4, 120]) + entries), "ok")
        entries = b"".join(bytes([4, 24, 10, 0, n, 0]) for n in range(21))
        self.assertEqual(self.constraint(bytes([4, 126]) + entries), "ok")
        self.assertEqual(self.constraint(not_before + bytes([4, 126]) + entries), "malformed")
        # not-before at or behind the expiry is well-formed
        self.assertEqual(self.constraint(hx("03 04 ffffffff")), "ok")

    def test_networks(self):
        good = (
            "04 00 00000000", "04 20 ffffffff", "04 01 80000000", "06 00" + "00" * 16, "06 80" + "ff" * 16,
            "06 5f 00000000000000000000fffe00000000", "06 60 00000000000000000000fffe00000000",
            "06 60 000000000000000000010000 00000000", "06 60 00000000000000000001ffff00000000",
            "04 08 0a000000 04 09 0a000000", "04 20 ffffffff 06 00" + "00" * 16,
        )
        bad = (
            "", "04", "04 08", "04 08 0a0000", "04 21 00000000", "04 00 80000000", "04 08 0a000001", "04 08 0a800000",
            "04 1f 00000001", "06 81" + "00" * 16, "06 7f" + "00" * 15 + "01", "05 08 0a000000", "00 08 0a000000",
            "06 60 00000000000000000000ffff00000000", "06 80 00000000000000000000ffff0a000001",
            "06 61 00000000000000000000ffff80000000", "06 5f 00000000000000000000ffff00000000",
            "04 08 0a000000 04 08 0a000000", "04 08 0b000000 04 08 0a000000", "04 09 0a000000 04 08 0b000000",
            "06 00" + "00" * 16 + "04 00 00000000", "04 08 0a000000 00",
        )
        for text in good:
            entries = read_networks(hx(text))
            self.assertEqual(write_networks(entries), hx(text))
        for text in bad:
            with self.assertRaises(Malformed, msg=text):
                read_networks(hx(text))
        for text in ("10.0.0.1/8", "::ffff:10.0.0.0/104", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/-1", "010.0.0.0/8",
                     "::/129", "x/1", "", "fe80::%1/10"):
            with self.assertRaises(Refused, msg=text):
                write_networks([entry_of(text)])

    def block(self, data, length=None, kind=0x80):
        return bytes([kind, len(data) if length is None else length]) + data

    def test_blocks(self):
        base = base_bytes(subject="a", scopes=1)
        expires = hx("02 04 00000001")
        good = self.block(expires)
        self.assertEqual(reason(raw_key(base, good * 4)), "ok")
        self.assertEqual(reason(raw_key(base, good * 5)), "malformed")
        self.assertEqual(reason(raw_key(base, b"\x80\x00")), "malformed")
        self.assertEqual(reason(raw_key(base, good + b"\x80")), "malformed")
        self.assertEqual(reason(raw_key(base, good + b"\x00")), "malformed")
        self.assertEqual(reason(raw_key(base, self.block(expires, 5))), "malformed")
        self.assertEqual(reason(raw_key(base, self.block(expires, 7))), "malformed")
        for kind in (0, 1, 0x7F, 0x81, 0xFF):
            self.assertEqual(reason(raw_key(base, self.block(expires, kind=kind))), "malformed")
        for kind in (0, 5, 255):
            self.assertEqual(reason(raw_key(base, self.block(bytes([kind, 1, 1])))), "malformed")
        all_four = hx("01 01 01  02 04 00000001  03 04 00000001  04 06 04 08 0a000000")
        self.assertEqual(reason(raw_key(base, self.block(all_four))), "ok")
        networks = bytes([4, 60]) + b"".join(bytes([4, 24, 10, 0, n, 0]) for n in range(10))
        self.assertEqual(len(networks), 62)
        self.assertEqual(reason(raw_key(base, self.block(networks))), "ok")
        networks = bytes([4, 48]) + b"".join(bytes([4, 24, 10, 0, n, 0]) for n in range(8))
        scopes = lambda n: bytes([1, n]) + bytes(n - 1) + b"\x01"
        self.assertEqual(len(scopes(6) + expires + networks), 64)
        self.assertEqual(reason(raw_key(base, self.block(scopes(6) + expires + networks))), "ok")
        self.assertEqual(reason(raw_key(base, self.block(scopes(7) + expires + networks))), "malformed")

    def test_any_bytes_give_a_reason(self):
        chance = random.Random(1)
        for _ in range(3000):
            payload = bytearray(read_base64url(CONSTRAINED[13:])[:-4])
            for _ in range(chance.randint(1, 3)):
                payload[chance.randrange(25, len(payload))] = chance.randrange(256)
            if chance.random() < 0.3:
                del payload[chance.randrange(len(payload)):]
            self.assertIn(reason(with_crc(PREFIX, bytes(payload))), ("ok", "malformed"))
        for at in range(len(TEXT)):
            for character in "A_-=z é":
                self.assertIn(reason(TEXT[:at] + character + TEXT[at + 1:]), ("ok", "malformed", "bad_checksum"))
            self.assertIn(reason(TEXT[:at]), ("malformed", "bad_checksum"))


class MintingAndNarrowing(unittest.TestCase):
    def test_mint_refuses(self):
        for other in (
            {"tenant": 65536}, {"tenant": -1}, {"audience": 256}, {"epoch": 0}, {"epoch": 256}, {"key_id": bytes(7)},
            {"status_index": 2**32}, {"issued_at": 2**32}, {"expires_at": 2**32}, {"expires_at": KEY["issued_at"] + 59},
            {"subject": ""}, {"subject": "a" * 64}, {"subject": "a" * 128}, {"subject": "A"}, {"subject": "é"}, {"subject": "a\n"},
            {"scopes": 0}, {"scopes": 1 << 256}, {"networks": []}, {"not_before": 2**32},
        ):
            with self.assertRaises(Refused, msg=other):
                mint(K, PREFIX, **{**KEY, **other})
        mint(K, PREFIX, **{**KEY, "expires_at": KEY["issued_at"] + 60})
        for prefix in ("w_test_", "wk_prod_", ""):
            with self.assertRaises(Refused):
                mint(K, prefix, **KEY)
        with self.assertRaises(Refused):
            mint(K[1:], PREFIX, **KEY)

    def test_narrow_refuses(self):
        text = TEXT
        for _ in range(4):
            text = narrow(text, Fields(not_before=1))
        with self.assertRaises(Refused):
            narrow(text, Fields(not_before=1))
        with self.assertRaises(Refused):
            narrow(TEXT, Fields())
        with self.assertRaises(Refused):
            narrow(TEXT, Fields(networks=[entry_of(f"10.0.{n}.0/24") for n in range(11)]))
        with self.assertRaises(KeyRefused):
            narrow(TEXT[:-1], Fields(not_before=1))
        self.assertEqual(read_key(text).expected_tag(K), read_key(text).tag)

    def test_512_characters(self):
        """A key grown to 512 characters exactly, and one byte more."""
        networks = [entry_of(f"10.0.{n}.0/24") for n in range(20)]
        text = mint(K, "wk_test_", **{**KEY, "subject": "a" * 63, "scopes": 1 << 255}, not_before=0, networks=networks)
        text = narrow(text, Fields(networks=[entry_of(f"10.0.{n}.0/24") for n in range(10)]))  # 271 + 64 = 335
        # 378 bytes are 504 characters: a block of 43 more, which is 41 bytes of fields
        self.assertEqual(len(narrow(text, Fields(scopes=1 << 255, expires_at=1))), 8 + (335 + 42) * 8 // 6 + 1)
        fitting = narrow(text, Fields(networks=[entry_of("::/1"), entry_of("10.0.0.0/8"), entry_of("11.0.0.0/8")], scopes=1 << 47))
        self.assertEqual(len(read_base64url(fitting[8:])), 335 + 2 + 2 + 30 + 2 + 6)
        fitting = narrow(text, Fields(networks=[entry_of("::/1"), entry_of("10.0.0.0/8"), entry_of("11.0.0.0/8")], scopes=1 << 55))
        self.assertEqual(len(fitting), 512)
        with self.assertRaises(Refused):
            narrow(text, Fields(networks=[entry_of("::/1"), entry_of("10.0.0.0/8"), entry_of("11.0.0.0/8")], scopes=1 << 63))
