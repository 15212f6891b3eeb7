// The holder's side in Workers, and as browsers load it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";

import { build } from "esbuild";
import { Miniflare } from "miniflare";

import { Listener } from "../harness/listener.mjs";
import { vectors } from "../harness/vectors.mjs";

const key = vectors("key")[0].case.key;
const [narrowing] = vectors("mint_narrow").filter(({ name }) => name === "narrow the worked example");
const folder = new URL("../../crates/js/js/", import.meta.url);
const wasm = readFileSync(new URL("wasm/wardkey.holder.wasm", folder));

describe("in workerd", () => {
  const worker = `
    import { inspect, narrow, ready, redact, redactingConsole, wardkeyFetch } from "./holder/index.mjs";
    export default {
      async fetch(request) {
        await ready;
        const { key, options, origins, urls } = await request.json();
        if (urls) {
          const dates = [];
          const ask = wardkeyFetch({ key, origins, onRotateBy: (date) => dates.push(date.getTime()) });
          const answers = [];
          for (const url of urls) answers.push(await ask(url, { headers: { cookie: "a=b" } }).then(({ status }) => status, ({ code }) => code));
          return Response.json({ answers, dates });
        }
        const shown = [];
        redactingConsole({ log: (...values) => shown.push(...values) }).log("a", { key });
        return Response.json({ narrowed: narrow(key, options), subject: inspect(key).unproven.subject, text: redact("é " + key), shown });
      },
    };`;
  const [home, stranger] = [new Listener(), new Listener()];
  let miniflare;
  before(async () => {
    const { outputFiles } = await build({
      stdin: { contents: worker, resolveDir: folder.pathname, sourcefile: "worker.mjs" }, bundle: true, write: false, format: "esm", conditions: ["workerd", "worker"], external: ["*.wasm"],
    });
    const modules = { "worker.mjs": { type: "esm", contents: outputFiles[0].text }, "wardkey.holder.wasm": { type: "wasm", contents: new Uint8Array(wasm) } };
    await Promise.all([home, stranger].map((server) => server.listen()));
    const config = { name: "holder", compatibilityDate: "2026-10-20", manifest: { mainModule: "worker.mjs", modulesRoot: folder.pathname, modules } };
    miniflare = new Miniflare({ workers: [{ config }], host: "127.0.0.1", port: 0, cf: false, enableDevRegistry: false, telemetry: { enabled: false } });
    await miniflare.ready;
  });
  after(async () => {
    for (const server of [home, stranger]) server.close();
    await miniflare?.dispose();
  });
  const ask = async (message) => {
    const worker = await miniflare.getWorker("holder");
    return (await worker.fetch("http://a.test/", { method: "POST", body: JSON.stringify(message) })).json();
  };

  it("narrows, inspects and redacts", async () => {
    const { scopes, expires_at: expiresAt } = narrowing.case.fields;
    const { shown, ...rest } = await ask({ key, options: { scopes, expiresAt } });
    assert.deepEqual(rest, { narrowed: narrowing.expect.ok, subject: "svc:billing", text: "é example_test_[redacted key_0011223344556677]" });
    assert.ok(shown.join().includes("[redacted") && !shown.join().includes(key.slice(20)), shown.join());
  });

  it("sends a key to its origins and nobody else", async () => {
    const to = (url) => `${home.origin}/302?to=${encodeURIComponent(url)}`;
    const urls = [`${home.origin}/200?wardkey-rotate-by=${encodeURIComponent("Fri, 15 Jan 2027 08:00:00 GMT")}`, to("/204"), to(`${stranger.origin}/201`), `${stranger.origin}/202`, to("http://example.com/")];
    assert.deepEqual(await ask({ key, origins: [home.origin], urls }), { answers: [200, 204, 201, 202, "redirect_refused"], dates: [1_800_000_000_000] });
    assert.equal(home.said.split(`Bearer ${key}`).length - 1, 5);
    assert.deepEqual(stranger.heard.map(({ path, headers }) => [path, headers.authorization, headers.cookie]), [["/201", undefined, undefined], ["/202", undefined, "a=b"]]);
  });
});

describe("as browsers load it", () => {
  const { fetch } = globalThis;
  after(() => { globalThis.fetch = fetch; });
  /** The loader, anew, with a server that answers like this. */
  const load = (answer) => {
    globalThis.fetch = async () => answer();
    return import(new URL(`wasm/holder.browser.mjs?${Math.random()}`, folder));
  };
  const typed = (type) => () => new Response(wasm, { headers: type === undefined ? {} : { "content-type": type } });

  it("is not there before it is ready, whatever type the server gives it", async () => {
    for (const type of ["application/wasm", "application/wasm; charset=x", "application/octet-stream", undefined]) {
      const loaded = await load(typed(type));
      assert.equal(loaded.module, undefined);
      await loaded.ready;
      assert.ok(loaded.module instanceof WebAssembly.Module);
    }
  });

  it("says what went wrong to whoever waits, and to nobody else", async () => {
    const answers = [[() => new Response(wasm, { status: 404 }), /HTTP 404/], [() => { throw new TypeError("offline"); }, /offline/], [() => new Response("<html>"), WebAssembly.CompileError]];
    for (const [answer, what] of answers) {
      const loaded = await load(answer);
      await new Promise((turn) => setTimeout(turn, 20));
      await assert.rejects(loaded.ready, what);
      assert.equal(loaded.module, undefined);
    }
  });

  it("refuses to work before, by a code, and shows nothing", async () => {
    const page = `
      import { narrow, pinoRedact, redact, redactingConsole } from "./holder/index.mjs";
      export { ready } from "./holder/index.mjs";
      export const codes = (key) => [() => narrow(key, { scopes: [0] }), () => redact(key)].map((call) => { try { return call(); } catch ({ code }) { return code; } });
      export const shown = (key) => { const lines = []; redactingConsole({ log: (line) => lines.push(line) }).log(key); return [...lines, pinoRedact(JSON.stringify({ level: 30, msg: key }))]; };`;
    const { outputFiles } = await build({ stdin: { contents: page, resolveDir: folder.pathname, sourcefile: "page.mjs" }, bundle: true, write: false, format: "esm", conditions: ["browser"] });
    let release;
    globalThis.fetch = () => new Promise((answer) => { release = () => answer(typed("application/wasm")()); });
    // A page's module has an address that others are relative to; a data: URL is none.
    const text = outputFiles[0].text.replaceAll("import.meta.url", JSON.stringify("https://a.test/page.mjs"));
    const { codes, shown, ready } = await import(`data:text/javascript;base64,${Buffer.from(text).toString("base64")}`);
    assert.deepEqual(codes(key), ["module_not_ready", "module_not_ready"]);
    assert.deepEqual(shown(key), ["[not shown: it could not be redacted]", '{"level":30,"msg":"[not shown: it could not be redacted]"}\n']);
    release();
    await ready;
    assert.ok(codes(key)[0].startsWith("example_test_") && codes(key)[1].startsWith("example_test_[redacted"));
    assert.ok(shown(key).every((line) => line.includes("[redacted")));
  });
});
