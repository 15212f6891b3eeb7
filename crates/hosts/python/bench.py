"""What the component costs from Python, beside the raw module called by the same wasmtime: a part of `cargo xtask bench`.

In a round each row runs once, for a few milliseconds, in an order drawn anew; a ratio is to the base in the same round.
"""

import argparse
import asyncio
import base64
import hmac
import json
import platform
import random
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from ipaddress import ip_address
from typing import Any

import httpx
import wasmtime
from wasmtime import Module, Store

from tests.vectors import CHECKOUT, COMPONENT, compiled
from wardkey_asgi import Guard, Verifiers, component
from wardkey_asgi.component import Instance
from wardkey_asgi.decision import Allow
from wardkey_asgi.key_text import KeyText
from wardkey_asgi.remembered_types import RememberedFunc

Work = Callable[[int], None]
Row = tuple[str, str, str | None, str, Work]


def raw_module(fixture: dict[str, Any]) -> Callable[[str], tuple[str, str] | None]:
    """crates/js/ABI.md by the same engine: the key in, subject and key id out."""
    engine = compiled().engine
    store = Store(engine)
    store.set_fuel(10**18)
    instance = wasmtime.Instance(store, Module.from_file(engine, str(CHECKOUT / "target/wardkey.verifier.wasm")), [])
    exports: Any = instance.exports(store)
    memory, at = exports["memory"], exports["input"](store)

    def put(data: bytes) -> int:
        memory.write(store, data, at)
        return len(data)

    assert exports["set_keys"](store, put(decoded(fixture["key_set"]))) == 0
    state = decoded(fixture["state"])
    memory.write(store, state, exports["state"](store, len(state)))
    now = float(fixture["now"])
    assert exports["adopt"](store, put(decoded(fixture["head"])), now) == 0
    requirement = exports["require"](store, put(fixture["scope"].encode()), 0)
    verify, claims = exports["verify"], exports["claims"]
    address = int.from_bytes(ip_address(fixture["caller"]).packed, "big")
    # The package takes numbers as signed.
    address -= (address >> 31) << 32

    def judged(key: str) -> tuple[str, str] | None:
        if verify(store, put(key.encode()), requirement, now, CALLER_IPV4, 0, address, 0, 0, 0) & 255:
            return None
        start = claims(store)
        base = memory.read(store, start + 64, start + 64 + 90)
        return base[26:26 + (base[25] & 63)].decode(), "key_" + base[5:13].hex()

    return judged


def instance_of(fixture: dict[str, Any]) -> Instance:
    instance = Instance(compiled(), decoded(fixture["key_set"]))
    assert instance.apply_list(decoded(fixture["head"]), decoded(fixture["state"]), fixture["now"]) is None
    return instance


def of_component(fixture: dict[str, Any]) -> Callable[[str], tuple[str, str] | None]:
    instance = instance_of(fixture)
    requirement, caller = instance.requirement((fixture["scope"],)), ip_address(fixture["caller"])

    def judged(key: str) -> tuple[str, str] | None:
        verdict = instance.verify(KeyText(key), requirement, fixture["now"], caller)
        return (verdict.subject, verdict.key_id) if isinstance(verdict, Allow) else None

    return judged


class AsThePackageDoes(RememberedFunc):
    """A function whose types the package reads anew at every call."""

    def __init__(self, func: Any, store: Any) -> None:
        self.call = func


def guarded(fixture: dict[str, Any]) -> Work:
    """The whole middleware, from a built scope to the application."""
    key_set, head, state = (decoded(fixture[name]) for name in ("key_set", "head", "state"))

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        return httpx.Response(200, content=key_set if "key-set" in path else head if path.endswith("head") else state)

    def client() -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(answer))

    verifiers = Verifiers("https://registry.example", "x", component=COMPONENT, client=client, now_ms=lambda: int(fixture["now"]))
    reached = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal reached
        reached += scope["user"].is_authenticated

    async def nothing(*_: Any) -> Any:
        raise AssertionError

    guard = Guard(app, verifiers=verifiers, scopes=fixture["scope"], address=lambda _: str(fixture["caller"]))
    loop = asyncio.new_event_loop()
    scopes = [
        {"type": "http", "path": "/reports", "query_string": b"page=1", "headers": [(b"authorization", b"Bearer " + key.encode())]}
        for key in fixture["keys"][0]
    ]

    async def calls(count: int) -> None:
        for n in range(count):
            await guard(scopes[n & 63], nothing, nothing)

    def work(count: int) -> None:
        before = reached
        loop.run_until_complete(calls(count))
        assert reached == before + count

    return work


