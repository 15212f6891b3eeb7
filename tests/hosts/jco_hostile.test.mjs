// The example of crates/hosts/jco where its host or its registry does what it should not.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { compiled } from "../../crates/hosts/jco/component.mjs";
import { Guard } from "../../crates/hosts/jco/guard.mjs";
import { Registry } from "../../crates/hosts/jco/registry.mjs";
import { transpile } from "../../crates/hosts/jco/transpile.mjs";
import { MemoryRegistry } from "../harness/memory_registry.mjs";

const COMPONENT = fileURLToPath(new URL("../../target/wardkey.verifying.component.wasm", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "wardkey-jco-hostile-"));
await transpile(COMPONENT, folder);
const instantiate = await compiled(folder);
after(() => rmSync(folder, { recursive: true }));

/** What a guard asks, from a registry in memory. */
class Asked {
  memory = new MemoryRegistry();
  isHanging = false;
  keySet = () => this.#given(() => ({ bytes: this.memory.keySet() }));
  head = () => this.#given(() => this.memory.head());
  state = () => this.#given(() => this.memory.state());
  guard = () => new Guard(instantiate, this, { now: () => this.memory.now });
  #given = async (answer) => (this.isHanging ? new Promise(() => {}) : answer());
}

describe("the component by jco, where others do what they should not", () => {
  it("waits once a second for a key set that hangs", async () => {
    const registry = new Asked();
    // The list says that 3 is the least.
    registry.memory.keySet = () => MemoryRegistry.prototype.keySet.call({ edition: 2 });
    const guard = registry.guard();
    const request = { url: "/", rawHeaders: ["Authorization", `Bearer ${registry.memory.key}`] };
    const waited = async () => {
      const start = performance.now();
      assert.equal((await guard.judge(request, ["invoice:list"])).deny?.reason, "no_key_set");
      return performance.now() - start;
    };
    await waited();
    registry.isHanging = true;
    registry.memory.now += 2_100;
    const first = await waited();
    assert.ok(first > 400 && first < 3_000, `${first}`);
    for (let call = 0; call < 20; call++) assert.ok((await waited()) < 400);
    registry.memory.now += 1_100;
    const second = await waited();
    assert.ok(second > 400 && second < 3_000, `${second}`);
  });

  it("answers 503 where nothing can be judged, and throws at nobody who does not catch it", async () => {
    const registry = new Asked();
    const listener = registry.guard().protect("invoice:unknown", () => assert.fail("nobody may come here"));
    const server = http.createServer(listener);
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    const answer = await fetch(`http://127.0.0.1:${server.address().port}/`, { headers: { Authorization: `Bearer ${registry.memory.key}` } });
    assert.deepEqual([answer.status, (await answer.json()).code, answer.headers.get("retry-after")], [503, "verifier_failed", "1"]);
    server.close();
  });

  it("follows nobody elsewhere: neither the credential nor a key goes there", async () => {
    const listening = async (listener) => {
      const server = http.createServer(listener);
      await new Promise((done) => server.listen(0, "127.0.0.1", done));
      return { server, url: `http://127.0.0.1:${server.address().port}` };
    };
    const heard = [];
    const elsewhere = await listening((request, response) => response.end(void heard.push(request.url) ?? "{}"));
    const here = await listening((_, response) => response.writeHead(307, { Location: `${elsewhere.url}/` }).end());
    const registry = new Registry({ url: here.url, credential: "credential" });
    const asked = [() => registry.keySet(), () => registry.head(1), () => registry.state(1, "1-0"), () => registry.confirm({ key: "key", scopes: ["invoice:list"] })];
    for (const ask of asked) await assert.rejects(ask, { code: "registry_refused" });
    assert.deepEqual(heard, []);
    for (const { server } of [here, elsewhere]) server.close();
  });
});
