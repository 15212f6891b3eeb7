// What each denial becomes over HTTP: the table at the end of FORMAT.md's section 5, in the words of the registry's own routes.

/**
 * Status, `error` of the challenge (RFC 6750), the code that a caller may see, seconds for `Retry-After`, and what to do about it. `more`: what is
 * known beside the reason.
 */
export function answerTo(reason, { scopes, any, inUrl, retryAfterS = 60 } = {}) {
  if (UNIFORM.has(reason)) return invalid("invalid_token");
  if (DEAD.has(reason)) return invalid(reason);
  if (FORBIDDEN.has(reason)) {
    const answer = { status: 403, error: "insufficient_scope", code: reason, detail: DETAILS[reason] };
    if (reason !== "scope_missing" || scopes === undefined) return answer;
    const detail = `This needs a credential with ${scopes.join(any ? " or " : " and ")}.`;
    // RFC 6750 has no word for one of several.
    return any && scopes.length > 1 ? { ...answer, detail } : { ...answer, detail, scope: scopes.join(" ") };
  }
  if (reason === "too_many_strict_calls") return { status: 429, code: reason, retryAfterS, detail: DETAILS[reason] };
  if (reason === "credential_missing") return { status: 401, code: reason, detail: DETAILS[reason] };
  if (reason === "invalid_request") return { status: 400, error: "invalid_request", code: reason, detail: inUrl ? IN_URL : TWICE };
  // What cannot be known now: no client throws a good key away on a 503. Also for a reason that is not known here.
  return { status: 503, code: reason, retryAfterS: 1, detail: "Try again: the key may be good." };
}

/** A problem (RFC 9457) in JSON, and its headers. */
export function problem({ status, error, scope, code, retryAfterS, detail }) {
  const headers = { "Content-Type": "application/problem+json", "Cache-Control": "no-store" };
  if (status === 401 || error !== undefined) {
    const told = (error === undefined ? "" : `, error="${error}"`) + (scope === undefined ? "" : `, scope="${scope}"`);
    headers["WWW-Authenticate"] = `Bearer realm="wardkey"${told}`;
  }
  if (retryAfterS !== undefined) headers["Retry-After"] = String(retryAfterS);
  const title = code === "credential_missing" ? "A credential is needed" : detail === IN_URL ? "A credential in the URL" : TITLES[status];
  const body = JSON.stringify({ type: `urn:wardkey:problem:${code}`, title, status, code, detail });
  return { status, headers, body };
}

const invalid = (code) => ({ status: 401, error: "invalid_token", code, detail: DETAILS[code] });

/** Everything that is wrong with a key before it is known to be authentic: one and the same answer. */
const UNIFORM = new Set([
  "malformed", "bad_checksum", "unknown_signing_key", "prefix_mismatch", "bad_tag", "outside_window", "never_issued", "tenant_gone",
]);
const DEAD = new Set(["expired", "not_yet_valid", "inactive", "revoked", "suspended", "retired"]);
const FORBIDDEN = new Set(["scope_missing", "narrowed", "address_not_allowed"]);
const TITLES = {
  400: "Two credentials",
  401: "The credential is not accepted",
  403: "The credential does not allow this",
  429: "Too many strict calls with this key",
  500: "The credential could not be judged",
  503: "The credential cannot be judged now",
};
const TWICE = "Send exactly one Authorization header with one credential.";
const IN_URL = "Send credentials in the Authorization header. This one has been exposed in a URL: revoke it.";
const DETAILS = {
  credential_missing: "Send a key as Authorization: Bearer, or in the header that this service takes it in.",
  invalid_token: "The key is not accepted.",
  expired: "The key has expired: get a new one.",
  not_yet_valid: "The key is not valid yet: use it later.",
  inactive: "The key is not active.",
  revoked: "The key was revoked: get a new one.",
  suspended: "The key is suspended.",
  retired: "The key was rotated: use its newest generation.",
  scope_missing: "The key does not hold the scope that this needs.",
  narrowed: "The key was narrowed to less than this needs: use the one it came from.",
  address_not_allowed: "The key may not be used from this address.",
  too_many_strict_calls: "The key may be good and cannot be judged now: wait for as long as Retry-After says.",
};
