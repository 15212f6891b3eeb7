"""Reasons as HTTP answers (end of section 5)."""

INVALID_TOKEN = frozenset((
    "malformed", "bad_checksum", "unknown_signing_key", "prefix_mismatch", "bad_tag", "outside_window",
    "never_issued", "tenant_gone",
))
UNAUTHORIZED = frozenset(("not_yet_valid", "expired", "inactive", "revoked", "suspended", "retired"))
FORBIDDEN = frozenset(("scope_missing", "narrowed", "address_not_allowed"))
UNAVAILABLE = frozenset((
    "wrong_audience", "requirement_outdated", "no_key_set", "clock_behind", "list_stale", "registry_unavailable",
))


def http_answer(reason: str) -> tuple[int, str]:
    """Status and code; a Retry-After goes with 503 alone. ValueError for a word that is no reason."""
    if reason in INVALID_TOKEN:
        return 401, "invalid_token"
    for status, reasons in ((401, UNAUTHORIZED), (403, FORBIDDEN), (503, UNAVAILABLE)):
        if reason in reasons:
            return status, reason
    raise ValueError("no reason")
