// The key that a request brings: exactly one, in a header, never in the URL.

/** `{ key }`, or `{ reason }`: "credential_missing" or "invalid_request", of which `more` says where it was. `header`: the name of the header that holds it. */
export function credentialOf(url, header, values) {
  if (holdsKey(url)) return IN_ITS_URL;
  const value = values(header);
  if (value === undefined || value === null || value === "") return MISSING;
  // Several headers of one name arrive joined by commas, which no key holds.
  if (value.includes(",")) return INVALID;
  const isBearer = header === USUAL || header.toLowerCase() === "authorization";
  const other = values(isBearer ? "X-API-Key" : USUAL);
  if (other && KEY.test(other)) return INVALID;
  if (!isBearer) return found(value.trim());
  const key = bearer(value);
  return key === undefined ? MISSING : found(key);
}

/** Whether a key stands in a URL, whatever is escaped of it. URLs are logged by everything that they pass. */
function holdsKey(url) {
  let text = url;
  // What was put into another URL's query is escaped once more.
  for (let round = 0; round < 3 && text.includes("%"); round++) text = text.replace(ESCAPE, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)));
  return (text.includes("_live_") || text.includes("_test_")) && IN_URL.test(text);
}

function bearer(value) {
  // WHY first: a pattern takes as long as all the rest, and nearly everybody writes it so.
  if (value.startsWith("Bearer ") && value.length > 7 && !value.includes(" ", 7)) return value.slice(7);
  return BEARER.exec(value)?.[1];
}

/** Both members always: nobody's changes to `Object.prototype` are a credential. */
const found = (key) => ({ key, reason: undefined, more: undefined });
const INVALID = Object.freeze({ key: undefined, reason: "invalid_request", more: undefined });
const IN_ITS_URL = Object.freeze({ key: undefined, reason: "invalid_request", more: Object.freeze({ inUrl: true }) });
const MISSING = Object.freeze({ key: undefined, reason: "credential_missing", more: undefined });
const USUAL = "Authorization";
const BEARER = /^ *bearer +([^ ]+) *$/i;
/** What every key begins with, and is at least as long as. */
const KEY = /[a-z][a-z0-9]{1,11}_(?:live|test)_[A-Za-z0-9_-]{60}/;
/** Not in the middle of another word: that is a name of somebody's. */
const IN_URL = new RegExp(`(?<![A-Za-z0-9_-])${KEY.source}`);
const ESCAPE = /%([0-9A-Fa-f]{2})/g;
