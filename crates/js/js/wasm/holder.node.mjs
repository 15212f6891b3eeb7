// The holder's module in Node, Deno and Bun: read from beside this file.

import { readFileSync } from "node:fs";

export const module = new WebAssembly.Module(readFileSync(new URL("./wardkey.holder.wasm", import.meta.url)));
export const ready = Promise.resolve();
