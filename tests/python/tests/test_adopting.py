"""Adopting heads (section 4.5)."""

import unittest
from dataclasses import replace

from wardkey_format.adopting import RevocationList, adopt
from wardkey_format.changes import Change
from wardkey_format.head import Audience
from wardkey_format.state import State

from .examples import HEAD, KEY_SET, STATE, T0, U64


class Adopting(unittest.TestCase):
    before = State(800, 2, b"\x02")

    def setUp(self):
        self.old = replace(HEAD, sequence=T0 - 5000, issued_at=T0 - 5000, digest=self.before.digest(), changes=(), from_sequence=None)
        self.in_force = RevocationList(7, 2, self.old, self.before)

    def test_words(self):
        now = T0
        none = None
        self.assertEqual(adopt(KEY_SET, none, HEAD, none, now)[0], "state_needed")
        word, force = adopt(KEY_SET, none, HEAD, STATE, now)
        self.assertEqual((word, force.state), ("adopted", STATE))
        self.assertEqual(adopt(KEY_SET, none, HEAD, self.before, now), ("other_state", none))
        self.assertEqual(adopt(KEY_SET, force, HEAD, none, now), ("in_force", force))
        word, by_changes = adopt(KEY_SET, self.in_force, HEAD, none, now)
        self.assertEqual((word, by_changes), ("adopted", force))
        self.assertEqual(adopt(KEY_SET, force, self.old, self.before, now), ("older", force))
        later = replace(HEAD, issued_at=T0 + 1)
        self.assertEqual(adopt(KEY_SET, force, later, self.before, now)[1].head, later)
        for other in (replace(force, tenant=8), replace(force, audience=3)):
            self.assertEqual(adopt(KEY_SET, other, HEAD, STATE, 0), ("other_audience", other))

    def test_the_very_head_in_force(self):
        """Compared are: sequence, digest, issued-at, not-after, later cut-off, current, least, dead epochs of the audience."""
        two = Audience(2, 3, 3, 5)
        head = replace(HEAD, cut_off=4, audiences=(two,))
        force = RevocationList(7, 2, head, STATE)
        for other, expected in (
            ({"changes": (), "from_sequence": None}, "in_force"), ({"cut_off": 5}, "in_force"), ({"cut_off": 0}, "in_force"),
            ({"cut_off": 5, "audiences": (replace(two, cut_off=0),)}, "in_force"), ({"cut_off": 6}, "older"),
            ({"audiences": (replace(two, cut_off=4),)}, "older"), ({"audiences": (replace(two, current=4),)}, "older"),
            ({"audiences": (replace(two, least=2),)}, "older"), ({"audiences": (Audience(1, 9, 9, 9), two)}, "in_force"),
            ({"dead_signing_keys": ((1, 9), (2, 9), (3, 9))}, "in_force"), ({"dead_signing_keys": ()}, "older"),
            ({"dead_signing_keys": ((2, 8), (2, 9))}, "older"), ({"not_after": head.not_after - 1}, "older"),
            ({"digest": self.before.digest()}, "older"), ({"sequence": T0 - 1}, "older"), ({"issued_at": T0 - 1}, "older"),
            ({"issued_at": T0 + 1}, "adopted"), ({"sequence": T0 + 1}, "adopted"),
        ):
            word, afterwards = adopt(KEY_SET, force, replace(head, **other), None, T0)
            self.assertEqual(word, expected, other)
            self.assertEqual(afterwards.head, replace(head, **other) if expected == "adopted" else head)

    def test_past_its_not_after(self):
        self.assertEqual(adopt(KEY_SET, None, HEAD, STATE, HEAD.not_after + 1)[0], "adopted")

    def test_clock(self):
        self.assertEqual(adopt(KEY_SET, None, HEAD, STATE, T0 - 5000)[0], "adopted")
        self.assertEqual(adopt(KEY_SET, None, HEAD, STATE, T0 - 5001)[0], "clock_behind")
        last = replace(HEAD, issued_at=U64, not_after=U64)
        self.assertEqual(adopt(KEY_SET, None, last, STATE, U64)[0], "adopted")

    def test_changes_that_do_not_lead_there(self):
        for wrong in (
            replace(HEAD, changes=(Change(T0, 0, (8,)),)), replace(HEAD, changes=(Change(T0, 0, (2**32 - 1,)),)),
            replace(HEAD, from_sequence=T0 - 5001), replace(HEAD, from_sequence=None, changes=()),
        ):
            self.assertEqual(adopt(KEY_SET, self.in_force, wrong, None, T0), ("state_needed", self.in_force))
            self.assertEqual(adopt(KEY_SET, self.in_force, wrong, self.before, T0), ("other_state", self.in_force))
            self.assertEqual(adopt(KEY_SET, self.in_force, wrong, STATE, T0)[1].state, STATE)
        through = replace(HEAD, from_sequence=1, changes=(Change(T0 - 5000, 7, (5,)), Change(T0, 0, (9,))))
        self.assertEqual(adopt(KEY_SET, self.in_force, through, None, T0)[1].state, STATE)
        same_sequence = replace(HEAD, sequence=T0 - 5000, changes=(Change(T0 - 5000, 0, (9,)),), from_sequence=1)
        self.assertEqual(adopt(KEY_SET, self.in_force, same_sequence, None, T0)[0], "state_needed")
