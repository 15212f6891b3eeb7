// What it takes before a first verification: the wasm compiled and instantiated.

import { readFileSync } from "node:fs";
import * as glue from "../node_modules/@biscuit-auth/biscuit-wasm/module/biscuit_bg.js";
import { unseen } from "../unseen_wasm.mjs";

export default {
  id: "start.peer.biscuit_ms",
  what: "biscuit-wasm, compiled and instantiated",
  package: "@biscuit-auth/biscuit-wasm",
  base: null,
  unit: "ms",
  only: "node",
  prepare() {
    const path = "../node_modules/@biscuit-auth/biscuit-wasm/module/biscuit_bg.wasm";
    const bytes = readFileSync(new URL(path, import.meta.url));
    const names = WebAssembly.Module.imports(new WebAssembly.Module(bytes)).map((each) => each.module);
    const imports = Object.fromEntries(names.map((name) => [name, name.includes("snippets") ? SNIPPETS : glue]));
    return {
      tokens: [bytes],
      verify: (wasm) => new WebAssembly.Instance(new WebAssembly.Module(unseen(wasm)), imports).exports,
    };
  },
};

/** What its snippets export; nothing calls it when the module starts. */
const SNIPPETS = new Proxy({}, { get: () => () => undefined });
