// What a MAC key becomes before it is used: the two states of SHA-256 behind HMAC's pads (RFC 2104), by code of our own.

/** Both states of a key of at most 64 bytes, as a little-endian machine has them in memory. */
export function midstates(key) {
  return [0x36, 0x5c].map((pad) => {
    const block = Buffer.alloc(64, pad);
    key.forEach((byte, place) => (block[place] ^= byte));
    const state = Buffer.alloc(32);
    compressed(INITIAL, block).forEach((word, place) => state.writeUInt32LE(word, 4 * place));
    return state;
  });
}

/** One compression (FIPS 180-4, section 6.2.2). */
function compressed(before, block) {
  const rotated = (word, by) => (word >>> by) | (word << (32 - by));
  const words = Array.from({ length: 16 }, (_, place) => block.readUInt32BE(4 * place));
  for (let place = 16; place < 64; place++) {
    const [a, b] = [words[place - 15], words[place - 2]];
    const first = rotated(a, 7) ^ rotated(a, 18) ^ (a >>> 3);
    const second = rotated(b, 17) ^ rotated(b, 19) ^ (b >>> 10);
    words[place] = (words[place - 16] + first + words[place - 7] + second) | 0;
  }
  let [a, b, c, d, e, f, g, h] = before;
  words.forEach((word, place) => {
    const first = (h + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + ((e & f) ^ (~e & g)) + ROUNDS[place] + word) | 0;
    const second = ((rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  });
  return [a, b, c, d, e, f, g, h].map((word, place) => (word + before[place]) >>> 0);
}

const PRIMES = Array.from({ length: 312 }, (_, number) => number).filter((number) => number > 1 && !Array.from({ length: number - 2 }, (_, place) => place + 2).some((by) => number % by === 0));
const fraction = (root) => Math.floor((root - Math.floor(root)) * 2 ** 32);
const INITIAL = PRIMES.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
const ROUNDS = PRIMES.slice(0, 64).map((prime) => fraction(Math.cbrt(prime)));
