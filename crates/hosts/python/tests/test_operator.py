"""What whoever runs a guard is told: what is wrong, and what to do."""

import asyncio

import httpx
import pytest

from wardkey_asgi.decision import Allow
from wardkey_asgi.key_text import KeyText

from .registry import CREDENTIAL, HEAD, KEY, SCOPE, FakeRegistry, later
from .vectors import issued_at


def test_a_registry_that_refuses_is_logged_with_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    fake = FakeRegistry()

    async def refused(request: httpx.Request) -> httpx.Response:
        return httpx.Response(403)

    fake.answer = refused  # type: ignore[method-assign]
    assert asyncio.run(fake.verifiers().here()) is None
    assert "credential_refused" in caplog.text and "verifier:key-set" in caplog.text


def test_a_credential_from_a_file_may_end_in_a_new_line() -> None:
    fake = FakeRegistry()
    brought: list[str] = []
    usual = fake.answer

    async def noted(request: httpx.Request) -> httpx.Response:
        brought.append(request.headers.get("Authorization", ""))
        return await usual(request)

    fake.answer = noted  # type: ignore[method-assign]
    asyncio.run(fake.verifiers(credential=lambda: CREDENTIAL + "\n").here())
    assert brought[0] == f"Bearer {CREDENTIAL}"


def test_an_outage_of_the_list_is_logged_when_it_begins_and_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    async def went() -> None:
        registry = FakeRegistry()
        verifier = await registry.verifiers().here()
        assert verifier is not None
        registry.away = True
        for _ in range(3):
            registry.now += 6_000
            await verifier.decide(KeyText(KEY), (SCOPE,))
        registry.away = False
        registry.now += 6_000
        registry.head = later(HEAD, 1, registry.now - issued_at(HEAD))
        assert isinstance(await verifier.decide(KeyText(KEY), (SCOPE,)), Allow)

    asyncio.run(went())
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["wardkey: the list is not refreshed: registry_unreachable", "wardkey: the list is refreshed again"], lines
