"""The components that hold and that scan, by the same package: every vector that they can be asked."""

from collections import Counter
from ipaddress import ip_address
from typing import Any

import pytest
from wasmtime import Config, Engine, Store, WasmtimeError
from wasmtime.component import Component, Linker, Record, Variant

from wardkey_asgi.remembered_types import RememberedFunc

from .vectors import COMPONENT, cases


class Exports:
    """The functions of an interface."""

    def __init__(self, world: str, interface: str) -> None:
        config = Config()
        config.consume_fuel = True
        engine = Engine(config)
        component = Component.from_file(engine, str(COMPONENT).replace("verifying", world))
        assert component.type.imports(engine) == {}
        self.store = Store(engine)
        self.instance = Linker(engine).instantiate(self.store, component)
        self.interface = self.instance.get_export_index(self.store, interface)

    def call(self, name: str, *arguments: Any) -> Any:
        self.store.set_fuel(10**12)
        index = self.instance.get_export_index(self.store, name, self.interface)
        assert index is not None
        found = self.instance.get_func(self.store, index)
        assert found is not None
        return RememberedFunc(found, self.store).call(self.store, *arguments)


def record(**fields: Any) -> Record:
    made = Record()
    vars(made).update({name.replace("_", "-"): value for name, value in fields.items()})
    return made


def network(text: str) -> Record | None:
    """A network as a vector writes it; nothing where no host could hand it over."""
    front, _, length = text.partition("/")
    try:
        address = ip_address(front)
    except ValueError:
        return None
    if not length.isascii() or not length.isdigit() or (length != "0" and length[0] == "0") or int(length) > 255 or "%" in front:
        return None
    packed = address.packed
    groups = tuple(packed) if len(packed) == 4 else tuple(int.from_bytes(packed[at:at + 2], "big") for at in range(0, 16, 2))
    return record(address=Variant("ipv4" if len(packed) == 4 else "ipv6", groups), prefix_length=int(length))


def test_narrows_as_every_vector_says() -> None:
    holder = Exports("holding", "wardkey:verify/holder@0.1.0")
    asked: Counter[str] = Counter()
    for each in cases("mint_narrow"):
        case, expect = each["case"], each["expect"]
        if case["do"] == "mint":
            asked["minting, which is the registry's"] += 1
            continue
        fields = case["fields"]
        scopes, named = fields.get("scopes"), fields.get("networks")
        networks = None if named is None else [network(text) for text in named]
        seconds = [fields.get("expires_at") or 0, fields.get("not_before") or 0]
        if (networks is not None and None in networks) or any(number > 255 for number in scopes or []) or max(seconds) >= 1 << 32:
            assert expect["error"] == "refused", each["name"]
            asked["what the interface's types cannot say"] += 1
            continue
        narrowing = record(
            scopes=None if scopes is None else bytes(scopes), expires_at_s=fields.get("expires_at"), not_before_s=fields.get("not_before"),
            networks=networks,
        )
        answer = holder.call("narrow", case["key"], narrowing)
        # Both a key and the word of an error are texts, so that the package tells them apart.
        assert isinstance(answer, Variant)
        if "ok" in expect:
            assert (answer.tag, answer.payload) == ("ok", expect["ok"]), each["name"]
        else:
            assert answer.tag == "err", each["name"]
            if expect["error"] != "refused":
                assert answer.payload == expect["error"].replace("_", "-"), each["name"]
        asked["yes"] += 1
    print(asked)
    assert asked["minting, which is the registry's"] == 111
    assert asked["yes"] >= 42 and asked.total() == 159


def test_reads_every_key_as_its_vector_says() -> None:
    holder = Exports("holding", "wardkey:verify/holder@0.1.0")
    for each in cases("key"):
        answer, expect = holder.call("inspect", each["case"]["key"]), each["expect"]
        if "ok" not in expect:
            assert answer == expect["deny"].replace("_", "-"), each["name"]
            continue
        said, ok = vars(answer), expect["ok"]
        claims = vars(said["claims"])
        assert (said["prefix"], claims["key-id"], claims["subject"], list(claims["scopes"]), claims["expires-at-s"]) == (
            ok["prefix"], ok["key_id"], ok["subject"], ok["scopes"], ok["expires_at"],
        ), each["name"]
        assert len(said["narrowings"]) == len(ok["blocks"]), each["name"]
    assert len(cases("key")) == 604


def test_finds_what_every_vector_says() -> None:
    scanner = Exports("scanning", "wardkey:scan/scanner@0.1.0")
    options = record(brands=[], deep=False)
    stated = 0
    for each in cases("scan"):
        text = each["case"]["text"]
        data = text.encode()
        found = [vars(finding) for finding in scanner.call("scan", data, options)]
        for wanted in each["expect"]["ok"]["findings"]:
            covering = [finding for finding in found if finding["start"] <= wanted["at"] < finding["end"]]
            assert len(covering) == 1, each["name"]
            if wanted["what"] == "key":
                end = wanted["at"] + len(wanted["text"].encode())
                assert (covering[0]["kind"], covering[0]["start"], covering[0]["end"]) == ("key", wanted["at"], end), each["name"]
            stated += 1
        redacted, last = b"", 0
        for finding in found:
            redacted += data[last:finding["start"]] + finding["label"].encode()
            last = finding["end"]
        answer = scanner.call("redact", text, options)
        assert answer.payload.encode() == redacted + data[last:], each["name"]
    assert (len(cases("scan")), stated) == (151, 121)


def test_ends_a_text_that_takes_too_long() -> None:
    scanner = Exports("scanning", "wardkey:scan/scanner@0.1.0")
    options = record(brands=[], deep=True)
    text = b"wk_live_" * 10_000
    assert scanner.call("scan", text, options) is not None
    scanner.store.set_fuel(1_000)
    index = scanner.instance.get_export_index(scanner.store, "scan", scanner.interface)
    assert index is not None
    scan = scanner.instance.get_func(scanner.store, index)
    assert scan is not None
    with pytest.raises(WasmtimeError, match="fuel"):
        scan(scanner.store, text, options)
    with pytest.raises(WasmtimeError):
        scanner.call("scan", text, options)
