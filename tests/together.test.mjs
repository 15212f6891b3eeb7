// Many at once.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { KeyText } from "./harness/key_text.mjs";
import { parseHead, State, statePath } from "./harness/revocation_list.mjs";
import { Worker } from "./harness/worker.mjs";

const together = (count, act) => Promise.all(Array.from({ length: count }, (_, n) => act(n)));

describe("many at once", () => {
  let worker, admin;

  before(async () => {
    worker = await Worker.start();
    admin = await worker.administrator();
  });

  it("the same request under one Idempotency-Key happens once, and all are given the same key", async () => {
    const answers = await together(20, () => admin.create({ name: "once" }, { idempotencyKey: "once" }));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [...Array(19).fill(200), 201]);
    assert.equal(new Set(answers.map(({ json }) => json.key)).size, 1);
    assert.equal(worker.book("SELECT count(*) AS n FROM key WHERE name = 'once'")[0].n, 1);
    const target = answers[0].json.key_id;
    assert.equal((await admin.audit()).filter((entry) => entry.target === target).length, 1);
  });

  it("different requests under one Idempotency-Key: one happens, the others are 422", async () => {
    const answers = await together(10, (n) => admin.create({ name: `rival-${n}` }, { idempotencyKey: "rivals" }));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, ...Array(9).fill(422)]);
    assert.equal(worker.book("SELECT count(*) AS n FROM key WHERE name LIKE 'rival-%'")[0].n, 1);
  });

  it("creates share no status index, and revocations all stand in the list", async () => {
    const made = await together(60, () => admin.create({}));
    const indexes = made.map(({ json }) => KeyText.parse(json.key).statusIndex);
    assert.equal(new Set(indexes).size, 60);
    const half = made.filter((_, n) => n % 2 === 0);
    const revoked = await together(half.length, (n) => admin.revoke(half[n].json.key_id));
    const sequences = revoked.map(({ json }) => json.list_sequence);
    assert.equal(new Set(sequences).size, half.length);
    const head = parseHead((await worker.client().get("/v1/list/1/head")).bytes);
    assert.equal(head.sequence, Math.max(...sequences));
    const state = new State((await worker.client().get(statePath(1, head))).bytes);
    assert.equal(state.digest, head.digest);
    assert.deepEqual(indexes.map((index) => state.isDead(index)), indexes.map((_, n) => n % 2 === 0));
  });

  it("revocations of one key happen once, whatever their keys", async () => {
    const { key_id } = (await admin.create({})).json;
    const answers = await together(10, (n) => admin.revoke(key_id, { reason: `try ${n}` }));
    assert.equal(new Set(answers.map(({ json }) => json.list_sequence)).size, 1);
    assert.equal(new Set(answers.map(({ json }) => json.generations[0].end_reason)).size, 1);
    // Each act is in the log, the one that had an effect and those that had none.
    assert.equal((await admin.audit()).filter(({ target, action }) => target === key_id && action === "key.revoke").length, 10);
  });

  it("a cold isolate decides a burst of verifications, all of them", async () => {
    const { key } = (await admin.create({})).json;
    await worker.restart();
    const answers = await together(200, () => admin.verify(key));
    const decisions = answers.map(({ status, json }) => `${status} ${json.decision} ${json.reason ?? ""}`.trim());
    assert.deepEqual([...new Set(decisions)], ["200 allow"]);
  });
});
