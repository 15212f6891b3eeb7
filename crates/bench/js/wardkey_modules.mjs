// The verifier's modules, compiled; `bundle.mjs` puts others in its place for workerd, which reads no files.

import { readFileSync } from "node:fs";

const bytes = (name) => readFileSync(new URL(`../../../target/${name}`, import.meta.url));

/** As it ships. */
export const wasm = bytes("wardkey.verifier.wasm");
export const simd = new WebAssembly.Module(wasm);
export const scalar = new WebAssembly.Module(bytes("wardkey.verifier.scalar.wasm"));
