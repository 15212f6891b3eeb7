"""The component behind wit/verify, as Python sees it. Nothing else here knows the interface's words.

One compiled component a process, one instance a thread of work: wasmtime's store belongs to one thread at a time. Each call
has its fuel, so that none runs for ever; one that did not come back has spent the instance, and all that it is asked from
then on is an error.
"""

import os
import threading
from dataclasses import fields
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from wasmtime import Config, Engine, Store, WasmtimeError
from wasmtime.component import Component, Linker, Record, Variant

from .decision import Alive, Allow, AskRefresh, AskRegistry, Deny, HttpAnswer, KeySetInfo, ListInfo, StateNeeded, Verdict
from .errors import ComponentError, KeySetError, OptionError, RegistryError
from .key_text import KeyText
from .remembered_types import RememberedFunc


class CompiledComponent:
    """The component as machine code, good for any number of instances in any thread."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        config = Config()
        config.consume_fuel = True
        self.engine = Engine(config)
        self.component = Component.from_file(self.engine, os.fspath(path))
        # It imports nothing: there is nothing to link.
        self.linker = Linker(self.engine)

    @staticmethod
    @lru_cache(maxsize=None)
    def of(path: str) -> "CompiledComponent":
        """Of a file, compiled once a process."""
        return CompiledComponent(path)


class Instance:
    """The verifier of one audience. Whoever reads its memory can mint keys of that audience."""

    def __init__(self, compiled: CompiledComponent, key_set: bytes, *, fuel: int | None = None) -> None:
        self._fuel = fuel
        self._spent = False
        self._requirements: dict[tuple[tuple[str, ...], bool, bool], Any] = {}
        store = Store(compiled.engine)
        store.set_limits(memory_size=MOST_MEMORY, instances=8, memories=1, tables=8)
        store.set_fuel(FUEL)
        self._store = store
        self._instance = compiled.linker.instantiate(store, compiled.component)
        self._new = self._func("[static]verifier.new")
        self._renew = self._func("[method]verifier.renew")
        self._key_set = self._func("[method]verifier.key-set")
        self._list_in_force = self._func("[method]verifier.list-in-force")
        self._all_of = self._func("[method]verifier.all-of")
        self._any_of = self._func("[method]verifier.any-of")
        self._strict = self._func("[method]requirement.strict")
        self._apply_list = self._func("[method]verifier.apply-list")
        self._verify = self._func("[method]verifier.verify")
        self._answered = self._func("[static]registry-question.answered")
        self._verifier = self.another(key_set)

    @property
    def is_spent(self) -> bool:
        """Whether a call did not come back."""
        return self._spent

    def another(self, key_set: bytes) -> Any:
        """A verifier in the same memory: `_verifier` is the one that is asked. Raises `KeySetError`."""
        return self._taken(self._call(self._new, key_set))

    def renew(self, key_set: bytes) -> None:
        """Takes a newer key set of the same audience; requirements are built anew. Raises `KeySetError`; nothing has changed then."""
        self._taken(self._call(self._renew, self._verifier, key_set))
        for requirement in self._requirements.values():
            self._drop(requirement)
        self._requirements.clear()

    def key_set(self) -> KeySetInfo:
        """What the key set is."""
        info = vars(self._call(self._key_set, self._verifier))
        return KeySetInfo(info["tenant"], info["audience"], info["version"], info["fresh-for-ms"])

    def list_in_force(self) -> ListInfo | None:
        """The list in force, if there is one."""
        info = self._call(self._list_in_force, self._verifier)
        return None if info is None else ListInfo(*vars(info).values())

    def requirement(self, scopes: tuple[str, ...], any_of: bool = False, strict: bool = False) -> Any:
        """The requirement of these scopes, looked up once. Raises `OptionError` for none and for an unknown one."""
        name = (scopes, any_of, strict)
        known = self._requirements.get(name)
        if known is not None:
            return known
        if not all(isinstance(scope, str) and scope.isascii() for scope in scopes):
            raise OptionError("scope_malformed", "a scope is written as `resource:action`")
        built = self._call(self._any_of if any_of else self._all_of, self._verifier, list(scopes))
        if isinstance(built, str):
            raise OptionError("scope_unknown", f"{' '.join(scopes)}: {_REQUIREMENT_ERRORS.get(built, built)}")
        if strict:
            lenient, built = built, self._call(self._strict, built)
            self._drop(lenient)
        self._requirements[name] = built
        return built

    def apply_list(self, head: bytes, state: bytes | None, now_ms: int) -> StateNeeded | None:
        """Takes a newer head, and its state if that is needed. Raises `RegistryError`; the list in force stays then."""
        answer = self._call(self._apply_list, self._verifier, head, state, _u64(now_ms), fuel=LIST_FUEL)
        if answer is None:
            return None
        if answer.tag == "state-needed":
            state_name = vars(answer.payload)
            return StateNeeded(f"{state_name['sequence']}-{state_name['digest'].hex()}")
        raise RegistryError("list_" + answer.tag.replace("-", "_"), "the list is refused: " + answer.tag)

    def verify(
        self, key: KeyText, requirement: Any, now_ms: int, caller: IPv4Address | IPv6Address | None = None,
        refresh_failed: bool = False, registry: Any = None,
    ) -> Verdict:
        """Decides about a key. `registry`: nothing if it was not asked, `REGISTRY_FAILED`, or the confirmation that it gave."""
        told = _NOT_ASKED if registry is None else _REGISTRY_FAILED if registry is REGISTRY_FAILED else Variant("answered", registry)
        decision = self._call(
            self._verify, self._verifier, key, requirement, _u64(now_ms), _address(caller),
            "failed" if refresh_failed else "not-tried", told,
        )
        found = decision.payload
        if decision.tag == "allow":
            fields = vars(found)
            fields["zone"] = fields["zone"].replace("-", "_")
            return Allow(*fields.values())
        if decision.tag == "ask":
            return AskRefresh() if found is None else AskRegistry(found)
        denial = vars(found)
        answer = vars(denial["answer"])
        told_answer = HttpAnswer(answer["status"], answer["error"], answer["code"], answer["retry-after-s"])
        claims = {} if denial["claims"] is None else vars(denial["claims"])
        return Deny(denial["reason"].replace("-", "_"), told_answer, claims.get("subject"), claims.get("key-id"))

    def answer(self, question: Any, verdict: Alive | str) -> Any:
        """Hands the registry's answer to its question, which is spent: a confirmation, or nothing if it is about another key."""
        if isinstance(verdict, Alive):
            record = Record()
            vars(record).update({field.name.replace("_", "-"): getattr(verdict, field.name) for field in fields(Alive)})
            given = Variant("alive", record)
        else:
            given = Variant(verdict.replace("_", "-"))
        confirmation = self._call(self._answered, question, given)
        return None if isinstance(confirmation, str) else confirmation

    def forget(self, handle: Any) -> None:
        """Gives back a question or a confirmation that is not used."""
        if handle is not None and handle is not REGISTRY_FAILED:
            self._drop(handle)

    def _func(self, name: str) -> RememberedFunc:
        interface = self._instance.get_export_index(self._store, INTERFACE)
        index = None if interface is None else self._instance.get_export_index(self._store, name, interface)
        found = None if index is None else self._instance.get_func(self._store, index)
        if found is None:
            raise ComponentError("other_interface", f"the component has no {name} in {INTERFACE}")
        return RememberedFunc(found, self._store)

    def _taken(self, made: Any) -> Any:
        if isinstance(made, str):
            raise KeySetError("key_set_" + made.replace("-", "_"), "the key set is refused: " + made)
        return made

    def _call(self, func: RememberedFunc, *arguments: Any, fuel: int | None = None) -> Any:
        if self._spent:
            raise ComponentError("spent", "a call of this instance did not come back before")
        trap = None
        # WHY one at a time in all threads: the package finds out which case a value is by a set that all calls share.
        with _ONE_AT_A_TIME:
            # Until it has come back: whatever was cut short may be half done in there.
            self._spent = True
            try:
                self._store.set_fuel(self._fuel or fuel or FUEL)
                # A key's text is in nobody's locals but those of the package, below this line.
                given = func.call(self._store, *[each.secret_text() if isinstance(each, KeyText) else each for each in arguments])
                self._spent = False
                return given
            except WasmtimeError as error:
                trap = _trap(error)
            except Exception as error:
                trap = f"the call broke off: {type(error).__name__}"
        # Out here, where the error that held the call's arguments is gone.
        raise ComponentError("trapped", f"the component did not come back: {trap}")

    def _drop(self, handle: Any) -> None:
        if self._spent:
            return
        failed = False
        with _ONE_AT_A_TIME:
            try:
                self._store.set_fuel(self._fuel or FUEL)
                handle.drop(self._store)
            except WasmtimeError:
                failed = True
        if failed:
            self._spent = True
            raise ComponentError("trapped", "the component did not come back from giving a handle back")


