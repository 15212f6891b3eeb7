"""Answers JSON cases, each a question to one of the other modules (README.md, "JSON cases").

    python3 -m wardkey_format.answer < CASES       a case a line in, an answer a line out
"""

import json
import sys

from .adopting import adopt
from .cases import (
    BadCase, bytes_of, fields_of, key_set_of, list_of, number_of, optional, registry_of, requirement_of, text_of_key, u64_of,
)
from .catalog import LEVEL_NAMES
from .deciding import NOT_ASKED, decide
from .fields import Fields
from .head import Head, HeadRefused, read_head
from .http import http_answer
from .key import KeyRefused, read_key, show_key_id
from .key_set import read_key_set
from .minting import mint
from .narrowing import narrow
from .networks import address_of, text_of
from .numbers import Malformed, Refused
from .scanning import find
from .scope_set import numbers_of
from .state import read_state


def do_verify(case: dict) -> dict:
    key_set = key_set_of(case["key_set"])
    refresh = case.get("refresh", "not_tried")
    if refresh not in ("not_tried", "failed"):
        raise BadCase("refresh")
    text, requirement, now = text_of_key(case["key"]), requirement_of(case["required"], key_set), u64_of(case["now"])
    return decide(
        key_set, list_of(case.get("list"), key_set), text, requirement, now, optional(case.get("caller"), address_of),
        refresh == "failed", registry_of(case.get("registry", NOT_ASKED), key_set, text, requirement, now),
    )


def do_read_key(case: dict) -> dict:
    try:
        key = read_key(text_of_key(case["key"]))
    except KeyRefused as refused:
        return {"deny": refused.reason}
    base = key.base
    return {"ok": {
        "prefix": key.prefix, "tenant": base.tenant, "audience": base.audience, "epoch": base.epoch,
        "key_id": show_key_id(base.key_id), "status_index": base.status_index,
        "issued_at": base.issued_at, "expires_at": base.expires_at, "subject": base.subject,
        "scopes": numbers_of(base.scopes), **show_fields(base.constraints),
        "blocks": [show_fields(block.fields) for block in key.blocks],
        "tag": key.tag.hex(), "crc": key.crc.hex(), "base": base.data.hex(),
    }}


def do_read_key_set(case: dict) -> dict:
    try:
        key_set = read_key_set(bytes_of(case["bytes"]))
    except Malformed:
        return {"error": "malformed"}
    return {"ok": {
        "tenant": key_set.tenant, "audience": key_set.audience, "version": key_set.version,
        "fresh_for": key_set.fresh_for, "high": key_set.high, "standard": key_set.standard, "low": key_set.low,
        "max_skew": key_set.max_skew, "list_key": key_set.list_key.hex(),
        "signing_keys": [
            {"epoch": k.epoch, "key": k.key.hex(), "prefix": k.prefix, "mint_from": k.mint_from,
             "mint_until": k.mint_until, "verify_until": k.verify_until}
            for k in key_set.signing_keys
        ],
        "scopes": [{"number": s.number, "level": LEVEL_NAMES[s.level], "name": s.name} for s in key_set.catalog.scopes],
    }}


def do_read_state(case: dict) -> dict:
    try:
        state = read_state(bytes_of(case["bytes"]))
    except Malformed:
        return {"error": "malformed"}
    return {"ok": {"floor": state.floor, "bit_count": state.bit_count, "digest": state.digest().hex()}}


def do_read_head(case: dict) -> dict:
    key_set = key_set_of(case["key_set"])
    try:
        return {"ok": show_head(read_head(bytes_of(case["bytes"]), key_set), key_set.audience)}
    except HeadRefused as refused:
        return {"error": refused.word}


def do_adopt(case: dict) -> dict:
    key_set = key_set_of(case["key_set"])
    in_force = list_of(case.get("in_force"), key_set)
    outcomes = []
    for step in case["heads"]:
        try:
            head = read_head(bytes_of(step["head"]), key_set)
        except HeadRefused as refused:
            outcomes.append(f"head:{refused.word}")
            continue
        try:
            state = optional(step.get("state"), lambda text: read_state(bytes_of(text)))
        except Malformed:
            state = None  # counts as not handed in
        word, in_force = adopt(key_set, in_force, head, state, u64_of(step["now"]))
        outcomes.append(word)
    return {
        "outcomes": outcomes,
        "sequence": optional(in_force, lambda force: force.head.sequence),
        "digest": optional(in_force, lambda force: force.state.digest().hex()),
    }


