"""What a guard fetches, and when: the key set, the list, and how long a call waits for either."""

import asyncio

from wardkey_asgi import Guard

from .asgi import answered, app_of, http, run
from .registry import CREDENTIAL, HEAD, KEY_SET, SCOPE, FakeRegistry, later
from .vectors import issued_at


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
