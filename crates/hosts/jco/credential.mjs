// The key that a request brings: exactly one, in `Authorization`, never in the URL.

/** `{ key }`, or `{ refused }`: what is to be answered. */
export function credentialOf({ url, rawHeaders }) {
  if (holdsKey(url)) return { refused: INVALID_REQUEST };
  // All values, as they came: `headers` drops a second one.
  const values = (name) => rawHeaders.filter((_, place) => place % 2 === 1 && rawHeaders[place - 1].toLowerCase() === name);
  const [value, ...more] = values("authorization");
  if (value === undefined || value === "") return { refused: MISSING };
  if (more.length > 0 || value.includes(",") || values("x-api-key").some((other) => KEY.test(other))) return { refused: INVALID_REQUEST };
  const key = /^ *bearer +([^ ]+) *$/i.exec(value)?.[1];
  return key === undefined ? { refused: MISSING } : { key };
}

/** Whatever is escaped of it. URLs are logged by everything that they pass. */
function holdsKey(url) {
  let text = url;
  // What was put into another URL's query is escaped once more; a `%` that escapes nothing hides nothing.
  for (let round = 0; round < 3 && text.includes("%"); round++) text = text.replace(ESCAPE, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)));
  return IN_URL.test(text);
}

const KEY = /[a-z][a-z0-9]{1,11}_(?:live|test)_[A-Za-z0-9_-]{60}/;
/** Not in the middle of another word: that is a name of somebody's. */
const IN_URL = new RegExp(`(?<![A-Za-z0-9_-])${KEY.source}`);
const ESCAPE = /%([0-9A-Fa-f]{2})/g;
const MISSING = { status: 401, code: "credential_missing" };
const INVALID_REQUEST = { status: 400, error: "invalid_request", code: "invalid_request" };
