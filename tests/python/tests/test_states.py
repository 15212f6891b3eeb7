"""States, and applying changes to them (sections 4.1 and 4.3)."""

import hashlib
import unittest

from wardkey_format.changes import CannotApply, Change, apply_changes
from wardkey_format.numbers import Malformed
from wardkey_format.state import State, read_state, write_state

from .examples import STATE, hx


class States(unittest.TestCase):
    def good(self, text):
        try:
            self.assertEqual(write_state(read_state(hx(text))), hx(text))
            return True
        except Malformed:
            return False

    def test_bytes(self):
        for text, good in (
            ("01 00000000 00000000", True), ("01 ffffffff 00000000", True), ("01 ffffffff 00000001 01", True), ("01 ffffffff 00000002 01", False),
            ("01 00000000 00000008 ff", True), ("01 00000000 00000007 7f", True), ("01 00000000 00000007 80", False),
            ("01 00000000 00000001 02", False), ("01 00000000 00000009 ff01", True), ("01 00000000 00000009 ff02", False),
            ("01 00000000 00000008", False), ("01 00000000 00000008 0000", False), ("01 00000000 00000000 00", False),
            ("00 00000000 00000000", False), ("02 00000000 00000000", False), ("", False), ("01", False), ("01 00000000 000000", False),
            ("01 00000000 ffffffff", False),
        ):
            self.assertEqual(self.good(text), good, text)

    def test_dead(self):
        self.assertEqual([STATE.is_dead(n) for n in (0, 799, 800, 801, 808, 809, 810, 2**32 - 1)],
                         [True, True, False, True, False, True, False, False])

    def test_digest(self):
        numbers = bytes(4) + bytes(4)
        self.assertEqual(State(0, 0, b"").digest(), hashlib.sha256(numbers).digest())
        for size, chunks in ((4096, 1), (4097, 2), (8192, 2)):
            bits = b"\x01" * size
            parts = [bits[n * 4096:(n + 1) * 4096] for n in range(chunks)]
            whole = bytes(4) + (size * 8).to_bytes(4, "big") + b"".join(hashlib.sha256(p).digest() for p in parts)
            self.assertEqual(State(0, size * 8, bits).digest(), hashlib.sha256(whole).digest())

    def test_apply(self):
        two = State(5, 32768 + 3, b"\xff" * 4096 + b"\x05")
        def apply_change(state, change):
            return apply_changes(state, [change])

        self.assertEqual(apply_change(two, Change(1, 0, ())), two)
        self.assertEqual(apply_change(two, Change(1, 1, ())), State(5 + 32768, 3, b"\x05"))
        self.assertEqual(apply_change(two, Change(1, 2, ())), State(5 + 65536, 0, b""))
        self.assertEqual(apply_change(two, Change(1, 9, ())), State(5 + 9 * 32768, 0, b""))
        self.assertEqual(apply_change(two, Change(1, 1, (0, 3))), State(5 + 32768, 4, b"\x0c"))
        self.assertEqual(apply_change(two, Change(1, 1, (2, 8))), State(5 + 32768, 9, b"\x01\x01"))
        self.assertEqual(apply_change(two, Change(1, 2, (7, 8))), State(5 + 65536, 9, b"\x80\x01"))
        high = State(2**32 - 2, 0, b"")
        self.assertEqual(apply_change(high, Change(1, 0, (1,))), State(2**32 - 2, 2, b"\x02"))
        for change in (Change(1, 0, (2,)), Change(1, 1, ())):
            with self.assertRaises(CannotApply):
                apply_change(high, change)

    def test_apply_several(self):
        start = State(5, 32768 + 3, b"\xff" * 4096 + b"\x05")
        changes = [Change(1, 0, (32768, 32771)), Change(3, 1, (0, 1)), Change(4, 1, ()), Change(9, 0, (0,))]
        self.assertEqual(apply_changes(start, changes[:1]), State(5, 32768 + 4, b"\xff" * 4096 + b"\x0c"))
        self.assertEqual(apply_changes(start, changes[:2]), State(5 + 32768, 4, b"\x0f"))
        self.assertEqual(apply_changes(start, changes[:3]), State(5 + 65536, 0, b""))
        self.assertEqual(apply_changes(start, changes), State(5 + 65536, 1, b"\x01"))
        self.assertEqual(start, State(5, 32768 + 3, b"\xff" * 4096 + b"\x05"))

    def test_bit_count_is_a_u32(self):
        """Index 2^32 - 1 with floor 0 would need a bit count of 2^32; it is refused before any room is taken."""
        with self.assertRaises(CannotApply):
            apply_changes(State(0, 0, b""), [Change(1, 0, (2**32 - 1,))])
