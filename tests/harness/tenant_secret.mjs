// A tenant's secret as whoever holds the root and the database can have it: so that it can be looked for elsewhere.

import { createDecipheriv, hkdfSync } from "node:crypto";

/** Opens a wrapped secret: version u32 ‖ nonce 24 ‖ sealed 32 + 16, by XChaCha20-Poly1305. */
export function unwrapped(wrapped, roots, tenant) {
  const version = wrapped.readUInt32BE(0);
  const [, text] = roots.split(",").map((one) => one.split(":")).find(([number]) => Number(number) === version);
  const [nonce, sealed] = [wrapped.subarray(4, 28), wrapped.subarray(28)];
  const subkey = hchacha20(Buffer.from(text, "base64url"), nonce.subarray(0, 16));
  const cipher = createDecipheriv("chacha20-poly1305", subkey, Buffer.concat([Buffer.alloc(4), nonce.subarray(16)]), { authTagLength: 16 });
  const numbers = Buffer.alloc(6);
  numbers.writeUInt16BE(tenant, 0);
  numbers.writeUInt32BE(version, 2);
  cipher.setAAD(Buffer.concat([Buffer.from("wardkey/1/tenant-secret"), numbers]));
  cipher.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]);
}

/** What is derived from it for a purpose, by HKDF-SHA-256 over parts each behind its length. */
export function derived(secret, tenant, purpose, ...parts) {
  const number = Buffer.from([tenant >> 8, tenant & 255]);
  const all = ["wardkey/1", purpose, number, ...parts].map((part) => Buffer.from(part));
  const info = Buffer.concat(all.flatMap((part) => [Buffer.from([part.length >> 8, part.length & 255]), part]));
  return Buffer.from(hkdfSync("sha256", secret, Buffer.alloc(0), info, 32));
}

/** HChaCha20: the key of XChaCha20 for the first 16 bytes of a nonce (draft-irtf-cfrg-xchacha section 2.2). */
function hchacha20(key, nonce) {
  const words = new Uint32Array([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, ...wordsOf(key), ...wordsOf(nonce)]);
  const quarter = (a, b, c, d) => {
    for (const [x, y, z, turn] of [[a, b, d, 16], [c, d, b, 12], [a, b, d, 8], [c, d, b, 7]]) {
      words[x] += words[y];
      const mixed = words[z] ^ words[x];
      words[z] = (mixed << turn) | (mixed >>> (32 - turn));
    }
  };
  for (let round = 0; round < 10; round++) {
    for (let column = 0; column < 4; column++) quarter(column, column + 4, column + 8, column + 12);
    for (let column = 0; column < 4; column++) quarter(column, 4 + ((column + 1) % 4), 8 + ((column + 2) % 4), 12 + ((column + 3) % 4));
  }
  const out = Buffer.alloc(32);
  [0, 1, 2, 3, 12, 13, 14, 15].forEach((word, at) => out.writeUInt32LE(words[word], 4 * at));
  return out;
}

const wordsOf = (bytes) => Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readUInt32LE(4 * at));
