// The key that a request brings: exactly one, in a header, never in the URL.

/** `{ key }`, or `{ reason }`: "credential_missing" or "invalid_request". `header`: the name of the header that holds it. */
export function credentialOf(url, header, values) {
  if (IN_URL.test(url)) return { reason: "invalid_request" };
  const value = values(header);
  if (value === undefined || value === null || value === "") return { reason: "credential_missing" };
  // Several headers of one name arrive joined by commas, which no key holds.
  if (value.includes(",")) return { reason: "invalid_request" };
  if (header.toLowerCase() !== "authorization") {
    const other = values("Authorization");
    if (other && KEY.test(other)) return { reason: "invalid_request" };
    return { key: value.trim() };
  }
  const [scheme, key, ...more] = value.trim().split(/ +/);
  if (scheme.toLowerCase() !== "bearer" || !key || more.length > 0) return { reason: "credential_missing" };
  const other = values("X-API-Key");
  return other && KEY.test(other) ? { reason: "invalid_request" } : { key };
}

/** What every key begins with, and is at least as long as. */
const KEY = /[a-z][a-z0-9]{1,11}_(?:live|test)_[A-Za-z0-9_-]{60}/;
const IN_URL = new RegExp(`[?&/#=]${KEY.source}`);
