// Chance that can be had again: the seed is printed, and WARDKEY_SEED sets it.

export class Chance {
  #state;

  constructor(what) {
    this.seed = Number(globalThis.process?.env?.WARDKEY_SEED ?? crypto.getRandomValues(new Uint32Array(1))[0] >>> 1);
    this.#state = this.seed >>> 0;
    console.log(`${what}: WARDKEY_SEED=${this.seed}`);
  }

  /** A number from 0 up to, and not including, 1 (mulberry32). */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `least` to `most`. */
  between(least, most) {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  of(list) {
    return list[this.between(0, list.length - 1)];
  }
}
