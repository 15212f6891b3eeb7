// Forward auth: how often the registry is asked, and what is answered when it is away.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, it } from "node:test";

import { eventually } from "../harness/client.mjs";
import { ask, bearer, PROXIES } from "../harness/forward_auth.mjs";
import { flipped, KeyText } from "../harness/key_text.mjs";
import { Proxy, Service } from "../harness/proxy.mjs";
import { Worker } from "../harness/worker.mjs";

// Each with a worker of its own, and most of them wait: side by side.
describe("what the registry is asked, and when it is away", { concurrency: true }, () => {
  // One after the other: the harness knows a workerd by when it was started.
  let starting = Promise.resolve();
  const start = (options) => (starting = starting.then(() => Worker.start(options)));

  it("nothing for what is no well-formed key of the tenant, and nothing for a forged one once the key set is there", async () => {
    const worker = await start({ shim: true });
    const admin = await worker.administrator();
    const { key } = (await admin.create({})).json;
    const text = KeyText.parse(key);
    const forged = text.with({ tag: flipped(text.tag) }).text;
    await worker.shim("fail");
    const before = await worker.shimCalls();
    // Cold: only a key that might be one makes it ask, and then no answer is no allow and no 401.
    for (const one of ["hunter2", key.slice(0, -1), text.with({ base: { tenant: 2 } }).text]) assert.equal((await ask(worker, one)).status, 401);
    assert.equal(await worker.shimCalls(), before);
    for (const one of [key, forged]) {
      const answer = await ask(worker, one);
      assert.deepEqual([answer.status, answer.json.code], [503, "no_key_set"]);
      assert.ok(Number(answer.headers["retry-after"]) > 0);
      assert.equal(answer.headers["www-authenticate"], undefined);
    }
    assert.equal(await worker.shimCalls(), before + 2);
    await worker.shim("pass");
    // An epoch that is not known is asked about once in 5 s: so many questions at most, however long the calls take.
    let since = performance.now();
    const most = () => Math.floor((performance.now() - since) / 5_000);
    assert.equal((await ask(worker, key)).status, 200);
    const warm = await worker.shimCalls();
    for (let n = 0; n < 50; n++) {
      const one = n % 2 ? text.with({ tag: randomBytes(16) }) : text.with({ base: { epoch: 2 } });
      assert.equal((await ask(worker, one.text)).status, 401);
    }
    const asked = await worker.shimCalls();
    assert.ok(asked - warm <= most(), `${asked - warm} questions`);
    // A key of an epoch that is not known may be of a new one.
    await sleep(5_100);
    since = performance.now();
    for (let n = 0; n < 10; n++) assert.equal((await ask(worker, text.with({ base: { epoch: 2 } }).text)).status, 401);
    const more = (await worker.shimCalls()) - asked;
    assert.ok(more >= 1 && more <= 1 + most(), `${more} questions`);
    // Nor does it turn into anything else when nobody answers.
    await worker.shim("hang");
    await sleep(5_100);
    assert.equal((await ask(worker, text.with({ base: { epoch: 2 } }).text)).status, 401);
  });

  it("once for a cold burst of one audience, and what would ask more often is limited", async () => {
    const worker = await start({ limit: 3 });
    const admin = await worker.administrator();
    const { key } = (await admin.create({})).json;
    const burst = await Promise.all(Array.from({ length: 50 }, () => ask(worker, key)));
    assert.deepEqual([...new Set(burst.map(({ status }) => status))], [200]);
    // One of three is used up: two more names may be asked for, and then no more.
    const statuses = [];
    for (const name of ["a", "b", "c", "d"]) {
      const answer = await ask(worker, key, { route: `/v1/forward-auth/1/${name}?scope=reports:read` });
      statuses.push(answer.status);
      if (answer.status === 429) {
        assert.equal(answer.json.code, "too_many_requests");
        assert.ok(Number(answer.headers["retry-after"]) > 0);
      }
    }
    assert.deepEqual(statuses, [401, 401, 429, 429]);
    for (let n = 0; n < 10; n++) assert.equal((await ask(worker, key)).status, 200);
  });

  it("a key of a new epoch is judged by a new key set, and one of a compromised epoch dies", async () => {
    const worker = await start();
    const admin = await worker.administrator();
    const { key: old } = (await admin.create({})).json;
    assert.equal((await ask(worker, old)).status, 200);
    await sleep(5_100);
    const rotated = await admin.post("/v1/signing-keys/api/rotate", { compromised: true, reason: "found in a log" });
    assert.ok(rotated.status < 300, rotated.text);
    const { key } = (await admin.create({})).json;
    assert.equal((await ask(worker, key)).status, 200);
    // The isolate has the new key set at once: what it does not hold it does not know.
    const dead = await ask(worker, old);
    assert.deepEqual([dead.status, dead.json.code], [401, "invalid_token"]);
  });

  it("a tenant that was destroyed is as unknown as one that never was, strictly at once and otherwise within the bound", async () => {
    const worker = await start();
    const admin = await worker.administrator();
    const { key } = (await admin.create({ scopes: ["reports:read", "reports:purge"] })).json;
    assert.equal((await ask(worker, key)).status, 200);
    const unknown = await ask(worker, "hunter2");
    assert.equal((await admin.post("/v1/tenant/destroy", { confirm: 1 })).status, 200);
    assert.equal((await ask(worker, key, { route: "/v1/forward-auth/1/api?scope=reports:purge" })).likeness, unknown.likeness);
    await eventually("a refusal", async () => (await ask(worker, key)).likeness === unknown.likeness, 10_000);
    // And where nothing is held.
    assert.equal((await ask(worker, key, { route: "/v1/forward-auth/1/jobs?scope=jobs:run" })).likeness, unknown.likeness);
  });

  it("a level's figure counts, as for /v1/verify: then 503 and never an allow", async () => {
    const worker = await start({ shim: true });
    const admin = await worker.administrator();
    const keys = (await admin.create({ scopes: ["reports:read", "reports:export", "reports:purge"] })).json;
    const at = (scope) => ask(worker, keys.key, { route: `/v1/forward-auth/1/api?scope=${scope}` });
    for (const scope of ["reports:read", "reports:export", "reports:purge"]) assert.equal((await at(scope)).status, 200);
    const warmed = Date.now();
    await worker.shim("hang");
    const strict = await at("reports:purge");
    assert.deepEqual([strict.status, strict.json.code], [503, "registry_unavailable"]);
    await sleep(6_000);
    for (const scope of ["reports:read", "reports:export"]) assert.equal((await at(scope)).status, 200, scope);
    await sleep(Math.max(0, warmed + 31_500 - Date.now()));
    const high = await at("reports:export");
    assert.deepEqual([high.status, high.json.code], [503, "list_stale"]);
    assert.equal((await at("reports:read")).status, 200);
    await worker.shim("pass");
    await sleep(1_100);
    for (const scope of ["reports:read", "reports:export", "reports:purge"]) assert.equal((await at(scope)).status, 200, scope);
  });

  for (const kind of PROXIES) {
    it(`${kind} passes on 503 for what cannot be judged, and what the list may still decide`, async () => {
      const worker = await start({ shim: true });
      const admin = await worker.administrator();
      const { key } = (await admin.create({ scopes: ["reports:read", "reports:purge"] })).json;
      const service = await Service.start();
      const usual = await Proxy.start(kind, { backend: worker.url, service });
      const strict = await Proxy.start(kind, { backend: worker.url, service, changes: { "scope=reports:read": "scope=reports:purge" } });
      const sent = (proxy) => proxy.request("GET", "/", [bearer(key)]);
      const unjudged = (answer, code) => {
        assert.deepEqual([answer.status, answer.json.code], [503, code]);
        assert.ok(Number(answer.headers["retry-after"]) > 0);
        assert.equal(answer.headers["www-authenticate"], undefined);
        assert.deepEqual(service.seen(), []);
      };
      for (const mode of ["fail", "hang"]) {
        await worker.shim(mode);
        unjudged(await sent(usual), "no_key_set");
      }
      await worker.shim("pass");
      for (const proxy of [usual, strict]) assert.equal((await sent(proxy)).status, 200);
      assert.equal(service.seen().length, 2);
      for (const mode of ["fail", "hang", "mute"]) {
        await worker.shim(mode);
        unjudged(await sent(strict), "registry_unavailable");
        assert.equal((await sent(usual)).status, 200);
        assert.equal(service.seen().length, 1);
      }
    });

    it(`${kind} passes on 429 when too many ask for the first time`, async () => {
      const worker = await start({ limit: 1 });
      const admin = await worker.administrator();
      assert.equal((await worker.client().get("/v1/list/1/head")).status, 200);
      const { key } = (await admin.create({})).json;
      const service = await Service.start();
      const proxy = await Proxy.start(kind, { backend: worker.url, service });
      const answer = await proxy.request("GET", "/", [bearer(key)]);
      assert.deepEqual([answer.status, answer.json.code], [429, "too_many_requests"]);
      assert.ok(Number(answer.headers["retry-after"]) > 0);
      assert.deepEqual(service.seen(), []);
    });
  }
});
