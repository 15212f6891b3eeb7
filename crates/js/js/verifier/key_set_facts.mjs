// What a verifier tells of its key set, from its bytes (FORMAT.md, section 3). Of the secrets in it nothing is kept.

/** `{ names, epochs, staleAfterMs }`: names of scopes by number, its signing keys, and the age at which a list serves no scope any more. */
export function keySetFacts(keySet) {
  const view = new DataView(keySet.buffer, keySet.byteOffset, keySet.byteLength);
  const staleAfterMs = view.getUint32(LOW_AT);
  const epochs = [];
  let at = HEADER_LEN;
  for (let left = keySet[at++]; left > 0; left--) {
    epochs.push(keySet[at]);
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
  return { names, epochs, staleAfterMs };
}

/** Behind version, tenant, audience, edition, and the bounds fresh-for, high and standard. */
const LOW_AT = 1 + 2 + 1 + 4 + 3 * 4;
/** Up to there, with low, max-skew and the list key. */
const HEADER_LEN = LOW_AT + 2 * 4 + 32;
const EPOCH_LEN = 1;
const SECRET_LEN = 32;
const WINDOWS_LEN = 3 * 4;
