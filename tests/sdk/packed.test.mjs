// The package as a user gets it: packed, and each example lifted out, installed with the tarball, and run as its README says.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";

import { build } from "esbuild";

import { createVerifier } from "../../crates/js/js/index.mjs";
import { blocks } from "../harness/markdown.mjs";
import { RULED } from "../harness/policies.mjs";
import { browser } from "../harness/portable/chromium.mjs";
import { BUN, DENO } from "../harness/runtimes.mjs";
import { Worker } from "../harness/worker.mjs";

const PACKAGE = fileURLToPath(new URL("../../crates/js", import.meta.url));
const ROOT_README = fileURLToPath(new URL("../../README.md", import.meta.url));
const WRANGLER = fileURLToPath(new URL("../../node_modules/wrangler/bin/wrangler.js", import.meta.url));

describe("the packed package", () => {
  let folder, worker, admin, gateway, key;
  const running = [];

  const npm = (cwd, ...args) => execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  /** As the documents of every folder say it, with the tarball in its place of the home folder. */
  function install(cwd, document = join(cwd, "README.md")) {
    const [, named] = /^npm install ~\/(wardkey-\S+\.tgz)/m.exec(readFileSync(document, "utf8"));
    npm(cwd, "install", join(folder, named), "--omit=dev", "--no-audit", "--no-fund", "--silent", "--prefer-offline");
  }

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "wardkey-packed-"));
    const [{ filename }] = JSON.parse(npm(folder, "pack", PACKAGE, "--json", "--silent"));
    assert.ok(existsSync(join(folder, filename)));
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
    install(folder, join(PACKAGE, "README.md"));
    worker = await Worker.start({ shim: true });
    admin = await worker.administrator({ policy: RULED });
    gateway = await admin.deputy(["verifier:key-set", "verifier:verify"], ["api"]);
    key = (await admin.create({ scopes: ["reports:read", "reports:write"] })).json;
  });

  after(() => {
    for (const { pid } of running) {
      try {
        // With all that the command has started.
        process.kill(-pid);
      } catch { /* It has ended already. */ }
    }
    rmSync(folder, { recursive: true, force: true });
  });

  const authorization = () => ({ Authorization: `Bearer ${key.key}` });

  /** An example as a reader lifts it, with the tarball in place of what npm would bring. */
  function lifted(name) {
    const to = join(folder, "lifted", name);
    cpSync(join(PACKAGE, "examples", name), to, { recursive: true, filter: (path) => !path.endsWith("node_modules") });
    install(to);
    return to;
  }

  it("brings no dependency, and nothing that is not needed", () => {
    const packed = JSON.parse(readFileSync(join(folder, "node_modules/wardkey/package.json"), "utf8"));
    assert.equal(packed.dependencies, undefined);
    const names = JSON.parse(npm(folder, "pack", PACKAGE, "--dry-run", "--json", "--silent"))[0].files.map(({ path }) => path);
    for (const needed of ["js/wasm/wardkey.verifier.wasm", "js/wasm/wardkey.holder.wasm", "LICENSE-APACHE", "LICENSE-MIT"]) assert.ok(names.includes(needed), needed);
    assert.ok(names.every((name) => /^(js\/.*\.(mjs|mts|wasm)|ABI\.md|README\.md|LICENSE.*|package\.json)$/.test(name)), names.join(" "));
  });

  it("is what every example wants, at this version, with what it says how to run", () => {
    const { version } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));
    const examples = readdirSync(join(PACKAGE, "examples"));
    assert.deepEqual(examples, ["bun", "deno", "express", "hono-worker", "narrow-page"], "and every one is run below");
    for (const name of examples) {
      const { private: isPrivate, type, scripts, dependencies } = JSON.parse(readFileSync(join(PACKAGE, "examples", name, "package.json"), "utf8"));
      assert.deepEqual([isPrivate, type, typeof scripts.start, dependencies.wardkey], [true, "module", "string", `^${version}`], name);
      assert.match(readFileSync(join(PACKAGE, "examples", name, "README.md"), "utf8"), /^npm install ~/m, name);
    }
  });

  it("protects a Worker with Hono, by a service binding, as wrangler bundles it", async () => {
    const example = lifted("hono-worker");
    const args = [WRANGLER, "deploy", "--dry-run", "--outdir", "built"];
    execFileSync(process.execPath, args, { cwd: example, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "1" } });
    const modules = {};
    for (const name of readdirSync(join(example, "built"))) {
      const bytes = readFileSync(join(example, "built", name));
      if (name.endsWith(".wasm")) modules[name] = { type: "wasm", contents: new Uint8Array(bytes) };
      if (name.endsWith(".js")) modules[name] = { type: "esm", contents: bytes.toString() };
    }
    const [binding, service] = /binding = "(\w+)", service = "(\w+)"/.exec(readFileSync(join(example, "wrangler.toml"), "utf8")).slice(1);
    const env = { [binding]: { type: "worker", worker: service }, WARDKEY_CREDENTIAL: { type: "text", value: gateway.credential } };
    await worker.restart({ beside: { name: "api", manifest: { mainModule: "index.js", modulesRoot: folder, modules }, env } });
    const url = await worker.besideUrl();
    const get = (path, init) => fetch(url + path, init);
    const good = await get("/reports", { headers: authorization() });
    assert.deepEqual([good.status, await good.json()], [200, { hello: "svc:billing", key: key.key_id }]);
    const without = await get("/reports");
    assert.deepEqual([without.status, (await without.json()).code], [401, "credential_missing"]);
    assert.equal((await get("/reports", { headers: { Authorization: "Bearer nonsense" } })).status, 401);
    const strict = await get("/reports", { method: "DELETE", headers: authorization() });
    assert.deepEqual([strict.status, await strict.json()], [200, { purged: true }]);
    // By the registry's own word: what the list could say takes seconds.
    const purger = (await admin.create({ scopes: ["reports:write"] })).json;
    const purge = async () => (await get("/reports", { method: "DELETE", headers: { Authorization: `Bearer ${purger.key}` } })).status;
    assert.equal(await purge(), 200);
    await admin.revoke(purger.key_id);
    assert.equal(await purge(), 401);
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

  it("protects the server that the root README shows", async () => {
    const [server] = blocks(readFileSync(ROOT_README, "utf8"), "js").filter((code) => code.startsWith("// server.mjs"));
    const credential = join(folder, "my-api.key");
    writeFileSync(credential, `${gateway.credential}\n`);
    const here = server.replace("http://127.0.0.1:8787", worker.url).replace("listen(3000", "listen(0").replace(/^http\.(.*);$/m, "const s = http.$1.on('listening', () => console.log(`http://127.0.0.1:${s.address().port}`));");
    writeFileSync(join(folder, "server.mjs"), here);
    const url = await started(process.execPath, ["server.mjs"], folder, { WARDKEY_CREDENTIAL_FILE: credential });
    const good = await fetch(url, { headers: authorization() });
    assert.deepEqual([good.status, await good.text()], [200, "hello svc:billing\n"]);
    assert.equal((await fetch(url)).status, 401);
  });

  it("lives on the next generation of its credential, and says that one has lapsed", async () => {
    const mine = await admin.deputy(["verifier:key-set", "verifier:verify"], ["api"]);
    const file = join(folder, "renewed.key");
    writeFileSync(file, `${mine.credential}\n`);
    const [renewing] = blocks(readFileSync(join(PACKAGE, "README.md"), "utf8"), "js").filter((code) => code.includes("const credential = async"));
    writeFileSync(join(folder, "renewing.mjs"), `${renewing}\nexport { credential };`);
    process.env.WARDKEY_CREDENTIAL_FILE = file;
    const { credential } = await import(pathToFileURL(join(folder, "renewing.mjs")));
    const [renewed, lapsed] = [await createVerifier({ url: worker.url, credential }), await createVerifier({ url: worker.url, credential: mine.credential })];
    const judged = (verifier, strict) => verifier.verify(key.key, "reports:read", { strict }).then(({ outcome, reason }) => reason ?? outcome);
    for (const verifier of [renewed, lapsed]) assert.equal(await judged(verifier, true), "allow");

    const next = await admin.post(`/v1/keys/${mine.keyId}/rotate`, { expires_in: 3_600 }, { headers: { "Idempotency-Key": "the-next-generation" } });
    assert.ok([200, 201].includes(next.status), next.text);
    // Both serve until the first one is retired.
    assert.equal(await judged(renewed, true), "allow");
    writeFileSync(file, `${next.json.key}\n`);
    assert.deepEqual([await judged(renewed, true), await judged(lapsed, true)], ["allow", "allow"]);
    assert.equal((await admin.post(`/v1/keys/${mine.keyId}/confirm`)).status, 200);

    assert.deepEqual([await judged(renewed, true), renewed.status().lastStrictError], ["allow", undefined]);
    assert.deepEqual([await judged(lapsed, true), lapsed.status().lastStrictError], ["registry_unavailable", "credential_refused"]);
    // What is not strict goes on without, also past fresh-for: the list takes no credential.
    await sleep(5_500);
    assert.deepEqual([await judged(lapsed, false), lapsed.status().lastListError], ["allow", undefined]);
    await assert.rejects(createVerifier({ url: worker.url, credential: mine.credential }), { code: "credential_refused" });
  });

  it("protects a server with Express", async () => {
    const url = await started("npm", ["start"], lifted("express"));
    const good = await fetch(`${url}/reports`, { headers: authorization() });
    assert.deepEqual([good.status, await good.json()], [200, { hello: "svc:billing", key: key.key_id }]);
    const refused = await fetch(`${url}/reports`);
    assert.deepEqual([refused.status, refused.headers.get("WWW-Authenticate")], [401, 'Bearer realm="wardkey"']);
    const status = await (await fetch(`${url}/healthz`)).json();
    assert.equal(status.zone, "fresh");
  });

  for (const [runtime, program, ...args] of [["deno", DENO, "task", "start"], ["bun", BUN, "run", "start"]]) {
    it(`protects a server with ${runtime}`, async () => {
      const url = await started(program, args, lifted(runtime));
      const good = await fetch(`${url}/reports`, { headers: authorization() });
      assert.deepEqual([good.status, await good.json()], [200, { hello: "svc:billing", key: key.key_id }]);
      const refused = await fetch(url, { headers: { Authorization: "Bearer nonsense" } });
      assert.deepEqual([refused.status, (await refused.json()).code], [401, "invalid_token"]);
    });
  }

  it("narrows a key in a page, sends it nowhere, and shows it to nobody who does not ask", async () => {
    const url = await started("npm", ["start"], lifted("narrow-page"));
    const wide = (await admin.create({ scopes: ["reports:read", "reports:write"], expires_in: 86_400 })).json;
    const opened = await browser();
    try {
      const context = await opened.newContext({ permissions: ["clipboard-read", "clipboard-write"] });
      const page = await context.newPage();
      const [asked, wrong] = [[], []];
      page.on("request", (request) => asked.push(`${request.method()} ${request.url()}`));
      page.on("pageerror", (error) => wrong.push(error.message));
      page.on("console", (message) => wrong.push(message.text()));
      await page.goto(url);
      const on = (selector) => page.locator(selector);
      const typed = (text) => on("#key").fill(text);
      const clipboard = () => page.evaluate("navigator.clipboard.readText()");

      // What is no key, or one that is mistyped, is said to be.
      await typed("hello");
      assert.equal(await on("#problem").innerText(), "The text is no key.");
      await typed(`${wide.key.slice(0, 40)}${wide.key[40] === "A" ? "B" : "A"}${wide.key.slice(41)}`);
      assert.match(await on("#problem").innerText(), /mistyped or cut short/);
      assert.equal(await on("#less").isVisible(), false);

      const loaded = asked.length;
      await typed(wide.key);
      assert.equal(await on("#problem").innerText(), "");
      const said = await on("#claims").innerText();
      for (const told of ["svc:billing", wide.key_id, "reports:read, reports:write", "never"]) assert.ok(said.includes(told), said);

      // Nothing taken away, and what is no option.
      const press = (name) => page.getByRole("button", { name }).click();
      await press("Narrow");
      assert.match(await on("#problem").innerText(), /^Change something first/);
      await on("#minutes").fill("soon");
      await press("Narrow");
      assert.match(await on("#problem").innerText(), /whole number/);
      await on("#minutes").fill("10");
      await on("#networks").fill("192.0.2.1/24");
      await press("Narrow");
      assert.match(await on("#problem").innerText(), /^Networks: .*no bits behind its prefix/);
      assert.equal(await on("#result").isVisible(), false);

      await on("#networks").fill("192.0.2.0/24, 2001:db8::/32");
      await page.getByLabel("reports:write").uncheck();
      await press("Narrow");
      assert.equal(await on("#problem").innerText(), "");
      assert.match(await on("#left").innerText(), /^It may do reports:read, and is dead from /);
      // Masked until somebody asks; and what was made before goes when a field changes.
      assert.equal(await on("#narrowed").getAttribute("type"), "password");
      await press("Copy");
      await on("#copied", { hasText: "Copied" }).waitFor();
      const narrowed = await clipboard();
      await press("Show");
      assert.deepEqual([await on("#narrowed").getAttribute("type"), await on("#narrowed").inputValue()], ["text", narrowed]);
      await press("Hide");
      assert.ok(!(await page.content()).includes(narrowed.slice(20)) && !(await on("body").innerText()).includes(narrowed.slice(20)));
      await on("#minutes").fill("11");
      assert.deepEqual([await on("#result").isVisible(), await on("#narrowed").inputValue()], [false, ""]);

      // By the list, and by the registry's own word.
      const verifier = await createVerifier({ url: worker.url, credential: gateway.credential });
      for (const strict of [false, true]) {
        const judged = async (scope, address) => (await verifier.verify(narrowed, scope, { address, strict })).reason ?? "allow";
        assert.deepEqual([await judged("reports:read", "192.0.2.7"), await judged("reports:write", "192.0.2.7"), await judged("reports:read", "198.51.100.1")], ["allow", "narrowed", "address_not_allowed"]);
      }
      const { narrowed: isNarrowed, expiresAt, keyId } = await verifier.verify(narrowed, "reports:read", { address: "2001:db8::1" });
      assert.deepEqual([isNarrowed, keyId], [true, wide.key_id]);
      assert.ok(Math.abs(expiresAt - Date.now() / 1000 - 600) < 60, `${expiresAt}`);

      // Nothing but the page's own files, and nothing at all since a key was there.
      assert.deepEqual(asked.slice(loaded), []);
      assert.ok(loaded > 5 && asked.every((each) => each.startsWith(`GET ${url}/`)), asked.join(" "));
      assert.ok(!asked.join().includes(wide.key.slice(20, 40)));
      assert.deepEqual(wrong, []);
      // Its policy stops what would send it: as a control, somebody's script in this page.
      const sent = await page.evaluate("fetch('https://elsewhere.test/').then(() => 'sent', () => 'refused')");
      assert.deepEqual([sent, wrong.some((text) => text.includes("Content Security Policy"))], ["refused", true]);
    } finally {
      await opened.close();
    }
  });

  it("makes no verifier in a browser", async () => {
    const { outputFiles } = await build({
      stdin: { contents: `import { createVerifier } from "wardkey"; createVerifier({});`, resolveDir: folder }, bundle: true, write: false, format: "esm",
      conditions: ["browser"], platform: "browser",
    });
    const { text } = outputFiles[0];
    await assert.rejects(import(`data:text/javascript,${encodeURIComponent(text)}`), { code: "no_verifier_in_browsers" });
    assert.ok(!text.includes("node:fs"));
  });

  /** Starts an example and answers the address that it prints. */
  async function started(command, args, cwd, more) {
    // As where they are installed: their own scripts find them.
    const path = [dirname(BUN), dirname(DENO), process.env.PATH].join(delimiter);
    const env = { ...process.env, PATH: path, WARDKEY_URL: worker.url, WARDKEY_CREDENTIAL: gateway.credential, PORT: "0", ...more };
    const server = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "inherit"], detached: true });
    running.push(server);
    for await (const line of server.stdout) {
      const match = /http:\S+/.exec(line);
      if (match) return match[0];
    }
    throw new Error("the server ended");
  }
});
