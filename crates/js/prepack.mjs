// What `npm pack` asks first: a package without its modules would install, and fail at the first import.

import { readFileSync } from "node:fs";

const MAGIC = "0061736d";
const lacking = ["verifier", "holder"].map((name) => `js/wasm/wardkey.${name}.wasm`).filter((path) => {
  try {
    return readFileSync(new URL(path, import.meta.url)).subarray(0, 4).toString("hex") !== MAGIC;
  } catch {
    return true;
  }
});
if (lacking.length > 0) {
  console.error(`wardkey: ${lacking.join(", ")} not built: cargo xtask js`);
  process.exit(1);
}