REGISTRY_FAILED = object()


def _u64(number: int) -> int:
    # The package would cut off what is too much, without a word.
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 1 << 64:
        raise OptionError("clock_malformed", "a time is a whole number of milliseconds from 0 to 2**64 - 1")
    return number


def _address(caller: IPv4Address | IPv6Address | None) -> Variant | None:
    if caller is None:
        return None
    packed = caller.packed
    if len(packed) == 4:
        return Variant("ipv4", tuple(packed))
    return Variant("ipv6", tuple(int.from_bytes(packed[at:at + 2], "big") for at in range(0, 16, 2)))


def _trap(error: WasmtimeError) -> str:
    """The last line of what wasmtime says: why, without where."""
    return str(error).strip().splitlines()[-1].strip()


INTERFACE = "wardkey:verify/verifier@0.1.0"
MOST_MEMORY = 256 * 1024 * 1024
"""Bytes that an instance may grow to: a list of half a billion indexes."""
FUEL = 20_000_000
"""Of a call: some hundred times what a verification takes, and gone in about a millisecond."""
LIST_FUEL = 4_000_000_000
"""Of a call with a list: three times what eight megabytes take, and gone in less than a second."""
_ONE_AT_A_TIME = threading.Lock()
_NOT_ASKED = Variant("not-asked")
_REGISTRY_FAILED = Variant("failed")
_REQUIREMENT_ERRORS = {"empty": "a call needs one scope at least", "unknown-scope": "a scope is not in the audience's catalog"}
