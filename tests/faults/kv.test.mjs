// KV as it is in production, and worse: it lags for minutes, remembers that nothing was there, refuses, and lets an older write win. It
// is neither the truth nor the bound, so that nobody is ever told what is no longer so, and no acknowledged write is lost.

import assert from "node:assert/strict";
import { before, beforeEach, describe, it } from "node:test";

import { eventually } from "../harness/client.mjs";
import { Worker } from "../harness/worker.mjs";

const MINUTE = 60_000;
const WELL = { lagMs: 0, negativeMs: 0, get: 0, put: 0, overtake: false };
const REFUSALS = ["429 Too Many Requests", "500 Internal Server Error"];

describe("a key's record, behind a KV that misbehaves", () => {
  let worker, admin, verifier;
  let ahead = 0;

  before(async () => {
    worker = await Worker.start({ world: true });
    admin = await worker.administrator();
    verifier = await admin.deputy(["verifier:verify"], ["api"]);
    await worker.published();
  });

  beforeEach(() => worker.world({ kv: WELL }));

  const make = async (request) => {
    const made = await admin.create({ scopes: ["reports:read", "reports:purge"], expires_in: 24 * 3600, ...request });
    assert.equal(made.status, 201, made.text);
    return made.json;
  };
  const read = async (keyId) => {
    const answer = await admin.read(keyId);
    assert.equal(answer.status, 200, answer.text);
    return { state: answer.json.generations[0].state, from: answer.headers["wardkey-record"], name: answer.json.name };
  };
  const decision = async (key, scopes = ["reports:purge"]) => (await verifier.verify(key, { scopes })).json.decision;
  const later = (ms) => worker.world({ clock: { clockMs: (ahead += ms) } });

  it("is never shown as it was before, while what KV has lags by ten minutes", async () => {
    const { key, key_id } = await make();
    await worker.published();
    assert.deepEqual(await read(key_id), { state: "pending", from: "kv", name: null });
    await worker.world({ kv: { lagMs: 10 * MINUTE } });
    const before = await worker.world();
    assert.equal(await decision(key), "allow");
    assert.equal((await read(key_id)).state, "active");
    await worker.published();
    assert.deepEqual(await read(key_id), { state: "active", from: "registry", name: null });
    assert.equal((await admin.revoke(key_id, { reason: "leaked" })).status, 200);
    await worker.published();
    for (const wait of [0, 2 * MINUTE, 7 * MINUTE]) {
      await later(wait);
      assert.deepEqual(await read(key_id), { state: "revoked", from: "registry", name: null }, `after ${wait} ms more`);
      assert.equal(await decision(key), "deny");
    }
    // Control: what KV gave was old, and ten minutes later it is not.
    assert.ok((await worker.world()).stale - before.stale >= 4);
    await later(10 * MINUTE);
    assert.deepEqual(await read(key_id), { state: "revoked", from: "kv", name: null });
  });

  it("is read from the registry for as long as KV remembers that there was none", async () => {
    await worker.world({ kv: { put: REFUSALS[0], negativeMs: MINUTE } });
    const { key_id } = await make({ name: "early" });
    assert.deepEqual(await read(key_id), { state: "pending", from: "registry", name: "early" });
    await worker.world({ kv: { put: 0 } });
    await worker.published();
    const before = await worker.world();
    assert.deepEqual(await read(key_id), { state: "pending", from: "registry", name: "early" });
    assert.equal((await worker.world()).negatives - before.negatives, 1);
    await later(MINUTE + 1);
    assert.deepEqual(await read(key_id), { state: "pending", from: "kv", name: "early" });
  });

  for (const refusal of REFUSALS) {
    it(`stays due until KV takes it, when KV says ${refusal}`, async () => {
      await worker.world({ kv: { put: refusal } });
      const before = await worker.world();
      const { key, key_id } = await make();
      assert.equal((await admin.revoke(key_id, { reason: "leaked" })).status, 200);
      await eventually("refused writes", async () => (await worker.world()).refusedPuts - before.refusedPuts >= 2, 20_000);
      assert.equal(worker.book("SELECT count(*) AS n FROM outbox WHERE key_id = ?", { values: [key_id] })[0].n, 1);
      assert.deepEqual(await read(key_id), { state: "revoked", from: "registry", name: null });
      assert.equal(await decision(key), "deny");
      await worker.world({ kv: { put: 0 } });
      await eventually("the record in KV", async () => (await read(key_id)).from === "kv", 30_000);
    });

    it(`is read from the registry when KV says ${refusal}`, async () => {
      const { key_id } = await make();
      await worker.published();
      assert.equal((await read(key_id)).from, "kv");
      await worker.world({ kv: { get: refusal } });
      const before = await worker.world();
      assert.deepEqual(await read(key_id), { state: "pending", from: "registry", name: null });
      assert.equal((await worker.world()).refusedGets - before.refusedGets, 1);
    });
  }

  it("is read from the registry when KV does not answer", async () => {
    const { key_id } = await make();
    await worker.published();
    await worker.world({ kv: { get: "hang" } });
    assert.deepEqual(await read(key_id), { state: "pending", from: "registry", name: null });
    assert.equal((await worker.world()).hung, 1);
  });

  it("is never an older one that was written last", async () => {
    const { key_id } = await make({ name: "first" });
    await worker.published();
    await worker.world({ kv: { overtake: true } });
    const before = await worker.world();
    for (const name of ["second", "third"]) {
      const changed = await admin.request("PATCH", `/v1/keys/${key_id}`, { body: { name } });
      assert.equal(changed.status, 200, changed.text);
      await worker.published();
    }
    // Control: the second is what lies in KV now, by itself a record that opens.
    assert.equal((await worker.world()).overtaken - before.overtaken, 1);
    assert.deepEqual(await read(key_id), { state: "pending", from: "registry", name: "third" });
    await worker.world({ kv: { overtake: false } });
    assert.equal((await admin.revoke(key_id)).status, 200);
    await worker.published();
    assert.deepEqual(await read(key_id), { state: "revoked", from: "kv", name: "third" });
  });

  it("is on the way of no verification, nor of the list", async () => {
    const [good, bad] = [await make(), await make()];
    assert.equal((await admin.revoke(bad.key_id)).status, 200);
    await worker.published();
    // From cold: the isolate holds neither key set nor list.
    await worker.restart();
    await worker.world({ clock: { clockMs: ahead }, kv: { get: REFUSALS[1], put: REFUSALS[1] } });
    for (const scopes of [["reports:read"], ["reports:purge"]]) {
      assert.equal(await decision(good.key, scopes), "allow");
      assert.equal(await decision(bad.key, scopes), "deny");
    }
    // Control: KV is as broken as it was said to be.
    assert.equal((await read(good.key_id)).from, "registry");
    assert.ok((await worker.world()).refusedGets >= 1);
  });
});
