"""JSON cases, and the three commands."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from wardkey_format.answer import answer, answer_line

from .examples import DIGEST, HEAD_BYTES, K, KEY, KEY_SET_BYTES, NARROWED, PREFIX, STATE_BYTES, T0, TEXT

LIST = {"head": HEAD_BYTES.hex(), "state": STATE_BYTES.hex()}
REQUIRED = {"audience": [7, 2], "version": 3, "scopes": ["invoice:list"], "mode": "all_of", "strict": False}
VERIFY = dict(
    do="verify", key_set=KEY_SET_BYTES.hex(), list={**LIST, "adopted_at": T0}, key=TEXT, now=str(T0), caller=None,
    required=REQUIRED, refresh="not_tried", registry="not_asked",
)
OTHER_KEY_SET = KEY_SET_BYTES[:3] + b"\x03" + KEY_SET_BYTES[4:]


class Answers(unittest.TestCase):
    def ask(self, **case):
        return answer(json.loads(json.dumps(case)))

    def test_mint_and_narrow(self):
        values = {**KEY, "key_id": KEY["key_id"].hex(), "scopes": [0, 1, 2, 9]}
        self.assertEqual(self.ask(do="mint", signing_key=K.hex(), prefix=PREFIX, values=values), {"ok": TEXT})
        def mint(other):
            return self.ask(do="mint", signing_key=K.hex(), prefix=PREFIX, values={**values, **other})
        for other, why in (({"epoch": 0}, "epoch"), ({"scopes": []}, "scopes"), ({"networks": ["10.0.0.1/8"]}, "networks")):
            self.assertEqual(mint(other), {"error": "refused", "why": why})
        for other, expected in (({"scopes": None}, "case: values"), ({"x": 1}, "case: unknown: ['x']")):
            self.assertEqual(mint(other), {"error": expected})
        fields = {"scopes": [0, 1], "expires_at": "1800000600", "not_before": None}
        self.assertEqual(self.ask(do="narrow", key=TEXT, fields=fields), {"ok": NARROWED})
        self.assertEqual(self.ask(do="narrow", key="x", fields={"not_before": 1}), {"error": "malformed"})
        self.assertEqual(self.ask(do="narrow", key=TEXT, fields={}), {"error": "refused", "why": "no_field"})

    def test_reading(self):
        self.assertEqual(self.ask(do="read_key", key=NARROWED)["ok"]["blocks"], [{"scopes": [0, 1], "expires_at": 1800000600}])
        self.assertEqual(self.ask(do="read_key", key="é"), {"deny": "malformed"})
        self.assertEqual(self.ask(do="read_key_set", bytes=KEY_SET_BYTES.hex())["ok"]["version"], 3)
        self.assertEqual(self.ask(do="read_key_set", bytes=""), {"error": "malformed"})
        self.assertEqual(self.ask(do="read_state", bytes=STATE_BYTES.hex()), {"ok": {"floor": 800, "bit_count": 10, "digest": DIGEST.hex()}})
        self.assertEqual(self.ask(do="read_state", bytes="00"), {"error": "malformed"})
        self.assertEqual(self.ask(do="read_head", key_set=KEY_SET_BYTES.hex(), bytes=HEAD_BYTES.hex())["ok"]["sequence"], T0)
        self.assertEqual(self.ask(do="read_head", key_set=KEY_SET_BYTES.hex(), bytes=""), {"error": "length"})

    def test_http_and_scan(self):
        self.assertEqual(self.ask(do="http", reason="bad_tag"), {"ok": {"status": 401, "code": "invalid_token", "retry_after": False}})
        self.assertEqual(self.ask(do="http", reason="list_stale"), {"ok": {"status": 503, "code": "list_stale", "retry_after": True}})
        self.assertIn("case: ", self.ask(do="http", reason="allow")["error"])
        self.assertEqual(self.ask(do="scan", text=f"é {TEXT}_x"), {"ok": {"findings": [{"at": 3, "what": "key", "text": TEXT}]}})
        self.assertIn("case: ", self.ask(do="scan", text=1)["error"])

    def test_adopt(self):
        steps = [{"head": HEAD_BYTES.hex(), "state": state, "now": now} for state, now in
                 ((None, 0), (None, T0), ("00", T0), (STATE_BYTES.hex(), str(T0)), (None, T0))]
        steps.append({"head": "00", "state": None, "now": 0})
        self.assertEqual(self.ask(do="adopt", key_set=KEY_SET_BYTES.hex(), in_force=None, heads=steps), {
            "outcomes": ["clock_behind", "state_needed", "state_needed", "adopted", "in_force", "head:version"],
            "sequence": T0, "digest": DIGEST.hex(),
        })
        of_another = {**LIST, "key_set": OTHER_KEY_SET.hex()}
        answered = self.ask(do="adopt", key_set=KEY_SET_BYTES.hex(), in_force=of_another, heads=steps[:1])
        self.assertEqual(answered["outcomes"], ["other_audience"])

    def test_verify(self):
        self.assertEqual(self.ask(**VERIFY)["allow"]["zone"], "fresh")
        self.assertEqual(self.ask(**{**VERIFY, "list": None}), {"ask": "refresh"})
        self.assertEqual(self.ask(**{**VERIFY, "list": {**LIST, "key_set": OTHER_KEY_SET.hex()}}), {"ask": "refresh"})
        self.assertEqual(self.ask(**{**VERIFY, "key_set": OTHER_KEY_SET.hex()}), {"deny": "wrong_audience"})

    def test_registry(self):
        strict = {**VERIFY, "required": {**REQUIRED, "strict": True}}
        answered = {"asked_at": T0, "verdict": "alive", "sequence": 5}
        self.assertEqual(self.ask(**strict), {"ask": "registry"})
        self.assertEqual(self.ask(**{**strict, "registry": "failed"}), {"deny": "registry_unavailable"})
        self.assertEqual(self.ask(**{**strict, "registry": answered})["allow"]["sequence"], 5)
        self.assertEqual(self.ask(**{**strict, "registry": {**answered, "verdict": "revoked"}}), {"deny": "revoked"})
        self.assertEqual(self.ask(**{**VERIFY, "registry": {**answered, "verdict": "revoked"}})["allow"]["sequence"], T0)
        self.assertEqual(self.ask(**{**strict, "now": T0 + 5000, "registry": answered})["allow"]["age_ms"], 0)
        self.assertEqual(self.ask(**{**strict, "key": "x", "registry": answered}), {"deny": "malformed"})
        other = {**REQUIRED, "scopes": ["invoice:void"], "strict": True}
        for changed in ({"asked_at": T0 + 1}, {"asked_at": T0 - 5001}, {"key": NARROWED}, {"key": "x"}, {"required": other}):
            self.assertEqual(self.ask(**{**strict, "registry": {**answered, **changed}}), {"ask": "registry"})
        self.assertIn("error", self.ask(**{**strict, "registry": {"verdict": "alive"}}))

    def test_requirements_that_cannot_be_built(self):
        for other, why in (({"scopes": []}, "no_scope"), ({"scopes": ["x:y"]}, "unknown_scope")):
            self.assertEqual(self.ask(**{**VERIFY, "required": {**REQUIRED, **other}}), {"error": "requirement", "why": why})

    def test_cases_that_are_none(self):
        for bad in ("", "{}", "[]", "{", '{"do":"verify"}', '{"do":"mint","values":[]}', '{"do":["x"]}',
                    '{"do":"read_state","bytes":"zz"}', "[" * 100_000):
            self.assertTrue(json.loads(answer_line(bad))["error"].startswith("case: "), bad[:99])


class Commands(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "file")

    def run_module(self, name, *arguments, stdin=""):
        run = subprocess.run(
            [sys.executable, "-m", f"wardkey_format.{name}", *map(str, arguments)],
            input=stdin, capture_output=True, text=True, cwd=Path(__file__).parents[1],
        )
        return run.returncode, run.stdout

    def test_answer(self):
        self.assertEqual(self.run_module("answer", stdin='{"do":"read_key","key":"x"}\n' * 2), (0, '{"deny":"malformed"}\n' * 2))

    def vectors(self, **whole):
        self.path.write_text(json.dumps(whole))
        return self.run_module("vectors", self.path)

    def test_vectors(self):
        right = {"name": "right", "case": {"do": "read_key", "key": "@"}, "expect": {"deny": "malformed"}}
        wrong = {"name": "wrong", "case": {"do": "read_state", "bytes": "00"}, "expect": {"error": True}}
        self.assertEqual(self.vectors(about="", cases=[right]), (0, f"{self.path}: 1 cases, 0 differ\n"))
        code, printed = self.vectors(about="", cases=[right, wrong])
        self.assertEqual(code, 1)
        self.assertEqual(printed.splitlines(), [
            f"{self.path}: 2 cases, 1 differ", "  wrong", '    expected {"error": true}', '    actual   {"error": "malformed"}'])
        self.assertEqual(self.vectors(about="", cases=[]), (1, f"{self.path}: 0 cases, 0 differ\n"))
        self.assertEqual(self.vectors(about="")[0], 1)
        self.assertEqual(self.run_module("vectors")[0], 1)
        self.assertEqual(self.run_module("vectors", self.path.with_name("none"))[0], 1)

    def test_exactly_equal(self):
        state = {"do": "read_state", "bytes": "010000000100000000"}
        digest = answer(state)["ok"]["digest"]
        for floor, code in ((1, 0), (1.0, 1), (True, 1), ("1", 1)):
            expected = {"ok": {"digest": digest, "bit_count": 0, "floor": floor}}
            self.assertEqual(self.vectors(cases=[{"name": "", "case": state, "expect": expected}])[0], code, floor)

    def test_shared(self):
        shared = {"keys": KEY_SET_BYTES.hex(), "state": STATE_BYTES.hex(), "list": {**LIST, "state": "@state"}, "scopes": ["invoice:list"]}
        case = {**VERIFY, "key_set": "@keys", "list": "@list", "required": {**REQUIRED, "scopes": "@scopes", "of_key_set": "@keys"}}
        self.assertEqual(self.vectors(shared=shared, cases=[{"name": "", "case": case, "expect": answer(VERIFY)}])[0], 0)

    def mutants(self, *lines, count=None):
        setting = {"key_set": KEY_SET_BYTES.hex(), "list": LIST, "required": REQUIRED, "now": T0, "caller": None,
                   "seed": "s", "count": len(lines) if count is None else count}
        self.path.write_text("".join(json.dumps(line) + "\n" for line in (setting, *lines)))
        return self.run_module("mutants", self.path)

    def test_mutants(self):
        right = [[TEXT, "allow"], ["é", "malformed"], [TEXT[:-1] + "5", "bad_checksum"], [NARROWED, "allow"]]
        self.assertEqual(self.mutants(*right), (0, (
            "seed s, 4 mutants announced, 4 decided\n         2 allow\n         1 malformed\n         1 bad_checksum\n0 differ\n")))
        code, printed = self.mutants(*right, [TEXT, "ask refresh"])
        self.assertEqual((code, printed.splitlines()[-2:]), (1, ["1 differ", f"  '{TEXT}': expected ask refresh, decided allow"]))
        self.assertEqual(self.mutants(*right, count=5)[0], 1)
        self.assertEqual(self.mutants()[0], 1)
