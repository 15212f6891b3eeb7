"""What a host does wrong, or is made to: clear errors, nothing allowed, no state that is poisoned, no growth."""

import gc
import random
import threading
import traceback
from dataclasses import replace
from typing import Any

import pytest

from wardkey_asgi.component import FUEL, REGISTRY_FAILED, Instance
from wardkey_asgi.decision import Allow, AskRegistry, Deny, Verdict
from wardkey_asgi.errors import ComponentError, KeySetError, OptionError, RegistryError, WardkeyError
from wardkey_asgi.key_text import KeyText

from .vectors import STRICT, alive, compiled, issued_at, usual

CASE = usual()
KEY_SET, HEAD, STATE = (bytes.fromhex(text) for text in (CASE["key_set"], CASE["list"]["head"], CASE["list"]["state"]))
KEY, NOW, SCOPES = CASE["key"], CASE["now"], tuple(CASE["required"]["scopes"])


def ready(**options: Any) -> Instance:
    instance = Instance(compiled(), KEY_SET, **options)
    assert instance.apply_list(HEAD, STATE, issued_at(HEAD)) is None
    return instance


def judged(instance: Instance, key: str = KEY, now: int = NOW) -> Verdict:
    return instance.verify(KeyText(key), instance.requirement(SCOPES), now)


def reason(verdict: Verdict) -> str:
    assert isinstance(verdict, Deny)
    return verdict.reason


def resident() -> int:
    """Bytes of this process in memory."""
    gc.collect()
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096


def test_allows_nothing_by_a_clock_that_is_none() -> None:
    instance = ready()
    for absurd, expected in [(0, "clock_behind"), (1, "clock_behind"), (2**63, "expired"), (2**64 - 1, "expired")]:
        assert reason(judged(instance, now=absurd)) == expected
    odd: list[Any] = [-1, 2**64, 2**80, True, 1.5, None, "1800000000000", float("nan")]
    for none in odd:
        with pytest.raises(OptionError):
            judged(instance, now=none)
        with pytest.raises(OptionError):
            instance.apply_list(HEAD, STATE, none)
    assert isinstance(judged(instance), Allow)


def test_huge_and_empty_buffers_are_refused_and_leave_nothing_behind() -> None:
    instance = ready()
    for data in [b"", b"\0", KEY_SET[:-1], KEY_SET + b"\0", bytes(2 << 20)]:
        with pytest.raises(KeySetError):
            instance.renew(data)
        with pytest.raises(KeySetError):
            Instance(compiled(), data)
        with pytest.raises(RegistryError):
            instance.apply_list(data, None, NOW)
    for state in [b"", bytes(2 << 20), STATE + b"\0", STATE[:-1]]:
        with pytest.raises(RegistryError):
            Instance(compiled(), KEY_SET).apply_list(HEAD, state, NOW)
    for text in ["", KEY + KEY, KEY[:-1], "\ud800", "\u00e4" * 80, KEY + "\0", KEY * 10_000]:
        assert reason(judged(instance, text)) in ("malformed", "bad_checksum")
    for scopes in [(), ("",), ("x" * 100_000,), ("invoice:burn",), tuple(["invoice:burn"] * 5_000)]:
        with pytest.raises(OptionError):
            instance.requirement(scopes)
    assert isinstance(judged(instance), Allow)


def test_another_tenants_key_set_changes_nothing() -> None:
    instance = ready()
    other = bytearray(KEY_SET)
    other[2] ^= 1
    with pytest.raises(KeySetError):
        instance.renew(bytes(other))
    assert isinstance(judged(instance), Allow)
    # Its own verifier knows neither the key nor the list.
    foreign = Instance(compiled(), bytes(other))
    assert reason(judged(foreign)) == "unknown_signing_key"
    with pytest.raises(RegistryError) as refused:
        foreign.apply_list(HEAD, STATE, NOW)
    assert refused.value.code == "list_foreign_head"


def test_calls_in_any_order_allow_nothing_that_is_not_allowed() -> None:
    draw = random.Random(7)
    instance = Instance(compiled(), KEY_SET)
    forged = KEY[:-8] + "AAAAAAAA"
    questions: list[Any] = []
    confirmations: list[Any] = []
    has_list = False
    allowed = 0
    for _ in range(3_000):
        act = draw.randrange(8)
        try:
            if act == 0:
                instance.apply_list(HEAD, draw.choice([None, STATE, b"", STATE[:-1]]), draw.choice([0, NOW]))
                has_list = True
            elif act == 1:
                instance.renew(draw.choice([KEY_SET, KEY_SET[:-1], b""]))
            elif act in (2, 3):
                strict = draw.random() < 0.5
                told = draw.choice([None, REGISTRY_FAILED] + ([confirmations.pop()] if confirmations else []))
                text = draw.choice([KEY, forged, "", KEY[:-1]])
                verdict = instance.verify(
                    KeyText(text), instance.requirement((STRICT,) if strict else SCOPES, strict=strict), draw.choice([NOW, NOW, 0]),
                    refresh_failed=draw.random() < 0.5, registry=told,
                )
                if isinstance(verdict, AskRegistry):
                    questions.append(verdict.question)
                if isinstance(verdict, Allow):
                    allowed += 1
                    assert text == KEY
                    assert has_list or verdict.zone == "registry"
                    assert not strict or verdict.zone == "registry"
            elif act == 4 and questions:
                verdict_of: Any = draw.choice([alive(), replace(alive(), tenant=8, key_id="x"), "revoked", "never_issued"])
                confirmation = instance.answer(questions.pop(), verdict_of)
                if confirmation is not None:
                    confirmations.append(confirmation)
            elif act == 5 and questions:
                instance.forget(questions.pop())
            elif act == 6:
                instance.list_in_force()
            elif act == 7:
                instance.requirement(SCOPES, any_of=draw.random() < 0.5)
        except (KeySetError, RegistryError):
            pass
    assert allowed > 50
    instance.apply_list(HEAD, STATE, NOW)
    assert isinstance(judged(instance), Allow)


