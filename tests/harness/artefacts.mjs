// What suites read from the checkout. Where there are no files, `portable/bundle.mjs` puts the same into the bundle.

import { readFileSync } from "node:fs";

/** A file of vectors; by `read` as JSON.parse takes it. */
export const vectorFile = (name, read) => JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8"), read);

/** A raw module, compiled: `verifier`, `verifier.scalar` or `holder`. */
export const compiled = (name) => new WebAssembly.Module(readFileSync(new URL(`../../target/wardkey.${name}.wasm`, import.meta.url)));
