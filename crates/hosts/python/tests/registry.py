"""A registry that answers from a vector: what a guard fetches, and how often."""

import asyncio
import hashlib
import hmac
import json
from typing import Any

import httpx

from wardkey_asgi import Verifiers

from .vectors import COMPONENT, alive, issued_at, usual

CASE = usual()
KEY_SET, HEAD, STATE = (bytes.fromhex(text) for text in (CASE["key_set"], CASE["list"]["head"], CASE["list"]["state"]))
KEY, NOW = CASE["key"], CASE["now"]
SCOPE = CASE["required"]["scopes"][0]
ALIVE: dict[str, Any] = {
    "decision": "allow", "status": 200, "subject": alive().subject, "key_id": alive().key_id, "status_index": alive().status_index,
    "tenant": alive().tenant, "audience": alive().audience, "scopes": [], "expires_at": alive().expires_at_s, "narrowed": False,
    "list": {"sequence": 41, "age_ms": 0, "zone": "registry"},
}
CREDENTIAL = "wk_live_" + "c" * 100


def later(head: bytes, sequence: int, ms: int) -> bytes:
    """A head that comes so many numbers and milliseconds later, with the same state."""
    number = int.from_bytes(head[3:11], "big") + sequence
    body = head[:3] + number.to_bytes(8, "big") + head[11:43] + (issued_at(head) + ms).to_bytes(8, "big") + head[51:-16]
    return body + hmac.new(KEY_SET[28:60], body, hashlib.sha256).digest()[:16]


class FakeRegistry:
    """`away` answers nothing; `slow_s` keeps everybody waiting; `strict` is what `/v1/verify` answers."""

    def __init__(self) -> None:
        self.now = NOW
        self.asked: list[str] = []
        self.away = False
        self.slow_s = 0.0
        self.key_set = KEY_SET
        self.head = HEAD
        self.strict: dict[str, Any] | httpx.Response = {}
        self.questions: list[dict[str, Any]] = []
        self.aging_ms = 0
        """How much later it is once `/v1/verify` has answered."""

    def verifiers(self, credential: Any = CREDENTIAL, **options: Any) -> Verifiers:
        """As a process would make them."""
        def client() -> httpx.AsyncClient:
            return httpx.AsyncClient(transport=httpx.MockTransport(self.answer))

        return Verifiers("https://registry.example", credential, component=COMPONENT, client=client, now_ms=lambda: self.now, **options)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        assert request.url.host == "registry.example"
        path = request.url.path
        self.asked.append(path)
        if self.slow_s:
            await asyncio.sleep(self.slow_s)
        if self.away:
            raise httpx.ConnectError("away", request=request)
        if path.startswith("/v1/key-set") or path == "/v1/verify":
            assert request.headers["Authorization"] == f"Bearer {CREDENTIAL}"
        else:
            assert "Authorization" not in request.headers
        if path == "/v1/key-set" and not self.key_set:
            return httpx.Response(304)
        if path == "/v1/key-set":
            return httpx.Response(200, content=self.key_set, headers={"ETag": '"1"'})
        if path.endswith("/head"):
            return httpx.Response(200, content=self.head)
        if "/state/" in path:
            return httpx.Response(200, content=STATE)
        self.questions.append(json.loads(request.content))
        self.now += self.aging_ms
        return self.strict if isinstance(self.strict, httpx.Response) else httpx.Response(200, json=self.strict)

    def count(self, end: str) -> int:
        """How often something was asked for."""
        return sum(end in path for path in self.asked)
