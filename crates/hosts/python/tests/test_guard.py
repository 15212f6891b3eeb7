"""The middleware, over ASGI, with a registry that is made up: who gets through, and what the others are told."""

import asyncio
import json
from typing import Any

import pytest

from wardkey_asgi import Caller, Guard, Judged, OptionError, Verifiers, client_address
from wardkey_asgi.guard import Scope

from .asgi import Seen, answered, app_of, http, run
from .registry import KEY, KEY_SET, SCOPE, FakeRegistry
from .vectors import COMPONENT, STRICT, cases


@run
async def test_lets_through_what_is_allowed_and_says_who_calls() -> None:
    seen: Seen = []
    guard = Guard(app_of(seen), verifiers=FakeRegistry().verifiers(), scopes=SCOPE)
    status, _, body = await answered(guard, http(KEY, (b"x-other", b"1")))
    assert (status, body) == (200, b"secret")
    user = seen[0]["user"]
    assert isinstance(user, Caller) and user.is_authenticated
    assert (user.subject, user.display_name, user.identity) == ("svc:billing", "svc:billing", user.key_id)
    assert user.key_id.startswith("key_") and user.zone == "fresh"
    assert user.scopes == ("invoice:list", "invoice:read", "invoice:write", STRICT)
    # Only what was asked for was judged: another one may be of a higher risk.
    assert seen[0]["auth"] == Judged((SCOPE,))
    assert seen[0]["headers"] == [(b"x-other", b"1")]
    keeping = Guard(app_of(seen), verifiers=FakeRegistry().verifiers(), scopes=SCOPE, keep_credential=True)
    await answered(keeping, http())
    assert seen[1]["headers"] == http()["headers"]


@run
async def test_any_of_and_scopes_by_request() -> None:
    seen: Seen = []
    verifiers = FakeRegistry().verifiers()
    both = Guard(app_of(seen), verifiers=verifiers, scopes=["invoice:read", "invoice:list"], any_of=True)
    assert (await answered(both, http()))[0] == 200
    assert seen[0]["auth"].scopes == ("invoice:read", "invoice:list")
    by_request = Guard(app_of(seen), verifiers=verifiers, scopes=lambda scope: SCOPE if scope["method"] == "GET" else [])
    assert (await answered(by_request, http()))[0] == 200
    with pytest.raises(OptionError):
        await answered(by_request, http() | {"method": "POST"})
    with pytest.raises(OptionError):
        await answered(Guard(app_of(seen), verifiers=verifiers, scopes="invoice:burn"), http())
    assert len(seen) == 2


@run
async def test_answers_as_the_table_says() -> None:
    seen: Seen = []
    verifiers = FakeRegistry().verifiers()
    guard = Guard(app_of(seen), verifiers=verifiers, scopes=SCOPE)
    x_api = Guard(app_of(seen), verifiers=verifiers, scopes=SCOPE, header="X-API-Key")
    token = 'Bearer realm="wardkey", error="invalid_token"'
    request = 'Bearer realm="wardkey", error="invalid_request"'
    none = 'Bearer realm="wardkey"'
    uniform = set()
    for asked, scope, status, code, challenge in [
        (guard, http(KEY[:-8] + "AAAAAAAA"), 401, "invalid_token", token),
        (guard, http("nonsense"), 401, "invalid_token", token),
        (guard, http(KEY.replace("example_", "wk_")), 401, "invalid_token", token),
        (guard, http("\u00e4" * 80), 401, "invalid_token", token),
        (guard, http(None), 401, "credential_missing", none),
        (guard, http(None, (b"authorization", b"")), 401, "credential_missing", none),
        (guard, http(None, (b"authorization", b"Basic YTpi")), 401, "credential_missing", none),
        (guard, http(None, (b"authorization", b"Bearer a b")), 401, "credential_missing", none),
        (guard, http(KEY, (b"authorization", f"Bearer {KEY}".encode())), 400, "invalid_request", request),
        (guard, http(KEY, (b"Authorization", b"Bearer x")), 400, "invalid_request", request),
        (guard, http(f"{KEY}, Bearer {KEY}"), 400, "invalid_request", request),
        (guard, http(KEY, (b"x-api-key", KEY.encode())), 400, "invalid_request", request),
        (guard, http(KEY, query=f"key={KEY}"), 400, "invalid_request", request),
        (guard, http(KEY, query=f"key%3D{KEY}"), 400, "invalid_request", request),
        (guard, http(KEY, query="a=1&key=" + "".join(f"%{ord(each):02x}" for each in KEY)), 400, "invalid_request", request),
        (guard, http(KEY, path=f"/invoices/{KEY}"), 400, "invalid_request", request),
        (guard, http(None, query=f"access_token={KEY}"), 400, "invalid_request", request),
        (x_api, http(None, (b"x-api-key", b"nonsense")), 401, "invalid_token", token),
        (x_api, http(KEY, (b"x-api-key", KEY.encode())), 400, "invalid_request", request),
        (x_api, http(KEY), 401, "credential_missing", none),
    ]:
        told, headers, body = await answered(asked, scope)
        assert (told, body["code"], body["status"]) == (status, code, status)
        assert headers["www-authenticate"] == challenge
        assert headers["content-type"] == "application/problem+json" and headers["cache-control"] == "no-store"
        assert "retry-after" not in headers
        if code == "invalid_token":
            uniform.add(json.dumps([headers, body]))
    assert len(uniform) == 1, "one identical answer"
    assert seen == []
    assert (await answered(x_api, http(None, (b"x-api-key", KEY.encode()))))[0] == 200


