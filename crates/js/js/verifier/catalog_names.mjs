// The names of an audience's scopes, from the bytes that a key set ends with (FORMAT.md, section 3).

/** Names by number. Of what precedes the catalog nothing is kept: it is secret. */
export function catalogNames(keySet) {
  const view = new DataView(keySet.buffer, keySet.byteOffset, keySet.byteLength);
  let at = HEADER_LEN;
  for (let left = keySet[at++]; left > 0; left--) {
    at += EPOCH_LEN + SECRET_LEN;
    at += 1 + keySet[at] + WINDOWS_LEN;
  }
  const names = new Map();
  const text = new TextDecoder();
  let left = view.getUint16(at);
  for (at += 2; left > 0; left--) {
    const len = keySet[at + 2];
    names.set(keySet[at], text.decode(keySet.subarray(at + 3, at + 3 + len)));
    at += 3 + len;
  }
  return names;
}

/** Version, tenant, audience, edition, five bounds, list key. */
const HEADER_LEN = 1 + 2 + 1 + 4 + 5 * 4 + 32;
const EPOCH_LEN = 1;
const SECRET_LEN = 32;
const WINDOWS_LEN = 3 * 4;
