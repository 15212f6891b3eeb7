"""The table, row by row, and HTTP (section 5)."""

import unittest
from dataclasses import replace

from wardkey_format.adopting import RevocationList
from wardkey_format.catalog import Scope
from wardkey_format.deciding import RegistryAnswer, decide
from wardkey_format.fields import Fields
from wardkey_format.head import Audience
from wardkey_format.http import http_answer
from wardkey_format.key import read_key, write_text
from wardkey_format.key_set import read_key_set, write_key_set
from wardkey_format.minting import mint
from wardkey_format.narrowing import narrow
from wardkey_format.networks import address_of, entry_of, holds
from wardkey_format.numbers import Refused
from wardkey_format.requirement import build_requirement
from wardkey_format.scope_set import scope_set_of

from .examples import HEAD, K, KEY, KEY_SET, KEY_SET_VALUES, LIST_KEY, NARROWED, PREFIX, STATE, T0, TEXT, U64


class Deciding(unittest.TestCase):
    def setUp(self):
        self.list = RevocationList(7, 2, HEAD, STATE)

    def require(self, *names, mode="all_of", strict=False, version=3, tenant=7, audience=2, key_set=KEY_SET):
        return build_requirement(key_set.catalog, tenant, audience, version, list(names or ["invoice:list"]), mode, strict)

    def decide(self, text=TEXT, required=None, now=T0 + 1000, list_="own", key_set=KEY_SET, **other):
        answer_ = decide(key_set, self.list if list_ == "own" else list_, text, required or self.require(), now, **other)
        return answer_.get("deny") or answer_.get("ask") or "allow"

    def with_head(self, state=STATE, **other):
        return replace(self.list, head=replace(HEAD, **other), state=state)

    def key(self, **other):
        return mint(K, PREFIX, **{**KEY, **other})

    def key_set(self, **other):
        return read_key_set(write_key_set(**{**KEY_SET_VALUES, **other}))

    def test_allow(self):
        self.assertEqual(decide(KEY_SET, self.list, TEXT, self.require(), T0 + 1000), {"allow": {
            "subject": "svc:billing", "key_id": "key_0011223344556677", "status_index": 808, "signing_key": [7, 2, 1],
            "scopes": [0, 1, 2, 9], "expires_at": 1800007200, "sequence": T0, "age_ms": 1000, "zone": "fresh"}})
        allowed = decide(KEY_SET, self.list, NARROWED, self.require("invoice:read"), T0 + 5001, refresh_failed=True)["allow"]
        self.assertEqual((allowed["scopes"], allowed["expires_at"], allowed["zone"], allowed["age_ms"]), ([0, 1], 1800000600, "must_ask", 5001))
        strict = decide(KEY_SET, None, TEXT, self.require("invoice:void"), T0, registry=RegistryAnswer(True, "alive", 5))["allow"]
        self.assertEqual((strict["zone"], strict["age_ms"], strict["sequence"]), ("registry", 0, 5))

    def test_reading_and_requirement(self):
        other = self.require(audience=3, version=4)
        self.assertEqual(self.decide("x", other), "malformed")
        self.assertEqual(self.decide(NARROWED[:-1] + "t", other), "malformed")  # spare bits
        self.assertEqual(self.decide(TEXT.replace("test", "live"), other), "bad_checksum")
        self.assertEqual(self.decide(required=other), "wrong_audience")
        self.assertEqual(self.decide(required=self.require(tenant=8)), "wrong_audience")
        for version in (2, 4):
            self.assertEqual(self.decide(required=self.require(version=version)), "requirement_outdated")

    def test_signing_key(self):
        newer = self.with_head(audiences=(Audience(2, 4, 4, 0),))
        for other in ({"tenant": 8}, {"audience": 3}, {"epoch": 2}):
            self.assertEqual(self.decide(self.key(**other)), "unknown_signing_key")
            self.assertEqual(self.decide(self.key(**other), list_=newer), "no_key_set")
            self.assertEqual(self.decide(self.key(**other), list_=None), "unknown_signing_key")
        self.assertEqual(self.decide(mint(K, "wk_test_", **KEY), list_=newer), "prefix_mismatch")
        self.assertEqual(self.decide(mint(LIST_KEY, PREFIX, **KEY), list_=newer), "bad_tag")
        self.assertEqual(self.decide(list_=newer), "no_key_set")
        self.assertEqual(self.decide(list_=replace(newer, tenant=8)), "refresh")
        self.assertEqual(self.decide(list_=self.with_head(audiences=(Audience(2, 9, 3, 0),))), "allow")
        key = read_key(NARROWED)
        self.assertEqual(self.decide(write_text(PREFIX, key.base.data, key.tag)), "bad_tag")

    def test_window(self):
        for issued, expires, expected in (
            (1799996399, 1800007200, "outside_window"), (1799996400, 1800007200, "allow"), (1800003600, 1800007200, "allow"),
            (1800003601, 1800007200, "outside_window"), (1800000000, 1800086400, "allow"), (1800000000, 1800086401, "outside_window"),
        ):
            self.assertEqual(self.decide(self.key(issued_at=issued, expires_at=expires), now=T0 + 3_600_000,
                                         list_=self.with_head(issued_at=T0 + 3_600_000, not_after=T0 + 3_700_000)), expected)
        longer = narrow(TEXT, Fields(expires_at=2**32 - 1))
        self.assertEqual(self.decide(longer), "allow")

    def test_clocks(self):
        self.assertEqual(self.decide(now=T0 - 5000), "allow")
        self.assertEqual(self.decide(now=T0 - 5001), "clock_behind")
        early = self.with_head(issued_at=T0 - 5000, not_after=T0 + 1)
        self.assertEqual(self.decide(now=T0 - 5000, list_=early), "allow")
        self.assertEqual(self.decide(now=T0 - 5001, list_=self.with_head(issued_at=T0 - 5001, not_after=T0)), "clock_behind")
        # now' is the list's issued-at
        later = self.with_head(issued_at=T0 + 60_000, not_after=T0 + 61_000)
        self.assertEqual(self.decide(self.key(expires_at=1800000060), now=T0 + 55_000, list_=later), "expired")
        # strict, no list
        self.assertEqual(self.decide(now=T0 - 5001, list_=None), "clock_behind")
        self.assertEqual(self.decide(now=T0 - 5000, list_=None), "refresh")
        self.assertEqual(self.decide(now=U64, list_=None), "expired")
        self.assertEqual(self.decide(now=0, list_=None), "clock_behind")

    def test_expiry_and_not_before(self):
        short = self.key(expires_at=1800000060)
        self.assertEqual(self.decide(short, now=T0 + 59_999, list_=self.with_head(issued_at=T0 + 59_999)), "allow")
        self.assertEqual(self.decide(short, now=T0 + 60_000), "expired")
        self.assertEqual(self.decide(narrow(TEXT, Fields(expires_at=1800000001)), now=T0 + 999), "allow")
        self.assertEqual(self.decide(narrow(TEXT, Fields(expires_at=1800000001)), now=T0 + 1000), "expired")
        self.assertEqual(self.decide(narrow(TEXT, Fields(not_before=1800000002)), now=T0 + 1999), "not_yet_valid")
        self.assertEqual(self.decide(narrow(TEXT, Fields(not_before=1800000002)), now=T0 + 2000), "allow")
        both = narrow(narrow(TEXT, Fields(not_before=1800000002)), Fields(not_before=1))
        self.assertEqual(self.decide(both, now=T0 + 1999), "not_yet_valid")
        self.assertEqual(self.decide(narrow(TEXT, Fields(not_before=1800000002, expires_at=1800000002)), now=T0 + 2000), "expired")

    def test_zones(self):
        for name, bound in (("invoice:list", 3_600_000), ("invoice:read", 300_000)):
            for age, first, then in (
                (0, "allow", "allow"), (5000, "allow", "allow"), (5001, "refresh", "allow"),
                (bound, "refresh", "allow"), (bound + 1, "refresh", "list_stale"),
            ):
                required = self.require(name)
                self.assertEqual(self.decide(required=required, now=T0 + age), first, (name, age))
                self.assertEqual(self.decide(required=required, now=T0 + age, refresh_failed=True), then, (name, age))
        high = self.key_set(scopes=[Scope(0, 2, "invoice:list")])
        required = self.require(key_set=high)
        self.assertEqual(self.decide(required=required, now=T0 + 30_000, key_set=high, refresh_failed=True), "allow")
        self.assertEqual(self.decide(required=required, now=T0 + 30_001, key_set=high, refresh_failed=True), "list_stale")
        brief = self.with_head(not_after=T0 + 10)
        self.assertEqual(self.decide(now=T0 + 10, list_=brief), "allow")
        self.assertEqual(self.decide(now=T0 + 11, list_=brief), "refresh")
        self.assertEqual(self.decide(now=T0 + 11, list_=brief, refresh_failed=True), "list_stale")
        self.assertEqual(self.decide(list_=None, refresh_failed=True), "list_stale")
        # the strictest of all scopes named, any-of included
        self.assertEqual(self.decide(required=self.require("invoice:list", "invoice:read", mode="any_of"), now=T0 + 300_001,
                                     refresh_failed=True), "list_stale")

    def test_inactive(self):
        for other, expected in (
            ({"cut_off": 1799999999}, "allow"), ({"cut_off": 1800000000}, "inactive"),
            ({"audiences": (Audience(2, 3, 3, 1799999999),)}, "allow"), ({"audiences": (Audience(2, 3, 3, 1800000000),)}, "inactive"),
            ({"audiences": (Audience(2, 3, 3, 0), Audience(3, 3, 3, 1900000000))}, "allow"),
            ({"dead_signing_keys": ((2, 1),)}, "inactive"), ({"dead_signing_keys": ((1, 1), (3, 1))}, "allow"),
        ):
            self.assertEqual(self.decide(list_=self.with_head(**other)), expected, other)
        # 0 kills what would have been issued in the first second of 1970
        old = self.key_set(signing_keys=[replace(KEY_SET.signing_keys[0], mint_from=0)])
        start = self.with_head(issued_at=1000, not_after=2000)
        for issued, expected in ((0, "inactive"), (1, "allow")):
            self.assertEqual(self.decide(self.key(issued_at=issued), now=1000, key_set=old, list_=start), expected)
        for index, expected in ((799, "inactive"), (800, "allow"), (801, "inactive"), (809, "inactive"), (810, "allow")):
            self.assertEqual(self.decide(self.key(status_index=index)), expected, index)
        # a strict one looks at any list, however stale, once a refresh was tried
        for age, refresh_failed, expected in (
            (5_000, False, "inactive"), (5_001, False, "refresh"), (3_600_001, False, "refresh"),
            (5_001, True, "inactive"), (3_700_000, True, "inactive"),
        ):
            self.assertEqual(
                self.decide(
                    self.key(status_index=809), self.require("invoice:void"), now=HEAD.issued_at + age,
                    refresh_failed=refresh_failed,
                ),
                expected, age,
            )

    def test_scopes(self):
        low = self.key(scopes=scope_set_of([0, 2]))
        self.assertEqual(self.decide(low, self.require("invoice:read")), "scope_missing")
        self.assertEqual(self.decide(low, self.require("invoice:read", "invoice:list")), "scope_missing")
        self.assertEqual(self.decide(low, self.require("invoice:read", "invoice:list", mode="any_of")), "allow")
        self.assertEqual(self.decide(narrow(TEXT, Fields(scopes=2))), "narrowed")
        self.assertEqual(self.decide(narrow(TEXT, Fields(scopes=1))), "allow")
        self.assertEqual(self.decide(narrow(low, Fields(scopes=2)), self.require("invoice:read")), "scope_missing")
        twice = narrow(narrow(TEXT, Fields(scopes=1)), Fields(scopes=2))
        self.assertEqual(self.decide(twice, self.require("invoice:list", "invoice:read", mode="any_of")), "narrowed")
        self.assertEqual(self.decide(twice, self.require("invoice:void")), "narrowed")

    def test_requirement_names_scopes_of_the_catalog_only(self):
        for names in (["invoice:new"], ["invoice:list", "invoice:new"], []):
            with self.assertRaises(Refused):
                build_requirement(KEY_SET.catalog, 7, 2, 3, names, "all_of", False)

    def test_addresses(self):
        def key(*networks):
            return self.key(networks=[entry_of(n) for n in networks])

        def of(text, caller):
            return self.decide(text, caller=address_of(caller) if caller else None)

        ten = key("10.0.0.0/8", "2001:db8::/32")
        for caller, expected in (
            ("9.255.255.255", 0), ("10.0.0.0", 1), ("10.255.255.255", 1), ("11.0.0.0", 0), ("::ffff:10.1.2.3", 1), ("::ffff:0a01:0203", 1),
            ("2001:db8::", 1), ("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 1), ("2001:db9::", 0), ("2001:db7:ffff::", 0), (None, 0), ("nonsense", 0),
            ("::10.0.0.1", 0),
        ):
            self.assertEqual(of(ten, caller), "allow" if expected else "address_not_allowed", caller)
        self.assertEqual(of(key("::/0"), "10.0.0.1"), "address_not_allowed")
        self.assertEqual(of(key("::/0"), "::ffff:10.0.0.1"), "address_not_allowed")
        self.assertEqual(of(key("0.0.0.0/0"), "::1"), "address_not_allowed")
        self.assertEqual(of(key("0.0.0.0/0"), "::ffff:0.0.0.0"), "allow")
        self.assertEqual(of(key("10.0.0.1/32"), "10.0.0.1"), "allow")
        self.assertEqual(of(key("10.0.0.1/32"), "10.0.0.0"), "address_not_allowed")
        inner = narrow(ten, Fields(networks=[entry_of("10.1.0.0/16")]))
        self.assertEqual(of(inner, "10.1.0.1"), "allow")
        self.assertEqual(of(inner, "10.2.0.1"), "address_not_allowed")
        outer = narrow(ten, Fields(networks=[entry_of("192.0.2.0/24")]))
        self.assertEqual(of(outer, "192.0.2.1"), "address_not_allowed")
        self.assertFalse(holds([], address_of("::1")))

    def test_registry(self):
        void = self.require("invoice:void")
        self.assertEqual(self.decide(required=void), "registry")
        self.assertEqual(self.decide(required=void, list_=None), "registry")
        self.assertEqual(self.decide(required=self.require(strict=True), list_=None, refresh_failed=True), "registry")
        self.assertEqual(self.decide(required=void, registry="failed"), "registry_unavailable")
        self.assertEqual(self.decide(required=void, registry=RegistryAnswer(False, "revoked", 1)), "registry")
        self.assertEqual(self.decide(required=void, registry=RegistryAnswer(True, "alive", 1)), "allow")
        for word in ("revoked", "suspended", "retired", "expired", "never_issued", "tenant_gone"):
            self.assertEqual(self.decide(required=void, registry=RegistryAnswer(True, word, 1)), word)
        # the registry is heeded where the level is strict, only
        self.assertEqual(self.decide(registry="failed"), "allow")
        self.assertEqual(self.decide(registry=RegistryAnswer(True, "revoked", 1)), "allow")
        self.assertEqual(decide(KEY_SET, self.list, TEXT, self.require(), T0, registry=RegistryAnswer(True, "alive", 1))["allow"]["sequence"], T0)

    def test_http(self):
        for reason_, status in (("malformed", 401), ("outside_window", 401), ("wrong_audience", 503), ("requirement_outdated", 503),
                                ("no_key_set", 503), ("clock_behind", 503), ("list_stale", 503), ("narrowed", 403), ("expired", 401)):
            self.assertEqual(http_answer(reason_)[0], status)
        self.assertEqual(http_answer("tenant_gone"), (401, "invalid_token"))
        self.assertEqual(http_answer("list_stale"), (503, "list_stale"))
        for word in ("", "allow", "Expired", "invalid_token"):
            with self.assertRaises(ValueError, msg=word):
                http_answer(word)