@run
async def test_the_callers_address_counts_only_if_asked_for() -> None:
    usual = [
        each for each in cases("verify")
        if each["case"].get("list") and each["case"]["key_set"] == KEY_SET.hex() and each["case"].get("caller", "").count(".") == 3
        and not each["case"].get("registry")
    ]
    denied = {each["case"]["key"]: each["case"]["caller"] for each in usual if each["expect"].get("deny") == "address_not_allowed"}
    bound = next(
        each["case"] for each in usual
        if each["expect"].get("allow", {}).get("zone") == "fresh" and each["case"]["key"] in denied and "::" not in denied[each["case"]["key"]]
    )
    registry = FakeRegistry()
    registry.now = bound["now"]
    verifiers = registry.verifiers()
    asked: dict[str, Any] = {"verifiers": verifiers, "scopes": tuple(bound["required"]["scopes"])}
    scope = http(bound["key"]) | {"client": (bound["caller"], 1)}
    blind = await answered(Guard(app_of([]), **asked), scope)
    assert (blind[0], blind[2]["code"]) == (403, "address_not_allowed")
    guard = Guard(app_of([]), **asked, address=client_address)
    assert (await answered(guard, scope))[0] == 200
    for other in ((denied[bound["key"]], 1), ("not an address", 1), ("fe80::1%eth0", 1), None):
        assert (await answered(guard, scope | {"client": other}))[0] == 403


@run
async def test_a_lifespan_passes_through_and_what_nobody_knows_does_not() -> None:
    registry = FakeRegistry()
    seen: list[str] = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        seen.append(scope["type"])
        await asyncio.sleep(0.05)

    verifiers = registry.verifiers()
    guard = Guard(app, verifiers=verifiers, scopes=SCOPE)

    async def nothing(*_: Any) -> Any:
        raise AssertionError

    await guard({"type": "lifespan"}, nothing, nothing)
    assert seen == ["lifespan"]
    assert registry.count("key-set") == 1, "ready before the first request"
    with pytest.raises(OptionError):
        await guard({"type": "rpc", "headers": []}, nothing, nothing)
    assert seen == ["lifespan"]


def test_each_event_loop_has_its_own_verifier() -> None:
    registry = FakeRegistry()
    guard = Guard(app_of([]), verifiers=registry.verifiers(), scopes=SCOPE)
    for _ in range(3):
        assert asyncio.run(answered(guard, http()))[0] == 200
    assert registry.count("key-set") == 3


def test_refuses_what_cannot_be() -> None:
    def made(**options: Any) -> Any:
        return Guard(app_of([]), **{"scopes": SCOPE, "registry": "https://r.example", "credential": "x", "component": COMPONENT, **options})

    made()
    made(registry="http://127.0.0.1:8787")
    wrong_options: list[dict[str, Any]] = [
        {"registry": "http://registry.example"}, {"credential": ""}, {"scopes": []}, {"scopes": [""]}, {"component": "/nowhere"},
    ]
    for wrong in wrong_options:
        with pytest.raises(OptionError):
            made(**wrong)
    with pytest.raises(OptionError):
        Guard(app_of([]), scopes=SCOPE)
    with pytest.raises(OptionError):
        Guard(app_of([]), scopes=SCOPE, verifiers=Verifiers("https://r.example", "x", component=COMPONENT), audience="api")


@run
async def test_a_key_in_the_url_is_refused_however_it_is_escaped() -> None:
    seen: Seen = []
    guard = Guard(app_of(seen), verifiers=FakeRegistry().verifiers(), scopes=SCOPE)

    def escaped(text: str) -> str:
        return "".join(f"%{each:02x}" for each in text.encode())

    urls = [
        {"query": f"key={KEY}"}, {"query": f"a%zz&key={escaped(KEY)}%"}, {"query": "next=" + escaped("/x?key=" + KEY)},
        {"query": "next=" + escaped(escaped(KEY))}, {"query": escaped(escaped(escaped(KEY)))}, {"path": "/" + escaped(KEY)}, {"path": "/a%" + escaped(escaped(KEY))},
        *[{"query": f"q=a{front}{KEY}"} for front in "+;:@.,!~*'()$"], *[{"path": f"/a{front}{KEY}"} for front in "+;:@.,"], {"path": f"/{KEY}/b"},
    ]
    for url in urls:
        status, _, body = await answered(guard, http(**url))
        assert (status, body["code"]) == (400, "invalid_request"), url
    # As some servers hand it over: decoded once, with the original beside it or not.
    for path in (f"/{KEY}", f"/a:{escaped(KEY)}"):
        scope = http() | {"path": path}
        assert (await answered(guard, scope))[0] == 400
        del scope["raw_path"]
        assert (await answered(guard, scope))[0] == 400
    assert seen == []
    for name in [{"query": f"q=x_{KEY}"}, {"query": f"q=X{KEY}"}, {"query": f"q={KEY[:40]}"}, {"query": "a=%"}]:
        assert (await answered(guard, http(**name)))[0] == 200, name
