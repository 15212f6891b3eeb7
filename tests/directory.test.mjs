// The directory of tenants and what cron does with it: no tenant is lost, and no alarm.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { before, describe, it } from "node:test";

import { eventually } from "./harness/client.mjs";
import { POLICY } from "./harness/policies.mjs";
import { bootstrapToken, Worker } from "./harness/worker.mjs";

const LISTED = "SELECT number, state, wrapped_by FROM listed_tenant ORDER BY number";
const rows = (found) => (found ?? []).map(({ number, state, wrapped_by }) => `${number} ${state} ${wrapped_by}`);
const known = (worker) => rows(worker.directory(LISTED));
const says = (worker, start) => worker.log.filter((line) => line.includes(start)).map((line) => line.slice(line.indexOf(start)));

describe("a tenant that is made", () => {
  let worker, admin;

  before(async () => {
    worker = await Worker.start();
    admin = await worker.administrator();
  });

  it("is in the directory, with the version of the root that wraps it", async () => {
    await eventually("the tenant's own word", () => known(worker)[0] === "1 live 1");
  });

  it("is counted for the deployment's owner, in the log, whoever its administrators are", async () => {
    await worker.restart({ token: bootstrapToken({ tenant: 7 }) });
    await worker.administrator();
    await worker.published({ tenant: 7 });
    await worker.cron();
    await eventually("the totals", () => says(worker, "tenants: ").includes("tenants: 2 live, 0 destroyed, 0 allotted; root: version 1 wraps 2"));
    assert.deepEqual(says(worker, "sweep: ").at(-1), "sweep: looked at 2 tenants, 0 of them silent, 0 alarms set again");
  });

  it("is told from others while the root's rotation goes on, tenant by tenant", async () => {
    const second = Buffer.alloc(32, 2).toString("base64url");
    await worker.restart({ bindings: { WARDKEY_ROOT: `${worker.root},2:${second}` } });
    assert.equal((await admin.post("/v1/root/rewrap")).json.done, true);
    await worker.published();
    await worker.cron();
    await eventually("the totals", () => says(worker, "tenants: ").at(-1)?.endsWith("root: version 1 wraps 1, version 2 wraps 1"));
    // A tenant's own administrator still hears of that tenant alone.
    assert.deepEqual((await admin.get("/v1/root/rewrap")).json, { tenant: 1, wrapped_by: 2, newest: 2, done: true });
  });

  it("is never made again once it was destroyed, even if its own book is lost", async () => {
    const destroyed = await admin.post("/v1/tenant/destroy", { confirm: 1, reason: "moved" });
    assert.equal(destroyed.status, 200, destroyed.text);
    await worker.published();
    assert.deepEqual(known(worker), ["1 destroyed null", "7 live 1"]);
    await worker.stop();
    for (const path of worker.booksOf(1)) rmSync(path);
    const token = bootstrapToken();
    await worker.restart({ token });
    const again = await worker.client(token).post("/v1/bootstrap", { subject: "ops:eve", policy: POLICY });
    assert.deepEqual([again.status, again.json.code], [410, "tenant_gone"]);
    // Controls: its book was lost indeed, and a number that was never given is made.
    assert.equal(worker.book("SELECT 1 FROM tenant"), undefined);
    await worker.restart({ token: bootstrapToken({ tenant: 2 }) });
    assert.equal((await (await worker.administrator()).get("/v1/audit")).status, 200);
  });
});

describe("a number that a bootstrap has asked for in vain", () => {
  it("is kept for the next try, and is no tenant that fails", async () => {
    const worker = await Worker.start();
    const refused = await worker.client(worker.token).post("/v1/bootstrap", { subject: "ops:ada", policy: { audiences: [] } });
    assert.equal(refused.status, 400, refused.text);
    assert.deepEqual(known(worker), ["1 allotted null"]);
    await worker.cron();
    await eventually("the totals", () => says(worker, "tenants: ").includes("tenants: 0 live, 0 destroyed, 1 allotted; root: none"));
    assert.deepEqual(says(worker, "sweep: ").at(-1), "sweep: looked at 1 tenants, 0 of them silent, 0 alarms set again");
    // The directory was told that nobody made it, and keeps it for an hour.
    assert.deepEqual(says(worker, "sweep: numbers"), []);
    assert.deepEqual(known(worker), ["1 allotted null"]);
    await worker.administrator();
    await eventually("the tenant's own word", () => known(worker)[0] === "1 live 1");
  });
});

for (const [mode, does] of Object.entries({ fail: "fails", hang: "hangs", mute: "acts and says nothing" })) {
  describe(`a directory that ${does}`, () => {
    it("stops no bootstrap, and has the tenant in the end", async () => {
      const worker = await Worker.start({ shim: true });
      await worker.shim(mode, "directory");
      const admin = await worker.administrator();
      assert.equal((await admin.create({})).status, 201);
      // Control: it was asked, by the Worker and by the tenant's alarm, and nothing came of it.
      await eventually("calls to the directory", async () => (await worker.shimCalls("directory")) >= 2);
      await eventually("a failed try", () => worker.book("SELECT attempts FROM directory_report")[0].attempts > 0, 10_000);
      assert.equal(worker.book("SELECT told FROM directory_report")[0].told, 0);
      if (mode !== "mute") assert.deepEqual(known(worker), []);
      await worker.shim("pass", "directory");
      await eventually("the tenant in the directory", () => known(worker)[0] === "1 live 1", 30_000);
      await worker.published();
    });
  });
}

describe("a tenant whose alarm was lost", () => {
  it("goes on when cron has looked at it: deadlines, records and all", async () => {
    const worker = await Worker.start({ flavour: "faulty" });
    const admin = await worker.administrator();
    await worker.published();
    const made = await admin.create({}, { plant: "lose-alarm" });
    assert.equal(made.status, 201);
    const due = () => worker.book("SELECT key_id FROM outbox").map(({ key_id }) => key_id);
    // Control: what is due at once is not done by itself. An alarm that is there comes within milliseconds.
    await sleep(1_000);
    assert.ok(due().includes(made.json.key_id));
    await worker.cron();
    await worker.published();
    assert.equal((await admin.read(made.json.key_id)).headers["wardkey-record"], "kv");
    await eventually("a word of it", () => says(worker, "sweep: ").includes("sweep: looked at 1 tenants, 0 of them silent, 1 alarms set again"));
    // Whatever was not lost is left alone.
    await worker.cron();
    await eventually("a word of that", () => says(worker, "sweep: ").at(-1) === "sweep: looked at 1 tenants, 0 of them silent, 0 alarms set again");
  });
});

describe("a tenant that does not answer cron", () => {
  it("is told to the operator, and nothing else stops", async () => {
    const worker = await Worker.start({ shim: true });
    const admin = await worker.administrator();
    await worker.published();
    await worker.shim("fail");
    await worker.cron();
    await eventually("a word of it", () => says(worker, "sweep: ").includes("sweep: looked at 1 tenants, 1 of them silent, 0 alarms set again"));
    assert.deepEqual(known(worker), ["1 live 1"]);
    await worker.shim("pass");
    assert.equal((await admin.get("/v1/audit")).status, 200);
  });
});
