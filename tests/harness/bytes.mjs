// Bytes as every runtime has them: suites that run in browsers, too, have no Buffer.

/** The bytes of hexadecimal digits. */
export const fromHex = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

export const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export const utf8 = (text) => new TextEncoder().encode(text);

export const fromUtf8 = (bytes) => new TextDecoder().decode(bytes);

/** The base64 of a text's UTF-8. */
export const base64 = (text) => btoa(String.fromCharCode(...utf8(text)));

/** All of them, one behind the other. */
export function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}

/** Whether a run of bytes stands somewhere in others. */
export function holds(bytes, run) {
  for (let at = bytes.indexOf(run[0]); at >= 0; at = bytes.indexOf(run[0], at + 1)) {
    if (run.every((byte, place) => bytes[at + place] === byte)) return true;
  }
  return false;
}

/** A number of so many bytes, the highest first. */
export function number(value, length) {
  const bytes = new Uint8Array(length);
  for (let place = length - 1, left = BigInt(value); place >= 0; place--, left >>= 8n) bytes[place] = Number(left & 255n);
  return bytes;
}
