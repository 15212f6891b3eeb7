// Portable suites in workerd.

import { fileURLToPath } from "node:url";

import { Miniflare } from "miniflare";

import { bundled, wasm } from "./bundle.mjs";

/** What came of the tests of these files; `node`: in a Worker with `nodejs_compat`. */
export async function outcomeInWorkerd(files, { node = false } = {}) {
  const modules = { "suites.mjs": { type: "esm", contents: await bundled(files, { platform: "workerd", node }) } };
  for (const [name, bytes] of wasm()) modules[name] = { type: "wasm", contents: new Uint8Array(bytes) };
  const manifest = { mainModule: "suites.mjs", modulesRoot: fileURLToPath(new URL("../../", import.meta.url)), modules };
  const config = { name: "suites", compatibilityDate: "2026-10-20", ...(node && { compatibilityFlags: ["nodejs_compat"] }), manifest };
  const miniflare = new Miniflare({ workers: [{ config }], host: "127.0.0.1", port: 0, cf: false, enableDevRegistry: false, telemetry: { enabled: false } });
  try {
    await miniflare.ready;
    const worker = await miniflare.getWorker("suites");
    const response = await worker.fetch("http://suites.test/");
    const text = await response.text();
    if (response.status !== 200) throw new Error(text);
    return JSON.parse(text);
  } finally {
    await miniflare.dispose();
  }
}
