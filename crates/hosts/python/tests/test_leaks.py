"""No log and no traceback of a guard holds a key or its own credential."""

import asyncio
import logging
import traceback
from typing import Any

import pytest

from wardkey_asgi import Guard
from wardkey_asgi.guard import Scope

from .asgi import answered, app_of, http, run, websocket
from .registry import CREDENTIAL, KEY, SCOPE, FakeRegistry
from .vectors import STRICT


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
