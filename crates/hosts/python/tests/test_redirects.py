"""A registry that sends its callers elsewhere: neither the credential nor a key goes there."""

import httpx

from wardkey_asgi import Guard, Verifiers

from .registry import CREDENTIAL, FakeRegistry
from .asgi import answered, app_of, http, run
from .vectors import COMPONENT, STRICT


@run
async def test_nobody_is_followed_elsewhere() -> None:
    registry = FakeRegistry()
    registry.strict = httpx.Response(307, headers={"Location": "https://elsewhere.example/v1/verify"})
    hosts: list[str] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.host)
        return await registry.answer(request) if request.url.host == "registry.example" else httpx.Response(200, json={})

    def client() -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(answer), follow_redirects=True)

    verifiers = Verifiers("https://registry.example", CREDENTIAL, component=COMPONENT, client=client, now_ms=lambda: registry.now)
    status, _, problem = await answered(Guard(app_of([]), verifiers=verifiers, scopes=STRICT), http())
    assert (status, problem["code"]) == (503, "registry_unavailable")
    assert registry.count("verify") == 1 and set(hosts) == {"registry.example"}
