// What browsers get, in Chromium: the key reaches its origins and nobody else, what is not ready says so, and no verifier is made.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

import { Listener } from "../harness/listener.mjs";
import { browser, Files } from "../harness/portable/chromium.mjs";
import { vectors } from "../harness/vectors.mjs";

const key = vectors("key")[0].case.key;
const PACKAGE = fileURLToPath(new URL("../../crates/js/js/", import.meta.url));
const wasm = readFileSync(`${PACKAGE}wasm/wardkey.holder.wasm`);

/** A module as a bundler makes it for browsers. */
async function forBrowsers(contents) {
  const options = { stdin: { contents, resolveDir: PACKAGE, sourcefile: "page.mjs" }, bundle: true, write: false, format: "esm", conditions: ["browser"], platform: "browser" };
  return (await build(options)).outputFiles[0].text;
}

describe("in Chromium", () => {
  const [home, stranger] = [new Listener(), new Listener()];
  const served = new Map([["/", "<!doctype html>"], ["/favicon.ico", ""], ["/wardkey.holder.wasm", wasm]]);
  const pages = new Files((path) => served.get(path));
  let opened;

  before(async () => {
    served.set("/holder.mjs", await forBrowsers(`export * from "./holder/index.mjs";`));
    served.set("/verifier.mjs", await forBrowsers(`export * from "./index.mjs";`));
    served.set("/lost/holder.mjs", served.get("/holder.mjs"));
    await Promise.all([home, stranger, pages].map((server) => server.listen()));
    opened = await browser();
  });
  after(async () => {
    await opened?.close();
    for (const server of [home, stranger, pages]) server.close();
  });

  /** Runs a function of a module's exports, and what it is given, in a new page. */
  async function inPage(path, act, given) {
    const page = await opened.newPage();
    try {
      await page.goto(`${pages.origin}/`);
      return await page.evaluate(`import(${JSON.stringify(path)}).then((module) => (${act})(module, ${JSON.stringify(given)}))`);
    } finally {
      await page.close();
    }
  }

  const open = `access-control-allow-origin=${encodeURIComponent("*")}&access-control-allow-headers=${encodeURIComponent("authorization, x-api-key")}&access-control-expose-headers=wardkey-rotate-by`;

  it("sends a key to its origins, tells by when to rotate, and refuses redirects", async () => {
    const rotate = `wardkey-rotate-by=${encodeURIComponent("Fri, 15 Jan 2027 08:00:00 GMT")}`;
    const urls = [`${home.origin}/200?${open}&${rotate}`, `${stranger.origin}/201?${open}`, `${home.origin}/302?${open}&to=${encodeURIComponent(`${stranger.origin}/202?${open}`)}`];
    const ask = async ({ wardkeyFetch }, { key, origins, urls }) => {
      const dates = [];
      const fetch = wardkeyFetch({ key, origins, onRotateBy: (date) => dates.push(date.getTime()) });
      const answers = [];
      for (const url of urls) answers.push(await fetch(url).then(({ status }) => status, ({ code, stack }) => [code, `${stack}`.includes(key.slice(20))]));
      return { answers, dates };
    };
    assert.deepEqual(await inPage("/holder.mjs", ask, { key, origins: [home.origin], urls }), { answers: [200, 201, ["redirect_refused", false]], dates: [1_800_000_000_000] });
    const asked = ({ method }) => method === "GET";
    assert.deepEqual(home.heard.filter(asked).map(({ headers }) => headers.authorization), [`Bearer ${key}`, `Bearer ${key}`]);
    assert.deepEqual(stranger.heard.filter(asked).map(({ path, headers }) => [path.slice(0, 4), headers.authorization]), [["/201", undefined]]);
  });

  it("says by a code that the module is not there yet, or could not be fetched, and shows nothing", async () => {
    const early = async ({ narrow, ready, redact, redactingConsole }, key) => {
      const codes = () => [() => narrow(key, { scopes: [0] }), () => redact(key)].map((call) => { try { return call().slice(0, 22); } catch ({ code }) { return code; } });
      const shown = [];
      redactingConsole({ log: (line) => shown.push(line) }).log(key);
      return [codes(), shown, await ready.then(() => "ready", ({ message }) => message), codes()];
    };
    const refused = ["module_not_ready", "module_not_ready"];
    const hidden = ["[not shown: it could not be redacted]"];
    const [before, shown, ready, after] = await inPage("/holder.mjs", early, key);
    assert.deepEqual([before, shown, ready], [refused, hidden, "ready"]);
    assert.ok(after[0].startsWith("example_test_") && after[1] === "example_test_[redacted", JSON.stringify(after));
    assert.deepEqual(await inPage("/lost/holder.mjs", early, key), [refused, hidden, "the module cannot be fetched: HTTP 404", refused]);
  });

  it("makes no verifier, and fetches nothing for one", async () => {
    const code = await inPage("/holder.mjs", () => import("/verifier.mjs").then(() => "made", ({ code }) => code));
    assert.equal(code, "no_verifier_in_browsers");
    assert.ok(!pages.asked.some((path) => path.includes("verifier.wasm")));
  });
});