def do_mint(case: dict) -> dict:
    values = dict(case["values"])
    key_id = bytes_of(values.pop("key_id").removeprefix("key_"))
    subject = values.pop("subject")
    numbers = {
        name: number_of(values.pop(name))
        for name in ("tenant", "audience", "epoch", "status_index", "issued_at", "expires_at")
    }
    try:
        fields = fields_of(check_names(values, {"scopes", "not_before", "networks"}))
        if fields.scopes is None:
            raise BadCase("values")
        return {"ok": mint(
            bytes_of(case["signing_key"]), case["prefix"], **numbers, key_id=key_id, subject=subject,
            scopes=fields.scopes, not_before=fields.not_before, networks=fields.networks,
        )}
    except Refused as refused:
        return {"error": "refused", "why": str(refused)}


def do_narrow(case: dict) -> dict:
    try:
        fields = fields_of(check_names(case["fields"], {"scopes", "expires_at", "not_before", "networks"}))
        return {"ok": narrow(text_of_key(case["key"]), fields)}
    except KeyRefused as refused:
        return {"error": refused.reason}
    except Refused as refused:
        return {"error": "refused", "why": str(refused)}


def do_http(case: dict) -> dict:
    status, code = http_answer(case["reason"])
    return {"ok": {"status": status, "code": code, "retry_after": status == 503}}


def do_scan(case: dict) -> dict:
    text = case["text"]
    return {"ok": {"findings": [
        {"at": len(text[:finding.at].encode()), "what": finding.what, "text": finding.text} for finding in find(text)
    ]}}


def check_names(values: dict, known: set[str]) -> dict:
    if not set(values) <= known:
        raise BadCase(f"unknown: {sorted(set(values) - known)}")
    return values


def show_fields(fields: Fields) -> dict:
    """Only the fields that are there."""
    shown = {
        "scopes": optional(fields.scopes, numbers_of),
        "expires_at": fields.expires_at,
        "not_before": fields.not_before,
        "networks": optional(fields.networks, lambda entries: [text_of(entry) for entry in entries]),
    }
    return {name: value for name, value in shown.items() if value is not None}


def show_head(head: Head, audience: int) -> dict:
    own = head.of_audience(audience)
    return {
        "tenant": head.tenant, "sequence": head.sequence, "digest": head.digest.hex(),
        "issued_at": head.issued_at, "not_after": head.not_after, "cut_off": head.cut_off,
        "audience": own.audience, "current": own.current, "least": own.least, "audience_cut_off": own.cut_off,
        "audiences": [
            {"audience": a.audience, "current": a.current, "least": a.least, "cut_off": a.cut_off} for a in head.audiences
        ],
        "dead_signing_keys": [list(pair) for pair in head.dead_signing_keys],
        "from": head.from_sequence,
        "changes": [{"sequence": c.sequence, "rise": c.rise, "places": list(c.places)} for c in head.changes],
    }


DO = {
    "verify": do_verify, "read_key": do_read_key, "read_key_set": do_read_key_set, "read_state": do_read_state,
    "read_head": do_read_head, "adopt": do_adopt, "mint": do_mint, "narrow": do_narrow,
    "http": do_http, "scan": do_scan,
}


def answer(case) -> dict:
    """The answer to a case; {"error": "case: ..."} where the case itself is not well-formed."""
    try:
        return DO[case["do"]](case)
    except BadCase as bad:
        return {"error": f"case: {bad}"}
    except Refused as refused:
        return {"error": "requirement", "why": str(refused)}
    except (KeyError, TypeError, ValueError, AttributeError) as bad:
        return {"error": f"case: {type(bad).__name__}: {bad}"}


def answer_line(line: str) -> str:
    try:
        answered = answer(json.loads(line))
    except (ValueError, RecursionError) as bad:
        answered = {"error": f"case: {type(bad).__name__}: {bad}"}
    return json.dumps(answered, separators=(",", ":"))


def main() -> None:
    sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")
    for line in sys.stdin:
        if line.strip():
            print(answer_line(line), flush=True)


if __name__ == "__main__":
    main()
