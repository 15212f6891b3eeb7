"""Every vector that a verifying component can be asked, through the wasmtime package; what cannot is named and counted."""

import hashlib
import hmac
from collections import Counter
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import pytest

from wardkey_asgi.answers import answer_to
from wardkey_asgi.catalog import catalog_names
from wardkey_asgi.component import REGISTRY_FAILED, Instance
from wardkey_asgi.decision import Alive, AskRefresh, AskRegistry, Deny, StateNeeded, Verdict
from wardkey_asgi.errors import KeySetError, OptionError, RegistryError
from wardkey_asgi.key_text import KeyText

from .test_other_components import Exports
from .vectors import cases, compiled, issued_at, usual

hx = bytes.fromhex
WORDS = {
    "clock_behind": "list_clock_behind", "older": "list_older", "other_state": "list_wrong_state", "other_audience": "list_foreign_head",
    "head:tenant": "list_foreign_head", "head:audience": "list_foreign_head", "head:tag": "list_forged_head",
}


def address(text: str | None) -> IPv4Address | IPv6Address | None:
    try:
        return None if text is None or "%" in text else ip_address(text)
    except ValueError:
        return None


def made_as(key_set: str, required: dict[str, Any]) -> bytes:
    """The key set that a requirement is built from: the bytes of a key set are where its audience and version stand."""
    bytes_of = bytearray(hx(required.get("of_key_set") or key_set))
    if "audience" in required:
        tenant, audience = required["audience"]
        bytes_of[1:4] = tenant.to_bytes(2, "big") + bytes([audience])
    if "version" in required:
        bytes_of[4:8] = required["version"].to_bytes(4, "big")
    return bytes(bytes_of)


@cache
def holder() -> Exports:
    """What reads a key."""
    return Exports("holding", "wardkey:verify/holder@0.1.0")


class Host:
    """An instance that makes requirements of other key sets, too, by verifiers beside its own."""

    def __init__(self, key_set: str) -> None:
        self.key_set = key_set
        self.instance = Instance(compiled(), hx(key_set))

    def requirement(self, required: dict[str, Any]) -> Any:
        own = self.instance._verifier
        other = made_as(self.key_set, required)
        try:
            if other != hx(self.key_set):
                self.instance._verifier = self.instance.another(other)
            scopes, any_of = tuple(required["scopes"]), required["mode"] == "any_of"
            found = self.instance.requirement(scopes, any_of, required.get("strict", False))
            self.instance._requirements.clear()
            return found
        finally:
            self.instance._verifier = own

    def confirmation(self, registry: dict[str, Any], key: str, required: dict[str, Any]) -> Any:
        """Asks the registry about a key as a verification does, and takes its answer."""
        requirement = self.requirement(registry.get("required") or required)
        asked = self.instance.verify(KeyText(registry.get("key") or key), requirement, registry["asked_at"])
        assert isinstance(asked, AskRegistry)
        claims = vars(self.instance._call(self.instance._func("[method]registry-question.claims"), asked.question))
        verdict = registry["verdict"]
        if verdict == "alive":
            # Its end is what the key itself says, narrowings and all.
            found = holder().call("inspect", registry.get("key") or key)
            expires_at_s, narrowed = vars(found)["expires-at-s"], len(vars(found)["narrowings"]) > 0
            verdict = Alive(
                claims["tenant"], claims["audience"], claims["key-id"], claims["status-index"], claims["subject"], expires_at_s, narrowed,
                registry.get("sequence") or 0,
            )
        return self.instance.answer(asked.question, verdict)

    def verify(self, case: dict[str, Any]) -> Verdict:
        registry = case.get("registry")
        told = REGISTRY_FAILED if registry == "failed" else None
        if isinstance(registry, dict):
            told = self.confirmation(registry, case["key"], case["required"])
        if case.get("list"):
            head = hx(case["list"]["head"])
            assert self.instance.apply_list(head, hx(case["list"]["state"]), issued_at(head)) is None
        requirement = self.requirement(case["required"])
        failed = case.get("refresh") == "failed"
        return self.instance.verify(KeyText(case["key"]), requirement, case["now"], address(case.get("caller")), failed, told)


def told(verdict: Verdict) -> dict[str, Any]:
    if isinstance(verdict, AskRefresh):
        return {"ask": "refresh"}
    if isinstance(verdict, AskRegistry):
        return {"ask": "registry"}
    if isinstance(verdict, Deny):
        return {"deny": verdict.reason}
    return {"allow": {
        "subject": verdict.subject, "key_id": verdict.key_id, "status_index": verdict.status_index,
        "signing_key": [verdict.tenant, verdict.audience, verdict.epoch], "scopes": list(verdict.scopes),
        "expires_at": verdict.expires_at_s, "sequence": verdict.sequence, "age_ms": verdict.age_ms, "zone": verdict.zone,
    }}


def test_decides_every_key_as_its_vector_says() -> None:
    asked: Counter[str] = Counter()
    http = {each["case"]["reason"]: each["expect"]["ok"] for each in cases("http")}
    reasons = set()
    for each in cases("verify"):
        case, expect, name = each["case"], each["expect"], each["name"]
        if (case.get("list") or {}).get("key_set") is not None:
            asked["a list that another verifier has taken"] += 1
            continue
        if (case["required"].get("audience") or [0, 1])[1] == 0:
            asked["a requirement of the administration's"] += 1
            continue
        if "error" in expect:
            with pytest.raises(OptionError):
                Host(case["key_set"]).requirement(case["required"])
            asked["yes"] += 1
            continue
        verdict = Host(case["key_set"]).verify(case)
        assert told(verdict) == expect, name
        asked["yes"] += 1
        if isinstance(verdict, Deny):
            answer = verdict.answer
            stated = {"status": answer.status, "code": answer.code, "retry_after": answer.retry_after_s is not None}
            assert stated == http[verdict.reason], name
            reasons.add(verdict.reason)
    assert asked == {"yes": 811, "a list that another verifier has taken": 16, "a requirement of the administration's": 2}
    print(f"811 of 829 cases of verify.json; {len(reasons)} of {len(http)} of http.json; not seen: {sorted(set(http) - reasons)}")
    assert len(reasons) == len(http)


