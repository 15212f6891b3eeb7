// What a verifier must know of a head before it can judge it: which state belongs to it (FORMAT.md, section 4.2).

/** Longest head, in bytes. */
export const MAX_HEAD_LEN = 4096;

/** The name of the state, `sequence-digest`; nothing for bytes that are too short for a head. */
export function stateName(head) {
  if (head.length < DIGEST_AT + DIGEST_LEN) return undefined;
  const sequence = new DataView(head.buffer, head.byteOffset).getBigUint64(SEQUENCE_AT);
  const digest = head.subarray(DIGEST_AT, DIGEST_AT + DIGEST_LEN);
  return `${sequence}-${Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

const SEQUENCE_AT = 1 + 2;
const DIGEST_AT = SEQUENCE_AT + 8;
const DIGEST_LEN = 32;
