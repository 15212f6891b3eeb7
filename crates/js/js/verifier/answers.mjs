// What each denial becomes over HTTP: the table at the end of FORMAT.md's section 5, as every route of the registry answers.

/** Status, `error` of the challenge (RFC 6750), the code that a caller may see, and seconds for `Retry-After`. */
export function answerTo(reason) {
  if (UNIFORM.has(reason)) return invalid("invalid_token");
  if (DEAD.has(reason)) return invalid(reason);
  if (FORBIDDEN.has(reason)) return { status: 403, error: "insufficient_scope", code: reason };
  if (reason === "too_many_strict_calls") return { status: 429, code: reason, retryAfterS: 1 };
  if (reason === "credential_missing") return { status: 401, code: reason };
  if (reason === "invalid_request") return { status: 400, error: "invalid_request", code: reason };
  // What cannot be known now: no client throws a good key away on a 503. Also for a reason that is not known here.
  return { status: 503, code: reason, retryAfterS: 1 };
}

/** A problem (RFC 9457) in JSON, and its headers. */
export function problem({ status, error, code, retryAfterS }) {
  const headers = { "Content-Type": "application/problem+json", "Cache-Control": "no-store" };
  if (status === 401 || error !== undefined) {
    const told = error === undefined ? "" : `, error="${error}"`;
    headers["WWW-Authenticate"] = `Bearer realm="wardkey"${told}`;
  }
  if (retryAfterS !== undefined) headers["Retry-After"] = String(retryAfterS);
  const body = JSON.stringify({ type: `urn:wardkey:problem:${code}`, title: TITLES[status], status, code });
  return { status, headers, body };
}

const invalid = (code) => ({ status: 401, error: "invalid_token", code });

/** Everything that is wrong with a key before it is known to be authentic: one and the same answer. */
const UNIFORM = new Set([
  "malformed", "bad_checksum", "unknown_signing_key", "prefix_mismatch", "bad_tag", "outside_window", "never_issued", "tenant_gone",
]);
const DEAD = new Set(["expired", "not_yet_valid", "inactive", "revoked", "suspended", "retired"]);
const FORBIDDEN = new Set(["scope_missing", "narrowed", "address_not_allowed"]);
const TITLES = {
  400: "The request cannot be judged",
  401: "The credential is not accepted",
  403: "The credential does not allow this",
  429: "Too many calls",
  500: "The credential could not be judged",
  503: "The credential cannot be judged now",
};
