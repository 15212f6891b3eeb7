"""Finding keys and bootstrap tokens (section 6)."""

import unittest

from wardkey_format.scanning import BOOTSTRAP_TOKEN, KEY, KEY_LIKE, find, find_keys

from .examples import NARROWED, PREFIX, TEXT

RANDOM = "Zm9yLXRlc3RzLW9ubHktYW5kLW5vLXNlY3JldC1hdC1"


class Scanning(unittest.TestCase):
    def found(self, text):
        return [(finding.at, finding.what, finding.text) for finding in find(text)]

    def test_keys(self):
        self.assertEqual(self.found(f"é {TEXT}, {NARROWED}"), [(2, KEY, TEXT), (4 + len(TEXT), KEY, NARROWED)])
        for behind in ("A", "_x", "AAAA", "=", "é"):
            self.assertEqual(self.found(TEXT + behind), [(0, KEY, TEXT)])
        self.assertEqual(find_keys(TEXT + NARROWED + "_" + TEXT), [TEXT, NARROWED, TEXT])

    def test_cut_keys(self):
        for length in (32, 38, 50, len(TEXT) - len(PREFIX) - 1):
            cut = TEXT[:len(PREFIX) + length]
            self.assertEqual(self.found(f"({cut})"), [(1, KEY_LIKE, cut)])
            self.assertEqual(find_keys(cut), [])
        self.assertEqual(self.found(TEXT[:len(PREFIX) + 31]), [])

    def test_bootstrap_tokens(self):
        for token in ("wkboot_7_1_12345678", "wkboot_65535_1800000000_" + RANDOM[:43], "wkboot_0_180000000_-_-_-_-_"):
            self.assertEqual(self.found(f"x{token} {TEXT}"), [(1, BOOTSTRAP_TOKEN, token), (len(token) + 2, KEY, TEXT)])
        for text in ("wkboot_7_1_1234567", "wkboot_655350_1_12345678", "wkboot_7_18000000000_12345678", "wkboot__1_12345678"):
            self.assertEqual(self.found(text), [])
        self.assertEqual(self.found("wkboot_7_1_" + "x" * 44), [(0, BOOTSTRAP_TOKEN, "wkboot_7_1_" + "x" * 43)])
