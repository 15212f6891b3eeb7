// The module of crates/trials: runs suites in wasm as `trials-suites` runs them natively.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const CHECKOUT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const FOLDER = resolve(process.env.WARDKEY_TRIALS_DIR ?? join(CHECKOUT, "target/trials"));

/** What the native run has found: `seed` as text, and reports that say whether wasm shall run them, too. */
export function nativeRun() {
  if (!existsSync(join(FOLDER, "native.json"))) throw new Error("nothing was run natively yet: `cargo xtask trials` does it");
  return JSON.parse(readFileSync(join(FOLDER, "native.json"), "utf8"));
}

export class Trials {
  #exports;

  static async start() {
    const trials = new Trials();
    const { instance } = await WebAssembly.instantiate(readFileSync(join(FOLDER, "trials.wasm")), {});
    trials.#exports = instance.exports;
    trials.suites = JSON.parse(trials.#read(instance.exports.suites_names()));
    return trials;
  }

  /** The report of a stretch: `seed` as text, because it may have more than 53 bits. */
  run(suite, seed, { from, count }) {
    const number = this.suites.indexOf(suite);
    if (number < 0) throw new Error(`the module has no suite ${suite}`);
    const pair = this.#exports.suites_run(number, BigInt(seed), BigInt(from), BigInt(count));
    return JSON.parse(this.#read(pair));
  }

  /** A text that the module lends as `pointer << 32 | length`. */
  #read(pair) {
    const unsigned = BigInt.asUintN(64, pair);
    const bytes = new Uint8Array(this.#exports.memory.buffer, Number(unsigned >> 32n), Number(unsigned & 0xffffffffn));
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  }
}
