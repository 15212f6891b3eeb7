"""What a refusal is over HTTP: the table at the end of FORMAT.md's section 5, and RFC 9457 and RFC 6750 around it."""

import json

from .decision import Deny, HttpAnswer


def refusal(reason: str, retry_after_s: int | None = None) -> Deny:
    """A denial for a reason that the component has no word for, or that the registry gave, with the seconds to wait that it says."""
    return Deny(reason, answer_to(reason, retry_after_s))


def answer_to(reason: str, retry_after_s: int | None = None) -> HttpAnswer:
    """Status, error, code and seconds to wait."""
    if reason == "credential_missing":
        return HttpAnswer(401, None, reason, None)
    if reason == "invalid_request":
        return HttpAnswer(400, "invalid_request", reason, None)
    if reason == "invalid_token":
        return HttpAnswer(401, "invalid_token", reason, None)
    if reason in _DEAD:
        return HttpAnswer(401, "invalid_token", reason, None)
    if reason in _FORBIDDEN:
        return HttpAnswer(403, "insufficient_scope", reason, None)
    if reason == "too_many_strict_calls":
        return HttpAnswer(429, None, reason, USUAL_RETRY_AFTER_S if retry_after_s is None else retry_after_s)
    # What cannot be known now: no client throws a good key away on a 503. Also for a reason that is not known here.
    return HttpAnswer(503, None, reason, 1)


def problem(answer: HttpAnswer) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body."""
    headers = [(b"content-type", b"application/problem+json"), (b"cache-control", b"no-store")]
    if answer.status == 401 or answer.error is not None:
        told = "" if answer.error is None else f', error="{answer.error}"'
        headers.append((b"www-authenticate", f'Bearer realm="wardkey"{told}'.encode()))
    if answer.retry_after_s is not None:
        headers.append((b"retry-after", str(answer.retry_after_s).encode()))
    title = _TITLES.get(answer.status, "The credential is not accepted")
    members = {"type": f"urn:wardkey:problem:{answer.code}", "title": title, "status": answer.status, "code": answer.code}
    body = json.dumps(members, separators=(",", ":")).encode()
    headers.append((b"content-length", str(len(body)).encode()))
    return answer.status, headers, body


USUAL_RETRY_AFTER_S = 60
_DEAD = {"expired", "not_yet_valid", "inactive", "revoked", "suspended", "retired"}
_FORBIDDEN = {"scope_missing", "narrowed", "address_not_allowed"}
_TITLES = {
    400: "The request cannot be judged",
    401: "The credential is not accepted",
    403: "The credential does not allow this",
    429: "Too many calls",
    503: "The credential cannot be judged now",
}