def test_a_handle_is_spent_once() -> None:
    instance = ready()
    asked = instance.verify(KeyText(KEY), instance.requirement((STRICT,)), NOW)
    assert isinstance(asked, AskRegistry)
    assert instance.answer(asked.question, replace(alive(), key_id="key_ffffffffffffffff")) is None
    with pytest.raises(ComponentError):
        instance.answer(asked.question, alive())
    # A host that uses what is gone has spent the instance, and is told so each time.
    with pytest.raises(ComponentError) as spent:
        judged(instance)
    assert spent.value.code == "spent"
    assert isinstance(judged(ready()), Allow)


def test_a_trap_anywhere_in_the_middle_is_an_error_and_spends_that_instance_alone() -> None:
    bystander = ready()
    instance = ready()
    instance.requirement(SCOPES)
    assert isinstance(judged(instance), Allow)
    used = (FUEL if instance._fuel is None else instance._fuel) - instance._store.get_fuel()
    trapped = 0
    for fuel in [*range(1, used, max(1, used // 40)), used - 1, used]:
        cut = ready()
        cut.requirement(SCOPES)
        cut._fuel = fuel
        try:
            assert isinstance(judged(cut), Allow)
            # It is counted where the code looks: at loops and calls.
            assert fuel >= used - 500
        except ComponentError as error:
            trapped += 1
            assert error.code == "trapped" and "fuel" in str(error)
            cut._fuel = None
            for again in (judged, Instance.list_in_force, Instance.key_set, lambda each: each.renew(KEY_SET)):
                with pytest.raises(ComponentError) as spent:
                    again(cut)
                assert spent.value.code == "spent"
    print(f"trapped at {trapped} places of {used} units of fuel")
    assert trapped >= 40
    assert isinstance(judged(bystander), Allow)
    assert isinstance(judged(ready()), Allow)


def test_a_list_that_is_cut_off_in_the_middle_spends_the_instance() -> None:
    for fuel in (100, 2_000, 20_000):
        instance = Instance(compiled(), KEY_SET)
        instance._fuel = fuel
        with pytest.raises(ComponentError):
            instance.apply_list(HEAD, STATE, NOW)
        instance._fuel = None
        with pytest.raises(ComponentError):
            judged(instance)


def test_no_error_holds_a_key() -> None:
    def errors() -> Any:
        cut = ready()
        cut.requirement(SCOPES)
        cut._fuel = 5_000
        yield lambda: judged(cut)
        yield lambda: judged(cut)
        yield lambda: ready().verify(KeyText(KEY), object(), NOW)
        yield lambda: ready().verify(KeyText(KEY), ready().requirement(SCOPES), -1)
        yield lambda: ready().verify(KeyText(KEY), ready().requirement(SCOPES), NOW)

    seen = 0
    for attempt in errors():
        try:
            attempt()
        except WardkeyError as error:
            seen += 1
            told = traceback.TracebackException.from_exception(error, capture_locals=True)
            # This test's own frames hold the case; what comes behind them may not.
            ours = [frame for frame in told.stack if "/tests/" not in frame.filename]
            assert len(ours) >= 1
            assert not any(KEY[20:60] in text for frame in ours for text in (frame.locals or {}).values())
            assert KEY[20:60] not in str(error)
            assert error.__context__ is None and error.__cause__ is None
    # A requirement of another instance's is refused, too.
    assert seen == 5
    assert KEY not in repr(KeyText(KEY)) + str(KeyText(KEY)) + f"{KeyText(KEY)}"


def test_many_instances_and_many_calls_do_not_grow() -> None:
    def live(count: int) -> None:
        for _ in range(count):
            assert isinstance(judged(ready()), Allow)

    live(300)
    before = resident()
    live(10_000)
    instances = resident() - before
    instance = ready()
    requirement = instance.requirement(SCOPES)
    strict = instance.requirement((STRICT,))

    def call(count: int) -> None:
        for _ in range(count):
            assert isinstance(instance.verify(KeyText(KEY), requirement, NOW), Allow)
            instance.verify(KeyText(KEY[:-8] + "AAAAAAAA"), requirement, NOW)
            asked = instance.verify(KeyText(KEY), strict, NOW)
            assert isinstance(asked, AskRegistry)
            confirmation = instance.answer(asked.question, alive())
            assert isinstance(instance.verify(KeyText(KEY), strict, NOW, registry=confirmation), Allow)
            forgotten = instance.verify(KeyText(KEY), strict, NOW)
            assert isinstance(forgotten, AskRegistry)
            instance.forget(forgotten.question)
            instance.apply_list(HEAD, STATE, NOW)

    call(500)
    before = resident()
    call(5_000)
    calls = resident() - before
    print(f"10,000 instances: {instances:,} bytes more; 30,000 calls of one: {calls:,} bytes more")
    assert instances < 4 << 20
    # A single box that is left behind in each call is more.
    assert calls < 512 << 10


def test_threads_each_have_their_own() -> None:
    wrong: list[object] = []

    def work() -> None:
        instance = ready()
        for _ in range(400):
            verdict = judged(instance)
            if not isinstance(verdict, Allow):
                wrong.append(verdict)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
