// The verifier's module where files can be read: Node, Deno, Bun.

import { readFileSync } from "node:fs";

/** Compiled once a process. */
export const compiled = new WebAssembly.Module(readFileSync(new URL("./wardkey.verifier.wasm", import.meta.url)));