def test_answers_for_itself_as_the_component_does() -> None:
    for each in cases("http"):
        reason, expect = each["case"]["reason"], each["expect"]["ok"]
        # The words that this host gives answers for: the others come from the component with their own.
        answer = answer_to(expect["code"])
        assert {"status": answer.status, "code": answer.code, "retry_after": answer.retry_after_s is not None} == expect, reason


def test_judges_every_head_as_its_vector_says() -> None:
    judged = apart = 0
    for each in cases("adopt"):
        case, expect, name = each["case"], each["expect"], each["name"]
        in_force = case["in_force"]
        instance = Instance(compiled(), hx(case["key_set"] if in_force is None else in_force.get("key_set") or case["key_set"]))
        if in_force is not None:
            head = hx(in_force["head"])
            try:
                if instance.apply_list(head, hx(in_force["state"]), issued_at(head)) is not None:
                    raise RegistryError("", "")
                if in_force.get("key_set") is not None:
                    instance.renew(hx(case["key_set"]))
            except (RegistryError, KeySetError):
                apart += 1
                continue
        outcomes = []
        for head_case in case["heads"]:
            try:
                state = head_case["state"]
                needed = instance.apply_list(hx(head_case["head"]), None if state is None else hx(state), head_case["now"])
                outcomes.append("taken" if needed is None else "state_needed")
            except RegistryError as error:
                outcomes.append(error.code)
        stated = []
        for outcome, word in zip(outcomes, expect["outcomes"], strict=True):
            if word in ("adopted", "in_force"):
                stated.append("taken")
            elif word == "state_needed":
                # The interface has a word of its own for a state that cannot be read.
                stated.append(outcome if outcome == "list_malformed_state" else word)
            else:
                stated.append(WORDS.get(word) or "list_malformed_head")
        assert outcomes == stated, name
        found = instance.list_in_force()
        assert (None if found is None else found.sequence) == expect["sequence"], name
        judged += 1
    print(f"{judged} of {len(cases('adopt'))} cases of adopt.json; {apart}: a list in force that this verifier cannot have")
    assert (judged, apart) == (196, 7)


def test_reads_every_key_set_as_its_vector_says() -> None:
    for each in cases("key_set"):
        data, expect = hx(each["case"]["bytes"]), each["expect"].get("ok")
        if expect is None or expect["audience"] == 0:
            with pytest.raises(KeySetError):
                Instance(compiled(), data)
            continue
        info = Instance(compiled(), data).key_set()
        assert (info.tenant, info.audience, info.version, info.fresh_for_ms) == (
            expect["tenant"], expect["audience"], expect["version"], expect["fresh_for"],
        ), each["name"]
        assert catalog_names(data) == {scope["number"]: scope["name"] for scope in expect["scopes"]}, each["name"]
    assert len(cases("key_set")) == 156


def test_reads_every_head_as_its_vector_says() -> None:
    for each in cases("head"):
        head, expect = hx(each["case"]["bytes"]), each["expect"]
        instance = Instance(compiled(), hx(each["case"]["key_set"]))
        if "ok" in expect:
            name = f"{expect['ok']['sequence']}-{expect['ok']['digest']}"
            assert instance.apply_list(head, None, expect["ok"]["issued_at"]) == StateNeeded(name), each["name"]
            continue
        with pytest.raises(RegistryError) as refused:
            instance.apply_list(head, None, 0)
        assert refused.value.code == WORDS.get("head:" + expect["error"], "list_malformed_head"), each["name"]
    assert len(cases("head")) == 291


def test_reads_every_state_as_its_vector_says() -> None:
    case = usual()
    key_set, head = hx(case["key_set"]), hx(case["list"]["head"])
    list_key, issued = key_set[28:60], issued_at(head)
    for each in cases("state"):
        state, expect = hx(each["case"]["bytes"]), each["expect"].get("ok")
        digest = bytes(32) if expect is None else hx(expect["digest"])
        # The head of the case, made anew around another state's digest.
        body = head[:11] + digest + head[43:-16]
        named = body + hmac.new(list_key, body, hashlib.sha256).digest()[:16]
        instance = Instance(compiled(), key_set)
        assert isinstance(instance.apply_list(named, None, issued), StateNeeded)
        if expect is None:
            with pytest.raises(RegistryError) as refused:
                instance.apply_list(named, state, issued)
            assert refused.value.code == "list_malformed_state", each["name"]
        else:
            assert instance.apply_list(named, state, issued) is None, each["name"]
    assert len(cases("state")) == 56


def test_reads_every_key_as_its_vector_says() -> None:
    case = usual()
    host = Host(case["key_set"])
    requirement = host.requirement(case["required"])
    for each in cases("key"):
        verdict = host.instance.verify(KeyText(each["case"]["key"]), requirement, case["now"])
        if "ok" in each["expect"]:
            assert not isinstance(verdict, Deny) or verdict.reason not in ("malformed", "bad_checksum"), each["name"]
        else:
            assert isinstance(verdict, Deny) and verdict.reason == each["expect"]["deny"], each["name"]
    assert len(cases("key")) == 604
