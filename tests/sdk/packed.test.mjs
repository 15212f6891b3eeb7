// The package as a user gets it: packed, installed into an empty folder, and its examples run.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

import { RULED } from "../harness/policies.mjs";
import { BUN, DENO } from "../harness/runtimes.mjs";
import { Worker } from "../harness/worker.mjs";

const PACKAGE = fileURLToPath(new URL("../../crates/js", import.meta.url));
const PEERS = ["hono@4.13.19", "express@5.3.0"];

describe("the packed package", () => {
  let folder, worker, admin, gateway, key;
  const running = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "wardkey-packed-"));
    const npm = (...args) => execFileSync("npm", args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    const [{ filename }] = JSON.parse(npm("pack", PACKAGE, "--json", "--silent"));
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
    npm("install", `./${filename}`, ...PEERS, "--no-audit", "--no-fund", "--silent", "--prefer-offline");
    cpSync(join(PACKAGE, "examples"), join(folder, "examples"), { recursive: true });
    worker = await Worker.start({ shim: true });
    admin = await worker.administrator({ policy: RULED });
    gateway = await admin.deputy(["verifier:key-set", "verifier:verify"], ["api"]);
    key = (await admin.create({ scopes: ["reports:read", "reports:purge"] })).json;
  });

  after(() => {
    running.forEach((one) => one.kill());
    rmSync(folder, { recursive: true, force: true });
  });

  const authorization = () => ({ Authorization: `Bearer ${key.key}` });

  it("brings no dependency, and nothing that is not needed", () => {
    const packed = JSON.parse(readFileSync(join(folder, "node_modules/wardkey/package.json"), "utf8"));
    assert.equal(packed.dependencies, undefined);
    const list = execFileSync("npm", ["pack", PACKAGE, "--dry-run", "--json", "--silent"], { cwd: folder, encoding: "utf8" });
    const names = JSON.parse(list)[0].files.map(({ path }) => path);
    for (const needed of ["js/wasm/wardkey.verifier.wasm", "js/wasm/wardkey.holder.wasm", "LICENSE-APACHE", "LICENSE-MIT"]) assert.ok(names.includes(needed), needed);
    assert.ok(names.every((name) => /^(js\/.*\.(mjs|mts|wasm)|ABI\.md|README\.md|LICENSE.*|package\.json)$/.test(name)), names.join(" "));
  });

  it("protects a Worker with Hono, by a service binding", async () => {
    const wasm = new Map();
    const { outputFiles } = await build({
      absWorkingDir: folder, entryPoints: ["examples/hono-worker/index.mjs"], bundle: true, write: false, format: "esm", target: "es2022",
      conditions: ["workerd", "worker", "browser"],
      plugins: [{
        name: "wasm",
        setup(builder) {
          builder.onResolve({ filter: /\.wasm$/ }, ({ path, resolveDir }) => {
            wasm.set("wardkey.verifier.wasm", readFileSync(join(resolveDir, path)));
            return { path: "./wardkey.verifier.wasm", external: true };
          });
        },
      }],
    });
    const modules = {
      "index.mjs": { type: "esm", contents: outputFiles[0].text },
      "wardkey.verifier.wasm": { type: "wasm", contents: new Uint8Array(wasm.get("wardkey.verifier.wasm")) },
    };
    const env = { WARDKEY: { type: "worker", worker: "wardkey" }, WARDKEY_CREDENTIAL: { type: "text", value: gateway.credential } };
    await worker.restart({ beside: { name: "api", manifest: { mainModule: "index.mjs", modulesRoot: folder, modules }, env } });
    const url = await worker.besideUrl();
    const get = (path, init) => fetch(url + path, init);
    const good = await get("/reports", { headers: authorization() });
    assert.deepEqual([good.status, await good.json()], [200, { hello: "svc:billing", key: key.key_id }]);
    const without = await get("/reports");
    assert.deepEqual([without.status, (await without.json()).code], [401, "credential_missing"]);
    assert.equal((await get("/reports", { headers: { Authorization: "Bearer nonsense" } })).status, 401);
    const strict = await get("/reports", { method: "DELETE", headers: authorization() });
    assert.deepEqual([strict.status, await strict.json()], [200, { purged: true }]);
    // A revoked key is denied here, too, within the bound.
    const doomed = (await admin.create({})).json;
    const ask = async () => (await get("/reports", { headers: { Authorization: `Bearer ${doomed.key}` } })).status;
    assert.equal(await ask(), 200);
    const revoked = Date.now();
    await admin.revoke(doomed.key_id);
    while ((await ask()) === 200) assert.ok(Date.now() - revoked < 6_000, "still allowed");
    console.log(`denied ${Date.now() - revoked} ms after the revocation, through the binding`);
  });

  it("is well again in a Worker whose requests went away in the middle of a refresh", async () => {
    const url = await worker.besideUrl();
    const get = (signal) => fetch(`${url}/reports`, { headers: authorization(), signal });
    assert.equal((await get()).status, 200);
    await worker.shim("hang");
    // Past fresh-for every request waits for a refresh; each goes away before it has one.
    await sleep(5_500);
    const gone = Array.from({ length: 20 }, () => get(AbortSignal.timeout(50)).then(({ status }) => status, () => "gone"));
    assert.ok((await Promise.all(gone)).includes("gone"), "somebody went away");
    // Low risk: from the list that there is.
    assert.equal((await get()).status, 200);
    await worker.shim("pass");
    const until = Date.now() + 12_000;
    const doomed = (await admin.create({})).json;
    await admin.revoke(doomed.key_id);
    const ask = async () => (await fetch(`${url}/reports`, { headers: { Authorization: `Bearer ${doomed.key}` } })).status;
    while ((await ask()) !== 401) {
      assert.ok(Date.now() < until, "never refreshed again");
      await sleep(50);
    }
  });

  it("protects a server with Express", async () => {
    const url = await started("node", ["examples/express/server.mjs"]);
    const good = await fetch(`${url}/reports`, { headers: authorization() });
    assert.deepEqual([good.status, await good.json()], [200, { hello: "svc:billing", key: key.key_id }]);
    const refused = await fetch(`${url}/reports`);
    assert.deepEqual([refused.status, refused.headers.get("WWW-Authenticate")], [401, 'Bearer realm="wardkey"']);
    const status = await (await fetch(`${url}/healthz`)).json();
    assert.equal(status.zone, "fresh");
  });

  for (const [runtime, program, ...args] of [["Deno", DENO, "run", "--allow-net", "--allow-env", "--allow-read", "examples/deno/server.mjs"], ["Bun", BUN, "run", "examples/bun/server.mjs"]]) {
    it(`protects a server with ${runtime}`, async () => {
      const url = await started(program, args);
      const good = await fetch(url, { headers: authorization() });
      assert.deepEqual([good.status, await good.json()], [200, { hello: "svc:billing", key: key.key_id }]);
      const refused = await fetch(url, { headers: { Authorization: "Bearer nonsense" } });
      assert.deepEqual([refused.status, (await refused.json()).code], [401, "invalid_token"]);
    });
  }

  it("makes no verifier in a browser", async () => {
    const { outputFiles } = await build({
      stdin: { contents: `import { createVerifier } from "wardkey"; createVerifier({});`, resolveDir: folder }, bundle: true, write: false, format: "esm",
      conditions: ["browser"], platform: "browser",
    });
    const { text } = outputFiles[0];
    await assert.rejects(import(`data:text/javascript,${encodeURIComponent(text)}`), { code: "no_verifier_in_browsers" });
    assert.ok(!text.includes("node:fs"));
  });

  /** Starts a server and answers the address that it prints. */
  async function started(command, args) {
    const env = { ...process.env, WARDKEY_URL: worker.url, WARDKEY_CREDENTIAL: gateway.credential, PORT: "0" };
    const server = spawn(command, args, { cwd: folder, env, stdio: ["ignore", "pipe", "inherit"] });
    running.push(server);
    for await (const line of server.stdout) {
      const match = /http:\S+/.exec(line);
      if (match) return match[0];
    }
    throw new Error("the server ended");
  }
});
