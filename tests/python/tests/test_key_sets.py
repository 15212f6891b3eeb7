"""Key sets (section 3)."""

import unittest
from dataclasses import replace

from wardkey_format.catalog import Scope
from wardkey_format.key_set import SigningKey, read_key_set, write_key_set
from wardkey_format.numbers import Malformed, Refused

from .examples import K, KEY_SET_BYTES, KEY_SET_VALUES


class KeySets(unittest.TestCase):
    def written(self, **other):
        try:
            data = write_key_set(**{**KEY_SET_VALUES, **other})
        except Refused:
            return False
        read_key_set(data)
        return True

    def test_bounds(self):
        good = (
            {"fresh_for": 0}, {"fresh_for": 0, "high": 0, "standard": 0, "low": 0}, {"max_skew": 60000}, {"max_skew": 0},
            {"version": 0}, {"version": 2**32 - 1}, {"tenant": 0}, {"audience": 255}, {"high": 5000}, {"standard": 30000}, {"low": 300000},
        )
        bad = (
            {"fresh_for": 5001}, {"high": 30001}, {"standard": 300001}, {"low": 3600001}, {"high": 4999}, {"standard": 29999},
            {"low": 299999}, {"max_skew": 60001}, {"audience": 0}, {"list_key": bytes(31)}, {"signing_keys": []}, {"scopes": []},
        )
        for other in good:
            self.assertTrue(self.written(**other), other)
        for other in bad:
            self.assertFalse(self.written(**other), other)

    def test_signing_keys(self):
        keys = [SigningKey(n, K, "wk_live_", 5, 4, 0) for n in range(1, 10)]
        self.assertTrue(self.written(signing_keys=keys[:8]))
        self.assertFalse(self.written(signing_keys=keys))
        self.assertFalse(self.written(signing_keys=[keys[1], keys[0]]))
        self.assertFalse(self.written(signing_keys=[keys[0], keys[0]]))
        self.assertFalse(self.written(signing_keys=[replace(keys[0], epoch=0)]))
        self.assertTrue(self.written(signing_keys=[replace(keys[0], epoch=255)]))
        self.assertFalse(self.written(signing_keys=[replace(keys[0], prefix="wk_prod_")]))
        self.assertFalse(self.written(signing_keys=[replace(keys[0], prefix="wk_live_A")]))

    def test_scopes(self):
        every = [Scope(n, n % 4, f"a:{n}") for n in range(256)]
        self.assertTrue(self.written(scopes=every))
        self.assertFalse(self.written(scopes=[Scope(0, 4, "a:b")]))
        self.assertFalse(self.written(scopes=[Scope(1, 0, "a:b"), Scope(0, 0, "a:c")]))
        self.assertFalse(self.written(scopes=[Scope(1, 0, "a:b"), Scope(1, 0, "a:c")]))
        self.assertFalse(self.written(scopes=[Scope(0, 0, "a:b"), Scope(1, 0, "a:b")]))
        for name, good in (
            ("a:b", True), ("a:" + "b" * 62, True), ("a:" + "b" * 63, False), (":b", False), ("a:", False), ("ab", False),
            ("abc", False), ("a:b:c", False), ("a/b:c", False), ("A:b", False), ("a.:b_", True), (".a:b", False), ("a:-b", False), ("a:é", False),
            ("a:b\n", False),
        ):
            self.assertEqual(self.written(scopes=[Scope(0, 0, name)]), good, name)

    def test_bytes(self):
        for end in range(len(KEY_SET_BYTES)):
            with self.assertRaises(Malformed):
                read_key_set(KEY_SET_BYTES[:end])
        with self.assertRaises(Malformed):
            read_key_set(KEY_SET_BYTES + b"\x00")
        for version in (0, 2):
            with self.assertRaises(Malformed):
                read_key_set(bytes([version]) + KEY_SET_BYTES[1:])
