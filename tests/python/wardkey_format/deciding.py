"""The table of section 5: the first row that applies decides."""

from dataclasses import dataclass

from .adopting import RevocationList
from .catalog import HIGH, LOW, STANDARD, STRICT
from .key import Key, KeyRefused, read_key, show_key_id
from .key_set import KeySet
from .networks import holds
from .numbers import sum_of_milliseconds
from .requirement import Requirement
from .scope_set import numbers_of
from .spelling import same_tag

FRESH, MUST_ASK, STALE, REGISTRY = "fresh", "must_ask", "stale", "registry"
NOT_ASKED, FAILED = "not_asked", "failed"  # the registry, where it did not answer
ALIVE = "alive"
REGISTRY_NO = frozenset(("revoked", "suspended", "retired", "expired", "never_issued", "tenant_gone"))


@dataclass(slots=True, frozen=True)
class RegistryAnswer:
    """`for_this_question`: about this very base, tag and requirement, asked at most 5,000 ms before now and not after it."""

    for_this_question: bool
    verdict: str
    sequence: int


def deny(reason: str) -> dict:
    return {"deny": reason}


def zone_of(key_set: KeySet, revocation_list: RevocationList, level: int, now: int) -> str:
    """`now` is the text's now', which is never before the head's issued-at. For strict scopes a list is fresh or not."""
    head = revocation_list.head
    age = now - head.issued_at
    bound = {LOW: key_set.low, STANDARD: key_set.standard, HIGH: key_set.high, STRICT: 0}[level]
    if now > head.not_after:
        return STALE
    if age <= key_set.fresh_for:
        return FRESH
    return MUST_ASK if age <= bound else STALE


def decide(
    key_set: KeySet, revocation_list: RevocationList | None, text: str, requirement: Requirement, now: int,
    caller: tuple[int, bytes] | None = None, refresh_failed: bool = False, registry: str | RegistryAnswer = NOT_ASKED,
) -> dict:
    """{"allow": {...}}, {"deny": reason}, {"ask": "refresh"} or {"ask": "registry"}."""
    if revocation_list and not revocation_list.is_of(key_set):
        revocation_list = None
    listed = revocation_list.head.of_audience(key_set.audience) if revocation_list else None
    key_set_too_old = listed is not None and listed.least > key_set.version

    # 1
    try:
        key = read_key(text)
    except KeyRefused as refused:
        return deny(refused.reason)
    base = key.base
    # 2, 3
    if (requirement.tenant, requirement.audience) != (key_set.tenant, key_set.audience):
        return deny("wrong_audience")
    if requirement.version != key_set.version:
        return deny("requirement_outdated")
    # 4 to 8
    entry = key_set.by_id.get(base.signing_key_id)
    if entry is None:
        return deny("no_key_set" if key_set_too_old else "unknown_signing_key")
    if key.prefix != entry.prefix:
        return deny("prefix_mismatch")
    if not same_tag(key.tag, key.expected_tag(entry.key)):
        return deny("bad_tag")
    if key_set_too_old:
        return deny("no_key_set")
    if not (entry.mint_from <= base.issued_at <= entry.mint_until and base.expires_at <= entry.verify_until):
        return deny("outside_window")
    # 9
    if revocation_list:
        if revocation_list.head.issued_at > sum_of_milliseconds(now, key_set.max_skew):
            return deny("clock_behind")
        now = max(now, revocation_list.head.issued_at)
    # 10 to 12
    if base.issued_at * 1000 > sum_of_milliseconds(now, key_set.max_skew):
        return deny("clock_behind")
    if now >= key.earliest_expires_at() * 1000:
        return deny("expired")
    if now < key.latest_not_before() * 1000:
        return deny("not_yet_valid")
    # 13
    strict = requirement.level == STRICT
    zone = zone_of(key_set, revocation_list, requirement.level, now) if revocation_list else STALE
    if not strict:
        if zone != FRESH and not (zone == MUST_ASK and refresh_failed):
            return deny("list_stale") if refresh_failed else {"ask": "refresh"}
    # 14
    if revocation_list and is_inactive(key, revocation_list):
        return deny("inactive") if zone == FRESH or refresh_failed else {"ask": "refresh"}
    # 15, 16
    scopes_left = key.scopes_left()
    if not requirement.is_met_by(base.scopes):
        return deny("scope_missing")
    if not requirement.is_met_by(scopes_left):
        return deny("narrowed")
    # 17
    for fields in key.all_fields():
        if fields.networks is not None and not holds(fields.networks, caller):
            return deny("address_not_allowed")
    # 18, 19
    if strict:
        if not (isinstance(registry, RegistryAnswer) and registry.for_this_question):
            return deny("registry_unavailable") if registry == FAILED else {"ask": "registry"}
        if registry.verdict != ALIVE:
            return deny(registry.verdict)
    # 20
    return {
        "allow": {
            "subject": base.subject,
            "key_id": show_key_id(base.key_id),
            "status_index": base.status_index,
            "signing_key": list(base.signing_key_id),
            "scopes": numbers_of(scopes_left),
            "expires_at": key.earliest_expires_at(),
            "sequence": registry.sequence if strict else revocation_list.head.sequence,
            "age_ms": 0 if strict else now - revocation_list.head.issued_at,
            "zone": REGISTRY if strict else zone,
        }
    }


def is_inactive(key: Key, revocation_list: RevocationList) -> bool:
    head, base = revocation_list.head, key.base
    return (
        base.issued_at <= head.cut_off
        or base.issued_at <= head.of_audience(base.audience).cut_off
        or (base.audience, base.epoch) in head.dead_signing_keys
        or revocation_list.state.is_dead(base.status_index)
    )