def rows(fixture: dict[str, Any]) -> list[Row]:
    good, garbage = fixture["keys"][0], fixture["refusals"]["garbage"]["keys"]
    secret, message = bytes(32), bytes(128)

    def of(judged: Callable[[str], Any], keys: list[str], allowed: bool = True) -> Work:
        mask = len(keys) - 1
        for key in keys:
            assert (judged(key) is not None) is allowed
        for refused in fixture["refused"].values():
            assert judged(refused) is None

        def work(count: int) -> None:
            for n in range(count):
                judged(keys[n & mask])

        return work

    def unit(count: int) -> None:
        for _ in range(count):
            hmac.digest(secret, message, "sha256")

    def instances(count: int) -> None:
        for _ in range(count):
            Instance(compiled(), key_set)

    key_set = decoded(fixture["key_set"])
    raw, through = raw_module(fixture), of_component(fixture)
    assert [raw(key) for key in good] == [through(key) for key in good]
    setattr(component, "RememberedFunc", AsThePackageDoes)
    package = of_component(fixture)
    setattr(component, "RememberedFunc", RememberedFunc)
    return [
        ("python.unit", "hmac.digest, SHA-256 over 128 bytes", "python.unit", "ns", unit),
        ("abi.python", "the raw module by the wasmtime package: key in, subject and key id out", "python.unit", "ns", of(raw, good)),
        ("component.python", "the component, as crates/hosts/python calls it: a decision with all that is known of the key", "abi.python", "ns", of(through, good)),
        ("component.python_as_packaged", "the same, its types read anew at every call", "abi.python", "ns", of(package, good)),
        ("component.python_garbage", "refused: random base64url behind the right prefix", "component.python", "ns", of(through, garbage, False)),
        ("component.python_guard", "the whole middleware, from a built scope to the application", "component.python", "ns", guarded(fixture)),
        ("component.python_instance_ms", "an instance of the component, compiled before, with its key set", None, "ms", instances),
    ]


def measured(found: list[Row], rounds: int, target_ms: int, warm_ms: int, seed: int) -> list[dict[str, Any]]:
    counts, times = {}, {name: list[float]() for name, *_ in found}
    for name, _, _, _, work in found:
        count, spent = 1, 0.0
        while True:
            took = timed(work, count)
            spent += took
            if took < target_ms / 2:
                count *= 2
            elif spent >= warm_ms:
                break
        counts[name] = max(1, round(count * target_ms / took))
    draw = random.Random(seed)
    for _ in range(rounds):
        for name, _, _, _, work in draw.sample(found, len(found)):
            times[name].append(timed(work, counts[name]) * 1e6 / counts[name])
    told = []
    for name, what, base, unit, _ in found:
        scale = 1e6 if unit == "ms" else 1
        row: dict[str, Any] = {
            "id": name, "what": what, "median": statistics.median(times[name]) / scale, "minimum": min(times[name]) / scale, "unit": unit,
        }
        if base is not None:
            row |= {"base": base, "ratio": statistics.median(one / other for one, other in zip(times[name], times[base], strict=True))}
        told.append(row)
    return told


def timed(work: Work, count: int) -> float:
    """Milliseconds."""
    start = time.perf_counter()
    work(count)
    return (time.perf_counter() - start) * 1e3


def decoded(text: str) -> bytes:
    return base64.b64decode(text)


def main() -> None:
    options = argparse.ArgumentParser()
    for name in ("rounds", "target", "warm", "seed"):
        options.add_argument(f"--{name}", type=int, required=True)
    for name in ("fixture", "out"):
        options.add_argument(f"--{name}", required=True)
    given = options.parse_args()
    with open(given.fixture) as file:
        fixture = json.load(file)
    found = measured(rows(fixture), given.rounds, given.target, given.warm, given.seed)
    runtime = f"Python {platform.python_version()}, wasmtime {version('wasmtime')}"
    with open(given.out, "w") as file:
        json.dump({"runtime": runtime, "notes": [], "rows": found}, file)


CALLER_IPV4 = 8

if __name__ == "__main__":
    main()
