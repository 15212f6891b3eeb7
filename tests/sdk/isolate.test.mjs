// What a Worker's first request leaves behind when it ends early: a verifier for those who wait, in a real isolate.

import assert from "node:assert/strict";
import http from "node:http";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import { Miniflare } from "miniflare";

import { MemoryRegistry } from "../harness/memory_registry.mjs";

const PACKAGE = fileURLToPath(new URL("../../crates/js/", import.meta.url));
/** Of each answer of the registry's: a verifier takes three. */
const DELAY_MS = 250;
const LEAVES_MS = 50;

/** `/leave` answers before it is judged: as a deadline of the API's own does, or a caller who hangs up. */
const source = (options) => `
  import { protect } from "./js/middleware/fetch.mjs";
  const registry = (env) => ({ url: env.REGISTRY, credential: "credential", now: () => ${new MemoryRegistry().now}, refreshTimeoutMs: 2_000 });
  const judge = protect(registry, "invoice:read", (_request, { list }) => Response.json(list), ${options});
  export default {
    fetch(request, env, context) {
      const answer = judge(request, env, context);
      if (new URL(request.url).pathname !== "/leave") return answer;
      return Promise.race([answer, new Promise((left) => setTimeout(() => left(new Response("left")), ${LEAVES_MS}))]);
    },
  };
`;

describe("in a Worker whose first request ends early", () => {
  let registry, server;
  /** How many key sets the registry answers. */
  let most;
  const isolates = [];

  before(async () => {
    registry = new MemoryRegistry();
    server = http.createServer(async (req, res) => {
      registry.seen.push(req.url);
      if (registry.asked("/key-set") > most && req.url.endsWith("/key-set")) return;
      await sleep(DELAY_MS);
      const answer = await registry.pass(req.url, {});
      res.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
    });
    await new Promise((up) => server.listen(0, "127.0.0.1", up));
  });

  after(async () => {
    await Promise.all(isolates.map((isolate) => isolate.dispose()));
    server.closeAllConnections();
    server.close();
  });

  /** Asks an isolate of its own, which has answered nobody yet. */
  async function asking(options) {
    const { outputFiles } = await build({
      stdin: { contents: source(options), resolveDir: PACKAGE }, bundle: true, write: false, format: "esm", target: "es2022", conditions: ["workerd"], external: ["*.wasm", "cloudflare:*"],
    });
    const modules = {
      "index.mjs": { type: "esm", contents: outputFiles[0].text },
      "wardkey.verifier.wasm": { type: "wasm", contents: new Uint8Array(readFileSync(new URL("js/wasm/wardkey.verifier.wasm", `file://${PACKAGE}`))) },
    };
    const env = { REGISTRY: { type: "text", value: `http://127.0.0.1:${server.address().port}` } };
    const config = { name: "api", compatibilityDate: "2026-10-20", manifest: { mainModule: "index.mjs", modulesRoot: PACKAGE, modules }, env };
    const isolate = new Miniflare({ workers: [{ config }], host: "127.0.0.1", port: 0, cf: false, enableDevRegistry: false, telemetry: { enabled: false } });
    isolates.push(isolate);
    const url = await isolate.ready;
    return (path) => fetch(new URL(path, url), { headers: { Authorization: `Bearer ${registry.key}` } });
  }

  for (const [what, options, answered] of [
    ["is made for those who wait by who began it, which its context keeps alive", "{}", 1],
    ["is made by one of those who wait, where nothing keeps it alive", "{ waitUntil() {} }", 2],
  ]) {
    it(`a verifier ${what}`, async () => {
      const ask = await asking(options);
      registry.seen.length = 0;
      most = answered;
      const first = ask("/leave");
      await sleep(30);
      const began = performance.now();
      const others = await Promise.all(Array.from({ length: 10 }, () => ask("/")));
      const tookMs = performance.now() - began;
      assert.equal(await (await first).text(), "left");
      for (const answer of others) assert.deepEqual([answer.status, (await answer.json()).zone], [200, "fresh"]);
      assert.ok(tookMs < 4_000, `${tookMs} ms`);
      console.log(`after ${Math.round(tookMs)} ms, ${registry.asked("/key-set")} key sets asked for`);
    });
  }
});
