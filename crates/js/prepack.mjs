// Before `npm pack`: without what git does not keep, the package would install and fail at its first import.

import { existsSync } from "node:fs";

const MADE = ["js/wasm/wardkey.verifier.wasm", "js/wasm/wardkey.holder.wasm", "LICENSE-APACHE", "LICENSE-MIT"];

const missing = MADE.filter((path) => !existsSync(new URL(path, import.meta.url)));
if (missing.length > 0) {
  console.error(`crates/js lacks ${missing.join(" and ")}: run \`cargo xtask js\` first`);
  process.exit(1);
}
