"""The middleware, over ASGI as servers speak it, with a registry that is made up."""

import asyncio
import json
import logging
import traceback
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest

from wardkey_asgi import Caller, Guard, Judged, OptionError, Verifiers, client_address, watched_socket
from wardkey_asgi.guard import App, Scope

from .registry import ALIVE, CREDENTIAL, HEAD, KEY, KEY_SET, NOW, SCOPE, FakeRegistry, later
from .vectors import COMPONENT, STRICT, cases, issued_at

Seen = list[Scope]


def app_of(seen: Seen) -> App:
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        seen.append(scope)
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"secret"})

    return app


def http(key: str | None = KEY, *more: tuple[bytes, bytes], query: str = "", path: str = "/invoices") -> dict[str, Any]:
    headers = [] if key is None else [(b"authorization", f"Bearer {key}".encode())]
    return {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": query.encode(),
        "headers": [*headers, *more], "client": ("192.0.2.1", 1),
    }


async def answered(guard: Guard, scope: Scope) -> tuple[int, dict[str, str], Any]:
    """Status, headers and body."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    await guard(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, json.loads(body) if "problem" in headers.get("content-type", "") else body


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    def wrapped() -> None:
        asyncio.run(test())

    wrapped.__name__ = test.__name__
    return wrapped


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
async def test_without_a_registry_nothing_is_allowed_and_it_is_asked_once_a_second() -> None:
    registry = FakeRegistry()
    registry.away = True
    guard = Guard(app_of([]), verifiers=registry.verifiers(), scopes=SCOPE)
    for _ in range(20):
        status, headers, body = await answered(guard, http())
        assert (status, body["code"], headers["retry-after"]) == (503, "no_key_set", "1")
        assert "www-authenticate" not in headers
    assert registry.count("key-set") == 1
    registry.away = False
    await asyncio.sleep(1.05)
    assert (await answered(guard, http()))[0] == 200


@run
async def test_a_key_set_or_a_credential_that_is_none_makes_no_verifier() -> None:
    registry = FakeRegistry()

    def failing() -> str:
        raise ZeroDivisionError

    for key_set, credential in [(b"", CREDENTIAL), (KEY_SET[:-1], CREDENTIAL), (KEY_SET, failing), (KEY_SET[:3] + b"\0" + KEY_SET[4:], CREDENTIAL)]:
        registry.key_set = key_set
        verifiers = registry.verifiers(credential)
        guard = Guard(app_of([]), verifiers=verifiers, scopes=SCOPE)
        for _ in range(2):
            status, _, body = await answered(guard, http())
            assert (status, body["code"]) == (503, "no_key_set")
    assert registry.count("key-set") == 3


@run
async def test_one_refresh_in_flight_and_a_bounded_wait() -> None:
    registry = FakeRegistry()
    guard = Guard(app_of([]), verifiers=registry.verifiers(), scopes=SCOPE)
    assert {each[0] for each in await asyncio.gather(*[answered(guard, http()) for _ in range(50)])} == {200}
    assert (registry.count("key-set"), registry.count("head"), registry.count("state")) == (1, 1, 1)
    # Older than fresh-for: everybody waits for the same refresh, half a second at most, and it brings nothing fresh.
    registry.now = issued_at(HEAD) + 20_000
    registry.slow_s = 3.0
    start = asyncio.get_running_loop().time()
    told = await asyncio.gather(*[answered(guard, http()) for _ in range(50)])
    waited = asyncio.get_running_loop().time() - start
    assert {each[0] for each in told} == {200}, "within the level's bound"
    assert registry.count("head") == 2
    assert 0.4 < waited < 1.5
    # Past the bound nothing is allowed.
    registry.slow_s = 0
    registry.away = True
    registry.now = issued_at(HEAD) + 3_600_001
    status, headers, body = await answered(guard, http())
    assert (status, body["code"], headers["retry-after"]) == (503, "list_stale", "1")


@run
async def test_refreshes_before_anybody_waits_for_it() -> None:
    registry = FakeRegistry()
    verifiers = registry.verifiers()
    guard = Guard(app_of([]), verifiers=verifiers, scopes=SCOPE)
    await answered(guard, http())
    registry.now = issued_at(HEAD) + 4_500
    await answered(guard, http())
    await asyncio.sleep(0.05)
    verifier = await verifiers.here()
    assert verifier is not None
    assert (registry.count("head"), verifier.status()["waits"]) == (2, 0), "nobody waited"


@run
async def test_takes_a_newer_key_set_when_the_list_names_one() -> None:
    registry = FakeRegistry()
    # The list says that 3 is current.
    registry.key_set = KEY_SET[:4] + (2).to_bytes(4, "big") + KEY_SET[8:]
    verifiers = registry.verifiers()
    guard = Guard(app_of([]), verifiers=verifiers, scopes=SCOPE)
    registry_key_set, registry.key_set = registry.key_set, KEY_SET
    registry.key_set = registry_key_set
    first = await answered(guard, http())
    registry.key_set = KEY_SET
    # Below the least it decides nothing; the renewal under way brought the old one.
    assert first[0] == 503 and first[2]["code"] == "no_key_set"
    registry.now += 2_100
    assert (await answered(guard, http()))[0] == 200
    verifier = await verifiers.here()
    assert verifier is not None and verifier.status()["key_set_version"] == 3
    # One of another tenant is refused, and what is there stays.
    registry.key_set = KEY_SET[:1] + b"\0\x08" + KEY_SET[3:]
    registry.now += 2_100
    await verifier._key_set.renew(1)
    assert verifier.status()["last_key_set_error"] == "key_set_other_key_set"


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


@run
async def test_a_component_that_does_not_come_back_allows_nothing_and_is_replaced() -> None:
    registry = FakeRegistry()
    verifiers = registry.verifiers()
    guard = Guard(app_of([]), verifiers=verifiers, scopes=SCOPE)
    assert (await answered(guard, http()))[0] == 200
    verifier = await verifiers.here()
    assert verifier is not None
    verifier._instance._fuel = 3_000
    told = await asyncio.gather(*[answered(guard, http()) for _ in range(3)])
    assert told[0][0] == 503 and told[0][2]["code"] == "no_key_set" and told[0][1]["retry-after"] == "1"
    assert (await answered(guard, http()))[0] == 200, "by another instance"
    assert registry.count("key-set") == 2
    assert (await verifiers.here()) is not verifier


async def spent(verifiers: Verifiers, guard: Guard) -> None:
    """Has the instance not come back from a call."""
    verifier = await verifiers.here()
    assert verifier is not None
    verifier._instance._fuel = 3_000
    assert (await answered(guard, http()))[2]["code"] == "no_key_set"
    assert verifier.is_spent


@run
async def test_the_next_instance_takes_no_list_that_is_older_than_one_before_it_had() -> None:
    registry = FakeRegistry()
    verifiers = registry.verifiers()
    guard = Guard(app_of([]), verifiers=verifiers, scopes=SCOPE)
    for newest, older in [(later(HEAD, 1, 500), HEAD), (later(HEAD, 1, 700), later(HEAD, 1, 500))]:
        registry.head = newest
        registry.now += 1_100
        assert (await answered(guard, http()))[0] == 200
        verifier = await verifiers.here()
        assert verifier is not None
        await verifier._list.first()
        # An edge that is behind: its list is fresh by the clock, and knows nothing of what was revoked since.
        registry.head = older
        await spent(verifiers, guard)
        status, headers, body = await answered(guard, http())
        assert (status, body["code"], headers["retry-after"]) == (503, "list_stale", "1")
        registry.now += 1_100
        assert (await answered(guard, http()))[2]["code"] == "list_stale"
        verifier = await verifiers.here()
        assert verifier is not None and verifier.status()["last_list_error"] == "list_older"
        registry.head = newest
        registry.now += 1_100
        assert (await answered(guard, http()))[0] == 200


@run
async def test_the_next_instance_takes_no_key_set_that_is_older_or_anothers() -> None:
    registry = FakeRegistry()
    verifiers = registry.verifiers()
    guard = Guard(app_of([]), verifiers=verifiers, scopes=SCOPE)
    assert (await answered(guard, http()))[0] == 200
    await spent(verifiers, guard)
    for wrong in [KEY_SET[:4] + (2).to_bytes(4, "big") + KEY_SET[8:], KEY_SET[:1] + b"\0\x08" + KEY_SET[3:]]:
        registry.key_set = wrong
        assert (await answered(guard, http()))[2]["code"] == "no_key_set"
        await asyncio.sleep(1.05)
    assert (registry.count("key-set"), registry.count("head")) == (3, 1)
    registry.key_set = KEY_SET
    assert (await answered(guard, http()))[0] == 200


@run
async def test_a_registry_that_hangs_costs_one_wait_a_second() -> None:
    registry = FakeRegistry()
    guard = Guard(app_of([]), verifiers=registry.verifiers(), scopes=SCOPE)
    assert (await answered(guard, http()))[0] == 200
    clock = asyncio.get_running_loop().time

    async def waited() -> float:
        start = clock()
        assert (await answered(guard, http()))[0] == 200
        return clock() - start

    registry.now = issued_at(HEAD) + 20_000
    registry.slow_s = 60.0
    assert 0.4 < await waited() < 3
    # The wait that has ended counts as failed, whatever is still under way.
    for _ in range(20):
        assert await waited() < 0.4
    assert registry.count("head") == 2
    registry.now += 1_100
    assert 0.4 < await waited() < 3
    assert registry.count("head") == 2, "the same is still awaited"
    # Another begins beside one that hangs, and its answer counts.
    registry.slow_s = 0.0
    registry.now += 1_100
    registry.head = later(HEAD, 1, registry.now - issued_at(HEAD))
    assert await waited() < 0.4
    assert registry.count("head") == 3


@run
async def test_a_registry_that_hangs_at_the_start_holds_nobody_up_for_long() -> None:
    registry = FakeRegistry()
    registry.slow_s = 60.0
    guard = Guard(app_of([]), verifiers=registry.verifiers(), scopes=SCOPE)
    clock = asyncio.get_running_loop().time
    start = clock()
    for _ in range(20):
        assert (await answered(guard, http()))[0] == 503
    assert clock() - start < 6


async def socket(guard: Guard, scope: Scope, incoming: list[Any]) -> list[Any]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return incoming.pop(0)

    await guard(scope, receive, send)
    return sent


def websocket(key: str | None = KEY, **more: Any) -> dict[str, Any]:
    return http(key) | {"type": "websocket", "subprotocols": []} | more


async def echo(scope: Scope, receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        elif message["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
        else:
            return


@run
async def test_a_websocket_is_judged_before_it_is_accepted() -> None:
    registry = FakeRegistry()
    guard = Guard(echo, verifiers=registry.verifiers(), scopes=SCOPE)
    connect, message, end = {"type": "websocket.connect"}, {"type": "websocket.receive", "text": "a"}, {"type": "websocket.disconnect"}
    sent = await socket(guard, websocket(), [connect, message, end])
    assert [each["type"] for each in sent] == ["websocket.accept", "websocket.send"]
    sent = await socket(guard, websocket("nonsense"), [connect, message])
    assert sent == [{"type": "websocket.close", "code": 4401, "reason": "invalid_token"}]
    sent = await socket(guard, websocket(None, extensions={"websocket.http.response": {}}), [connect, message])
    assert [each["type"] for each in sent] == ["websocket.http.response.start", "websocket.http.response.body"]
    assert sent[0]["status"] == 401 and json.loads(sent[1]["body"])["code"] == "credential_missing"
    registry.away = True
    registry.now = issued_at(HEAD) + 3_600_001
    sent = await socket(guard, websocket(), [connect])
    assert sent == [{"type": "websocket.close", "code": 4503, "reason": "list_stale"}]


@run
async def test_no_message_passes_an_open_websocket_when_its_key_is_dead() -> None:
    registry = FakeRegistry()
    verifiers = registry.verifiers()
    guard = Guard(echo, verifiers=verifiers, scopes=SCOPE)
    every, watched_socket.EVERY_S = watched_socket.EVERY_S, 0.0
    try:
        message = {"type": "websocket.receive", "text": "a"}
        incoming: list[Any] = [{"type": "websocket.connect"}, message]

        class Aging(list[Any]):
            def pop(self, at: Any = 0) -> Any:
                if len(self) == 1:
                    registry.away = True
                    registry.now = issued_at(HEAD) + 3_600_001
                return super().pop(at)

        sent = await socket(guard, websocket(), Aging([*incoming, message]))
        assert [each["type"] for each in sent] == ["websocket.accept", "websocket.send", "websocket.close"]
        assert sent[2]["code"] == 4503
        # One that only sends is told as if the connection were gone.
        registry.away, registry.now = False, NOW
        ended: list[str] = []

        async def ticker(scope: Scope, receive: Any, send: Any) -> None:
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": "1"})
            registry.away = True
            registry.now = issued_at(HEAD) + 3_600_001
            for _ in range(2):
                try:
                    await send({"type": "websocket.send", "text": "2"})
                except OSError:
                    ended.append("gone")
            ended.append((await receive())["type"])

        sent = await socket(Guard(ticker, verifiers=registry.verifiers(), scopes=SCOPE), websocket(), [])
        assert [each["type"] for each in sent] == ["websocket.accept", "websocket.send", "websocket.close"]
        assert ended == ["gone", "gone", "websocket.disconnect"]
    finally:
        watched_socket.EVERY_S = every


@run
async def test_a_message_stays_for_the_next_receive_when_the_application_gives_up_waiting() -> None:
    incoming = [{"type": "websocket.receive", "text": text} for text in "ab"]
    registry_answers = asyncio.Event()

    async def receive() -> Any:
        return incoming.pop(0)

    async def send(_: Any) -> None:
        raise AssertionError

    async def judged() -> None:
        await registry_answers.wait()

    watched = watched_socket.WatchedSocket(receive, send, judged)
    watched._judged_at -= 60
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(watched.receive(), 0.05)
    registry_answers.set()
    assert [(await watched.receive())["text"] for _ in range(2)] == ["a", "b"]


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


@run
async def test_what_a_function_of_the_applications_raises_holds_no_key() -> None:
    def failing(scope: Any) -> Any:
        raise RuntimeError("the application's own")

    verifiers = FakeRegistry().verifiers()
    guards = [Guard(app_of([]), verifiers=verifiers, scopes=failing), Guard(app_of([]), verifiers=verifiers, scopes=SCOPE, address=failing)]
    asked = [(guard, make()) for guard in guards for make in (http, websocket)]
    # A client that is gone when it would be told: what was refused may hold a key anywhere.
    guard = Guard(app_of([]), verifiers=verifiers, scopes=SCOPE)
    asked += [(guard, http(query=f"key={KEY}")), (guard, http(KEY, (b"x-api-key", KEY.encode()))), (guard, http(None, (b"x-api-key", KEY.encode())))]

    async def gone(_: Any) -> None:
        raise RuntimeError("the client is gone")

    async def nothing() -> Any:
        return {}

    for guard, scope in asked:
        try:
            await guard(scope, nothing, gone)
            raise AssertionError
        except RuntimeError as error:
            told = traceback.TracebackException.from_exception(error, capture_locals=True)
            ours = [frame for frame in told.stack if "/wardkey_asgi/" in frame.filename]
            assert ours
            assert not any(KEY[20:60] in text for frame in told.stack[1:] for text in (frame.locals or {}).values())


def test_no_log_and_no_traceback_holds_a_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    registry = FakeRegistry()

    async def failing(scope: Scope, receive: Any, send: Any) -> None:
        raise RuntimeError("the application's own")

    async def calls() -> None:
        verifiers = registry.verifiers()
        guard = Guard(app_of([]), verifiers=verifiers, scopes=SCOPE)
        for key in (KEY, KEY[:-8] + "AAAAAAAA", None):
            await answered(guard, http(key))
        await answered(Guard(app_of([]), verifiers=verifiers, scopes=STRICT), http())
        for of in (http(), websocket()):
            try:
                await answered(Guard(failing, verifiers=verifiers, scopes=SCOPE), of)
                raise AssertionError
            except RuntimeError as error:
                told = traceback.TracebackException.from_exception(error, capture_locals=True)
                ours = [frame for frame in told.stack if "/wardkey_asgi/" in frame.filename]
                assert ours
                assert not any(KEY[20:60] in text for frame in ours for text in (frame.locals or {}).values())
        registry.away = True
        registry.now += 60_000
        await answered(guard, http())
        verifier = await verifiers.here()
        assert verifier is not None
        verifier._instance._fuel = 3_000
        await answered(Guard(app_of([]), verifiers=verifiers, scopes=SCOPE), http())
        assert verifier.is_spent and verifier.status() == {"is_spent": True}
        assert KEY not in repr(guard) + repr(verifiers) + repr(vars(guard)) + repr(vars(verifiers)) + repr(verifier.status())
        assert CREDENTIAL not in repr(vars(verifiers)) + repr(vars(verifier._registry))

    asyncio.run(calls(), debug=True)
    assert "denied: bad_tag" in caplog.text or "denied: bad_checksum" in caplog.text
    assert "did not come back" in caplog.text
    assert KEY[20:60] not in caplog.text and CREDENTIAL not in caplog.text
