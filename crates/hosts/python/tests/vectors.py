"""The vectors, as their cases say, and the compiled component that answers them."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from wardkey_asgi.component import CompiledComponent
from wardkey_asgi.decision import Alive

CHECKOUT = Path(__file__).parents[4]
COMPONENT = Path(os.environ.get("WARDKEY_COMPONENT", CHECKOUT / "target/wardkey.verifying.component.wasm"))


@cache
def cases(name: str) -> list[dict[str, Any]]:
    """The cases of a vector file, its shared values put in."""
    file = json.loads((CHECKOUT / f"tests/vectors/{name}.json").read_text())
    shared = file["shared"]

    def whole(value: Any) -> Any:
        if isinstance(value, str) and value.startswith("@"):
            return whole(shared[value[1:]])
        if isinstance(value, list):
            return [whole(each) for each in value]
        if isinstance(value, dict):
            return {key: whole(each) for key, each in value.items()}
        return value

    return [{**each, "case": whole(each["case"])} for each in file["cases"]]


def compiled() -> CompiledComponent:
    """The component, compiled once."""
    return CompiledComponent.of(str(COMPONENT))


def issued_at(head: bytes) -> int:
    """When a head was made, in Unix milliseconds."""
    return int.from_bytes(head[43:51], "big")


def usual() -> dict[str, Any]:
    """A case that is allowed by a fresh list, for one scope."""
    case: dict[str, Any] = _usual()["case"]
    return case


def alive(sequence: int = 9) -> Alive:
    """What the registry says of the usual case's key."""
    allow = _usual()["expect"]["allow"]
    tenant, audience, _ = allow["signing_key"]
    return Alive(tenant, audience, allow["key_id"], allow["status_index"], allow["subject"], allow["expires_at"], False, sequence)


@cache
def _usual() -> dict[str, Any]:
    return next(
        each for each in cases("verify")
        if each["expect"].get("allow", {}).get("zone") == "fresh" and each["case"].get("list")
        and len(each["case"]["required"]["scopes"]) == 1 and "caller" not in each["case"]
    )


STRICT = "invoice:void"
"""A scope of the usual case's catalog, and of its key, that is asked of the registry every time."""
