// The other runtimes that the package is for, as npm brings them: their own files, because no install script is run here. And
// Chromium, as this machine has it or `cargo xtask test` has brought it.

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const MODULES = new URL("../../node_modules/", import.meta.url);
const arch = { x64: "x64", arm64: "aarch64" }[process.arch];
const found = (...paths) => paths.map((path) => fileURLToPath(new URL(path, MODULES))).find(existsSync);

export const NODE_20 = found(`../tests/node-20/node_modules/node-linux-${process.arch}/bin/node`);
export const NODE_22 = found(`node-linux-${process.arch}/bin/node`);
export const DENO = found(`@deno/linux-${process.arch}-glibc/deno`);
export const BUN = found(`@oven/bun-linux-${arch}/bin/bun`, `@oven/bun-linux-${arch}-baseline/bin/bun`);

const onPath = (name) => (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name)).find(existsSync);

/** Chromium's program. Throws where there is none: what browsers get is not left untried. */
export function chromium() {
  const program = process.env.WARDKEY_CHROMIUM ?? ["chromium", "chromium-browser", "google-chrome"].map(onPath).find((path) => path !== undefined);
  if (program === undefined) throw new Error("no Chromium on this machine: run `cargo xtask test`, which brings it, or `apt-get install --no-install-recommends chromium`, or say where it is by WARDKEY_CHROMIUM");
  return program;
}
