// The list's states in KV: good for whoever has no list yet, never the truth, and gone with the tenant.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { eventually } from "./harness/client.mjs";
import { parseHead, State, statePath } from "./harness/revocation_list.mjs";
import { Worker } from "./harness/worker.mjs";

const nameOf = ({ sequence, digest }, tenant = 1) => `state/${tenant}/${sequence}-${digest}`;

async function headOf(worker, tenant = 1) {
  const answer = await worker.client().get(`/v1/list/${tenant}/head`);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers["wardkey-state"], undefined);
  return parseHead(answer.bytes);
}

/** Reads the state of a head; answers where it came from, after a look at what it is. */
async function sourceOf(worker, head) {
  const answer = await worker.client().get(statePath(1, head));
  assert.equal(answer.status, 200, answer.text);
  assert.equal(new State(answer.bytes).digest, head.digest);
  assert.equal(answer.headers["cache-control"], "public, max-age=31536000, immutable");
  return answer.headers["wardkey-state"];
}

describe("a state of the list", () => {
  let worker, admin, kv;

  before(async () => {
    worker = await Worker.start();
    admin = await worker.administrator();
    kv = await worker.records();
  });

  /** A list that no head has named before, with one more dead key. */
  async function changed() {
    const { key_id: keyId } = (await admin.create({})).json;
    assert.equal((await admin.revoke(keyId)).status, 200);
    return headOf(worker);
  }

  it("comes from the registry until it is in KV, and from KV then, bit by bit the same", async () => {
    await worker.published();
    const head = await changed();
    // Whether the alarm has been faster is not ours to say; without a copy it must be the registry.
    await worker.published();
    await kv.delete(nameOf(head));
    assert.equal(await sourceOf(worker, head), "registry");
    const next = await changed();
    await worker.published();
    assert.equal(await sourceOf(worker, next), "kv");
    const copy = Buffer.from(await kv.get(nameOf(next), "arrayBuffer"));
    assert.equal(new State(copy).digest, next.digest);
    const [{ expiration }] = (await kv.list({ prefix: nameOf(next) })).keys;
    const left = expiration - Date.now() / 1000;
    assert.ok(left > 1_200 && left <= 1_800, `${left} s`);
  });

  it("is not written before a head names it", async () => {
    await worker.published();
    const known = (await kv.list({ prefix: "state/" })).keys.length;
    const { key_id: keyId } = (await admin.create({})).json;
    await admin.revoke(keyId);
    await worker.published();
    assert.equal((await kv.list({ prefix: "state/" })).keys.length, known);
    // Positive control.
    await headOf(worker);
    await worker.published();
    assert.equal((await kv.list({ prefix: "state/" })).keys.length, known + 1);
  });

  it("comes from the registry where KV has garbage, another state, or none", async () => {
    const older = await changed();
    await worker.published();
    const head = await changed();
    await worker.published();
    const name = nameOf(head);
    const right = Buffer.from(await kv.get(name, "arrayBuffer"));
    const other = Buffer.from(await kv.get(nameOf(older), "arrayBuffer"));
    const cut = right.subarray(0, -1);
    const values = [Buffer.alloc(0), Buffer.from("{}"), Buffer.alloc(100_000), other, cut, Buffer.concat([right, Buffer.alloc(1)])];
    for (let at = 0; at < right.length; at++) {
      const turned = Buffer.from(right);
      turned[at] ^= 1 << at % 8;
      values.push(turned);
    }
    for (const value of values) {
      await kv.put(name, value);
      assert.equal(await sourceOf(worker, head), "registry", value.subarray(0, 20).toString("hex"));
    }
    await kv.delete(name);
    assert.equal(await sourceOf(worker, head), "registry");
    // Positive control: the right bytes are read again.
    await kv.put(name, right);
    assert.equal(await sourceOf(worker, head), "kv");
    console.log(`${values.length} other values: none was read`);
  });

  it("is under no other name, whatever KV has there", async () => {
    const head = await changed();
    await worker.published();
    const copy = Buffer.from(await kv.get(nameOf(head), "arrayBuffer"));
    const get = (path) => worker.client().get(path);
    const otherDigest = { ...head, digest: head.digest.replace(/^./, (digit) => (digit === "0" ? "1" : "0")) };
    await kv.put(nameOf(otherDigest), copy);
    for (const wrong of [otherDigest, { ...head, sequence: head.sequence + 1 }, { ...head, digest: "0".repeat(64) }]) {
      assert.equal((await get(statePath(1, wrong))).status, 404);
    }
    await kv.put(nameOf(otherDigest, 2), copy);
    for (const wrong of [head, otherDigest]) assert.equal((await get(statePath(2, wrong))).status, 404);
    assert.equal((await get(`${statePath(1, head)}?a=1`)).status, 400);
    assert.equal(await sourceOf(worker, head), "kv");
  });

  it("is written after a restart when it could not be before", async () => {
    const head = await changed();
    await worker.kill();
    await worker.restart();
    kv = await worker.records();
    await headOf(worker);
    await worker.published();
    await eventually("the state in KV", async () => (await sourceOf(worker, head)) === "kv");
  });
});

describe("a tenant that is destroyed", () => {
  it("has nothing in KV under states after the alarm, and answers 410", async () => {
    const worker = await Worker.start();
    const admin = await worker.administrator();
    const kv = await worker.records();
    const heads = [];
    for (let n = 0; n < 3; n++) {
      const { key_id: keyId } = (await admin.create({})).json;
      await admin.revoke(keyId);
      heads.push(await headOf(worker));
      await worker.published();
    }
    const names = async () => (await kv.list({ prefix: "state/" })).keys.map(({ name }) => name);
    // Positive control: they were there.
    for (const head of heads) assert.ok((await names()).includes(nameOf(head)));
    assert.equal(await sourceOf(worker, heads[2]), "kv");

    const gone = await admin.post("/v1/tenant/destroy", { confirm: 1 });
    assert.equal(gone.status, 200, gone.text);
    await eventually("no state in KV", async () => (await names()).length === 0, 10_000);
    for (const head of heads) {
      const answer = await worker.client().get(statePath(1, head));
      assert.deepEqual([answer.status, answer.json.code], [410, "tenant_gone"]);
      assert.equal(answer.headers["wardkey-state"], undefined);
    }
    assert.equal((await worker.client().get("/v1/list/1/head")).status, 410);
  });
});
