"""Strict scopes: each call is asked of the registry, and its word counts only about the very key, and in time."""

import asyncio
import json
from typing import Any

import httpx

from wardkey_asgi import Guard

from .asgi import Seen, answered, app_of, http, run
from .registry import ALIVE, KEY, SCOPE, FakeRegistry
from .vectors import STRICT


@run
async def test_strict_asks_the_registry_each_time() -> None:
    registry = FakeRegistry()
    seen: Seen = []
    guard = Guard(app_of(seen), verifiers=registry.verifiers(audience="api"), scopes=STRICT)
    def listed(**changes: Any) -> dict[str, Any]:
        return ALIVE | {"list": {"sequence": 2**63, "age_ms": 0, "zone": "registry"} | changes}

    alive = listed()
    invalid: list[Any] = [
        alive | {"key_id": "key_1111111111111111"}, alive | {"tenant": 65_536 + 7}, alive | {"audience": 258}, alive | {"tenant": True},
        alive | {"decision": "perhaps"}, {"decision": "deny", "reason": "odd", "status": 200}, {},
        listed(sequence=2**64), listed(sequence=None), listed(sequence="1"), listed(sequence=1.0), listed(sequence=True), listed(zone="fresh"),
        listed(zone=None), alive | {"list": {}}, alive | {"list": None}, alive | {"status": 201}, alive | {"status": "200"}, alive | {"status": None},
        alive | {"narrowed": 0}, alive | {"status_index": None}, alive | {"expires_at": 2**32}, alive | {"subject": 5}, alive | {"subject": "\u00e4"},
        httpx.Response(201, json=alive), httpx.Response(203, json=alive),
        httpx.Response(200, content=b"[]"), httpx.Response(200, content=b"null"), httpx.Response(200, content=b"[" * 60_000), httpx.Response(200, content=b"{"), httpx.Response(302, headers={"Location": "https://other.example"}),
        httpx.Response(200, content=json.dumps(alive).encode() + b" " * 70_000), httpx.Response(500),
    ]
    registry.strict = alive
    assert (await answered(guard, http()))[0] == 200
    assert (seen[0]["user"].zone, seen[0]["user"].sequence) == ("registry", 2**63)
    assert registry.questions == [{"key": KEY, "scopes": [STRICT], "match": "all", "strict": True, "audience": "api"}]
    for answer, status, code in [
        ({"decision": "deny", "reason": "revoked", "status": 401}, 401, "revoked"),
        ({"decision": "deny", "reason": "suspended", "status": 401}, 401, "suspended"),
        ({"decision": "deny", "reason": "invalid_token", "status": 401}, 401, "invalid_token"),
        ({"decision": "deny", "reason": "too_many_strict_calls", "status": 429}, 429, "too_many_strict_calls"),
        ({"decision": "deny", "reason": "scope_missing", "status": 403}, 403, "scope_missing"),
        *[(answer, 503, "registry_unavailable") for answer in invalid],
    ]:
        registry.strict = answer
        told = await answered(guard, http())
        assert (told[0], told[2]["code"]) == (status, code), answer
    assert registry.count("verify") == len(invalid) + 6, "the redirect was not followed"
    registry.strict = alive
    registry.away = True
    assert (await answered(guard, http()))[0] == 503
    registry.away = False
    # Any scope can be asked so; and a key that is locally denied is not asked about.
    asked = registry.count("verify")
    strict = Guard(app_of(seen), verifiers=registry.verifiers(), scopes=SCOPE, strict=True)
    assert (await answered(strict, http()))[0] == 200
    assert (await answered(strict, http(KEY[:-8] + "AAAAAAAA")))[0] == 401
    assert registry.count("verify") == asked + 1
    assert len(seen) == 2


@run
async def test_hands_on_how_long_the_registry_says_to_wait() -> None:
    registry = FakeRegistry()
    guard = Guard(app_of([]), verifiers=registry.verifiers(), scopes=STRICT)
    for said, told in [(17, "17"), (None, "60"), ("5", "60"), (-1, "60"), (True, "60")]:
        registry.strict = {"decision": "deny", "reason": "too_many_strict_calls", "status": 429, "retry_after_s": said}
        status, headers, _ = await answered(guard, http())
        assert (status, headers["retry-after"]) == (429, told)


@run
async def test_an_answer_about_another_key_is_none() -> None:
    registry = FakeRegistry()
    guard = Guard(app_of([]), verifiers=registry.verifiers(), scopes=STRICT)
    others: list[dict[str, Any]] = [{"status_index": 1}, {"subject": "svc:other"}, {"expires_at": ALIVE["expires_at"] - 1}, {"narrowed": True}]
    for other in others:
        registry.strict = ALIVE | other
        status, _, body = await answered(guard, http())
        assert (status, body["code"]) == (503, "registry_unavailable"), other
    registry.strict = ALIVE
    assert (await answered(guard, http()))[0] == 200


@run
async def test_an_answer_that_comes_too_late_is_none() -> None:
    registry = FakeRegistry()
    guard = Guard(app_of([]), verifiers=registry.verifiers(), scopes=STRICT)
    registry.strict = ALIVE
    # Longer than an answer is good for: it is not asked for again and again.
    registry.aging_ms = 6_000
    status, _, body = await asyncio.wait_for(answered(guard, http()), 5)
    assert (status, body["code"]) == (503, "registry_unavailable")
    assert registry.count("verify") == 1
