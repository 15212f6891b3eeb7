// The sealed record in KV: good for reading, worth nothing to whoever changes or moves it.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { eventually } from "./harness/client.mjs";
import { bootstrapToken, Worker } from "./harness/worker.mjs";

describe("a key's record", () => {
  let worker, admin, records, keyId, path;

  before(async () => {
    worker = await Worker.start();
    admin = await worker.administrator();
    records = await worker.records();
    await admin.audit();
  });

  const place = (id, tenant = 1) => `record/${tenant}/${id}`;
  const fresh = async (request) => {
    const made = (await admin.create(request)).json;
    keyId = made.key_id;
    path = place(keyId);
    await worker.published();
    return made.key;
  };
  const sealed = async (at = path) => Buffer.from(await records.get(at, "arrayBuffer"));

  /** Reads the key; answers what was read, after a look at where it came from. */
  async function comesFrom(source, id = keyId) {
    const answer = await admin.read(id);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["wardkey-record"], source);
    return answer.json;
  }

  it("comes from KV once it has been written there, and is the registry's own word for word", async () => {
    await fresh({ name: "read at the edge" });
    const fromKv = await comesFrom("kv");
    assert.equal(fromKv.name, "read at the edge");
    await records.delete(path);
    assert.deepEqual(await comesFrom("registry"), fromKv);
  });

  it("follows the key: its first use and its revocation", async () => {
    const key = await fresh({ name: "used" });
    assert.equal((await comesFrom("kv")).generations[0].state, "pending");
    const pending = await sealed();

    await admin.verify(key, { strict: true });
    // Whatever KV holds by now, nobody is told what is no longer so.
    assert.equal((await admin.read(keyId)).json.generations[0].state, "active");
    await worker.published();
    assert.equal((await comesFrom("kv")).generations[0].state, "active");
    const active = await sealed();

    await admin.revoke(keyId, { reason: "rolled" });
    assert.equal((await admin.read(keyId)).json.generations[0].state, "revoked");
    await worker.published();
    const revoked = await comesFrom("kv");
    assert.equal(revoked.generations[0].state, "revoked");

    for (const older of [pending, active]) {
      await records.put(path, older);
      assert.deepEqual(await comesFrom("registry"), revoked);
    }
  });

  it("comes from the registry when the copy was tampered with, bit by bit", async () => {
    await fresh({});
    const whole = await comesFrom("kv");
    const right = await sealed();
    const spots = [0, 1, 8, 9, 20, 33, 40, right.length - 1];
    for (const at of spots) {
      const changed = Buffer.from(right);
      changed[at] ^= 1;
      await records.put(path, changed);
      assert.deepEqual(await comesFrom("registry"), whole, `byte ${at}`);
    }
    for (const other of [Buffer.alloc(0), Buffer.from("{}"), right.subarray(0, 20), right.subarray(0, -1), Buffer.concat([right, Buffer.alloc(1)]), Buffer.alloc(100_000)]) {
      await records.put(path, other);
      assert.deepEqual(await comesFrom("registry"), whole, `${other.length} bytes`);
    }
    // Positive control: the right bytes are read again.
    await records.put(path, right);
    assert.deepEqual(await comesFrom("kv"), whole);
    console.log(`${spots.length} bits turned, 6 other values: none was read`);
  });

  it("comes from the registry when the copy is another key's or another tenant's", async () => {
    await fresh({ name: "one" });
    const [one, first] = [keyId, await sealed()];
    await fresh({ name: "two" });
    const [two, second] = [keyId, await sealed()];
    await records.put(place(one), second);
    await records.put(place(two), first);
    assert.equal((await comesFrom("registry", one)).name, "one");
    assert.equal((await comesFrom("registry", two)).name, "two");

    await worker.restart({ token: bootstrapToken({ tenant: 2 }) });
    records = await worker.records();
    const other = await worker.administrator({ subject: "ops:other" });
    const theirs = (await other.create({ name: "theirs" })).json.key_id;
    await worker.published({ tenant: 2 });
    await records.put(place(one), await sealed(place(theirs, 2)));
    assert.equal((await comesFrom("registry", one)).name, "one");
  });

  it("shows nothing to whoever reads KV alone", async () => {
    await fresh({ name: "nobody-reads-this", subject: "svc:nobody-sees-this" });
    const names = (await records.list({ prefix: "record/" })).keys.map(({ name }) => name);
    assert.ok(names.includes(path));
    for (const name of names) {
      const bytes = (await sealed(name)).toString("latin1");
      for (const word of ["nobody-reads-this", "svc:nobody-sees-this", "generations"]) assert.ok(!bytes.includes(word), name);
    }
    assert.equal((await comesFrom("kv")).name, "nobody-reads-this");
  });

  it("is written after a restart when it could not be before", async () => {
    keyId = (await admin.create({ name: "late" })).json.key_id;
    await worker.kill();
    await worker.restart();
    records = await worker.records();
    // Any call starts the object, which then finds what is due.
    assert.equal((await admin.read(keyId)).json.name, "late");
    await worker.published();
    await eventually("the record in KV", async () => (await admin.read(keyId)).headers["wardkey-record"] === "kv");
  });
});
