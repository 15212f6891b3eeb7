"""Reasons as HTTP answers (end of section 5)."""

INVALID_TOKEN = frozenset((
    "malformed", "bad_checksum", "unknown_signing_key", "prefix_mismatch", "bad_tag", "outside_window",
    "never_issued", "tenant_gone",
))
UNAUTHORIZED = frozenset(("not_yet_valid", "expired", "inactive", "revoked", "suspended", "retired"))
FORBIDDEN = frozenset(("scope_missing", "narrowed", "address_not_allowed"))


def http_answer(reason: str) -> tuple[int, str]:
    """Status and code. 503 goes with a Retry-After; the codes of 403 and 503 are not in the text."""
    if reason in INVALID_TOKEN:
        return 401, "invalid_token"
    if reason in UNAUTHORIZED:
        return 401, reason
    if reason in FORBIDDEN:
        return 403, reason
    return 503, reason
