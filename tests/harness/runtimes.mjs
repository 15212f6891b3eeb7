// The other runtimes that the package is for, as npm brings them: their own files, because no install script is run here.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const MODULES = new URL("../../node_modules/", import.meta.url);
const arch = { x64: "x64", arm64: "aarch64" }[process.arch];
const found = (...paths) => paths.map((path) => fileURLToPath(new URL(path, MODULES))).find(existsSync);

export const NODE_22 = found(`node-linux-${process.arch}/bin/node`);
export const DENO = found(`@deno/linux-${process.arch}-glibc/deno`);
export const BUN = found(`@oven/bun-linux-${arch}/bin/bun`, `@oven/bun-linux-${arch}-baseline/bin/bun`);
