"""ASGI as servers speak it: what comes in at a guard, and what it answers."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

from wardkey_asgi import Guard
from wardkey_asgi.guard import App, Scope

from .registry import KEY

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


def websocket(key: str | None = KEY, **more: Any) -> dict[str, Any]:
    return http(key) | {"type": "websocket", "subprotocols": []} | more


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
