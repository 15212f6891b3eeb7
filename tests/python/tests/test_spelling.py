"""Numbers, base64url and prefixes (sections 1 and 2.1)."""

import unittest

from wardkey_format.numbers import CutShort, Malformed, Reader, Refused, write_var
from wardkey_format.prefix import is_prefix, prefix_of
from wardkey_format.spelling import read_base64url, write_base64url

from .examples import U64, hx


class Numbers(unittest.TestCase):
    def test_var(self):
        for value, text in ((0, "00"), (127, "7f"), (128, "8100"), (16383, "ff7f"), (16384, "818000"),
                            (U64, "81ffffffffffffffff7f")):
            self.assertEqual(write_var(value).hex(), text)
            self.assertEqual(Reader(hx(text)).var(), value)
        for text in ("8000", "80", "82808080808080808000", "8180808080808080808000"):
            with self.assertRaises(Malformed):
                Reader(hx(text)).var()
        for text in ("", "81", "ffff"):
            with self.assertRaises(CutShort):
                Reader(hx(text)).var()
        for value in (-1, U64 + 1):
            with self.assertRaises(Refused):
                write_var(value)

    def test_base64url(self):
        for data in (b"", b"a", b"ab", b"abc", b"\xff" * 7):
            self.assertEqual(read_base64url(write_base64url(data)), data)
        for text in ("A", "AAAAA", "AA==", "AB", "AAB", "AA\n", "A A", "AA+A", "AA/A", "AAAé", "AAA=", "\nAAAA"):
            with self.assertRaises(Malformed, msg=text):
                read_base64url(text)


class Prefixes(unittest.TestCase):
    def test_rule(self):
        for prefix in ("wk_live_", "wk_test_", "a1_test_", "a" * 12 + "_live_"):
            self.assertTrue(is_prefix(prefix), prefix)
        for prefix in ("w_live_", "a" * 13 + "_live_", "1a_live_", "Wk_live_", "wk_prod_", "wk_live", "wk_live__", "wk_live_\n",
                       "w_k_live_", "wk__live_", "", "wk_Live_", "é1_live_", "w١_live_"):
            self.assertFalse(is_prefix(prefix), prefix)
        self.assertEqual(prefix_of("wk_live_wk_test_"), "wk_live_")
