"""An instance that did not come back from a call: the next one takes its place, and steps back to nothing older."""

import asyncio

from wardkey_asgi import Guard, Verifiers

from .asgi import answered, app_of, http, run
from .registry import HEAD, KEY_SET, SCOPE, FakeRegistry, later


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
