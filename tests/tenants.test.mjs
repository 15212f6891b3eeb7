// Two tenants of one deployment: nothing of one is seen or touched from the other.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { KeyText } from "./harness/key_text.mjs";
import { parseHead, statePath } from "./harness/revocation_list.mjs";
import { bootstrapToken, Worker } from "./harness/worker.mjs";

describe("two tenants of one deployment", () => {
  let worker, first, second, key, keyId;

  before(async () => {
    worker = await Worker.start();
    first = await worker.administrator({ subject: "ops:first" });
    await worker.restart({ token: bootstrapToken({ tenant: 2 }) });
    second = await worker.administrator({ subject: "ops:second" });
    ({ key, key_id: keyId } = (await first.create({ name: "of the first" })).json);
  });

  it("each have keys that name their tenant", async () => {
    const other = (await second.create({})).json;
    assert.equal(KeyText.parse(key).base.readUInt16BE(1), 1);
    assert.equal(KeyText.parse(other.key).base.readUInt16BE(1), 2);
    assert.equal((await second.verify(other.key)).json.tenant, 2);
  });

  it("see nothing of each other", async () => {
    const absent = await second.read("key_0011223344556677");
    assert.equal(absent.status, 404);
    assert.equal((await second.read(keyId)).likeness, absent.likeness);
    assert.equal((await first.read(keyId)).json.name, "of the first");
    const log = await second.audit();
    assert.ok(log.length > 0);
    assert.ok(log.every(({ actor, target }) => actor?.subject !== "ops:first" && target !== keyId));
  });

  it("revoke nothing of each other", async () => {
    assert.equal((await second.revoke(keyId)).status, 404);
    assert.equal((await first.verify(key, { strict: true })).json.decision, "allow");
    assert.equal((await first.read(keyId)).json.generations[0].state, "active");
  });

  it("verify nothing of each other", async () => {
    const unknown = await second.verify("hunter2");
    for (const request of [{}, { strict: true }]) {
      assert.equal((await second.verify(key, request)).likeness, unknown.likeness);
      assert.equal((await first.verify(key, request)).json.decision, "allow");
    }
    // Not even with the tenant's number changed and the checksum put right.
    const moved = KeyText.parse(key).with({ base: { tenant: 2 } }).text;
    assert.equal((await second.verify(moved)).likeness, unknown.likeness);
    const movedAdmin = worker.client(KeyText.parse(first.credential).with({ base: { tenant: 2 } }).text);
    assert.equal((await movedAdmin.get("/v1/audit")).status, 401);
  });

  it("have lists of their own", async () => {
    const heads = [];
    for (const tenant of [1, 2]) heads.push(parseHead((await worker.client().get(`/v1/list/${tenant}/head`)).bytes));
    assert.deepEqual(heads.map(({ tenant }) => tenant), [1, 2]);
    assert.notEqual(heads[0].digest, heads[1].digest);
    assert.equal((await worker.client().get(statePath(2, heads[0]))).status, 404);
    assert.equal((await worker.client().get(statePath(1, heads[0]))).status, 200);
  });

  it("use the same Idempotency-Key without meeting", async () => {
    const [one, two] = [await first.create({}, { idempotencyKey: "same" }), await second.create({}, { idempotencyKey: "same" })];
    assert.deepEqual([one.status, two.status], [201, 201]);
    assert.notEqual(one.json.key_id, two.json.key_id);
  });
});

describe("two actors of one tenant", () => {
  it("use the same Idempotency-Key without meeting", async () => {
    const worker = await Worker.start();
    const admin = await worker.administrator();
    const deputy = await admin.deputy(["keys:create"], ["api"]);
    const answers = [await admin.create({}, { idempotencyKey: "same" }), await deputy.create({}, { idempotencyKey: "same" })];
    assert.deepEqual(answers.map(({ status }) => status), [201, 201]);
    assert.notEqual(answers[0].json.key_id, answers[1].json.key_id);
  });
});
