"""A key set that is too old, and a registry that hangs where a newer one is."""

import asyncio

from wardkey_asgi import Guard

from .registry import KEY_SET, SCOPE, FakeRegistry
from .asgi import answered, app_of, http, run


@run
async def test_a_key_set_that_hangs_costs_one_wait_a_second() -> None:
    registry = FakeRegistry()
    # The list says that 3 is the least.
    registry.key_set = KEY_SET[:4] + (2).to_bytes(4, "big") + KEY_SET[8:]
    guard = Guard(app_of([]), verifiers=registry.verifiers(), scopes=SCOPE)
    clock = asyncio.get_running_loop().time

    async def waited() -> float:
        start = clock()
        status, _, problem = await answered(guard, http())
        assert (status, problem["code"]) == (503, "no_key_set")
        return clock() - start

    await waited()
    registry.slow_s = 60.0
    registry.now += 2_100
    assert 0.4 < await waited() < 3
    for _ in range(20):
        assert await waited() < 0.4
    registry.now += 1_100
    assert 0.4 < await waited() < 3
