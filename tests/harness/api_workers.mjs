// APIs of a user's own, each a Worker in an isolate of its own, that the package protects by a service binding.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const PACKAGE = fileURLToPath(new URL("../../crates/js/", import.meta.url));

/** What each of them runs: `GET /` is judged, `GET /status` says what the verifier has done. No call hands in a `waitUntil`. */
const SOURCE = `
  import { createVerifier } from "./js/index.mjs";
  let made;
  export default {
    async fetch(request, env) {
      const verifier = await (made ??= createVerifier({ binding: env.WARDKEY, credential: env.WARDKEY_CREDENTIAL }));
      if (new URL(request.url).pathname === "/status") return Response.json(verifier.status());
      const began = Date.now();
      const decision = await verifier.authorize(request, "reports:read");
      // The clock of a Worker moves when it waits, and only then.
      return decision.allowed ? Response.json({ waitedMs: Date.now() - began }) : decision.response();
    },
  };
`;

/** Workers of these names, to be started beside the registry. `credential`: what they fetch its key set with. */
export async function apiWorkers(names, credential) {
  const stdin = { contents: SOURCE, resolveDir: PACKAGE };
  const { outputFiles } = await build({
    stdin, bundle: true, write: false, format: "esm", target: "es2022", conditions: ["workerd"], external: ["*.wasm", "cloudflare:*"],
  });
  const wasm = readFileSync(new URL("js/wasm/wardkey.verifier.wasm", `file://${PACKAGE}`));
  const modules = {
    "index.mjs": { type: "esm", contents: outputFiles[0].text },
    "wardkey.verifier.wasm": { type: "wasm", contents: new Uint8Array(wasm) },
  };
  const env = { WARDKEY: { type: "worker", worker: "wardkey" }, WARDKEY_CREDENTIAL: { type: "text", value: credential } };
  return names.map((name) => ({ name, manifest: { mainModule: "index.mjs", modulesRoot: PACKAGE, modules }, env }));
}
