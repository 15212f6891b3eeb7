"""WebSockets: judged before they are accepted, and as long as they are open."""

import asyncio
import json
from typing import Any

import pytest

from wardkey_asgi import Guard, watched_socket
from wardkey_asgi.guard import Scope

from .asgi import run, websocket
from .registry import HEAD, NOW, SCOPE, FakeRegistry
from .vectors import issued_at


async def socket(guard: Guard, scope: Scope, incoming: list[Any]) -> list[Any]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return incoming.pop(0)

    await guard(scope, receive, send)
    return sent


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
