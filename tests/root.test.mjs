// Rotating the root: a second version is deployed, each tenant's secret is wrapped anew, the first version goes.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { before, describe, it } from "node:test";

import { eventually } from "./harness/client.mjs";
import { KeyText } from "./harness/key_text.mjs";
import { bootstrapToken, Worker } from "./harness/worker.mjs";

const version = (number) => `${number}:${randomBytes(32).toString("base64url")}`;
const progress = async (admin) => {
  const { status, json } = await admin.get("/v1/root/rewrap");
  assert.equal(status, 200);
  return json;
};
const rewrap = (admin, headers) => admin.post("/v1/root/rewrap", undefined, { headers });

describe("the root's rotation", () => {
  const [FIRST, SECOND] = [version(1), version(2)];
  let worker, one, two, old;

  before(async () => {
    worker = await Worker.start();
    worker.root = FIRST;
    await worker.restart();
    one = await worker.administrator({ subject: "ops:one" });
    await worker.restart({ token: bootstrapToken({ tenant: 2 }) });
    two = await worker.administrator({ subject: "ops:two" });
    old = (await one.create({ name: "from before", scopes: ["reports:read", "reports:purge"] })).json;
    await worker.published();
  });

  /** A deployment with another root. */
  const deploy = async (...roots) => {
    worker.root = roots.join(",");
    await worker.restart();
  };
  const wrapped = (tenant) => Buffer.from(worker.book("SELECT wrapped_secret FROM tenant", { tenant })[0].wrapped_secret);
  /** Everything that the tenant's secret is used for. */
  const works = async (admin) => {
    const made = await admin.create({ scopes: ["reports:read", "reports:purge"] });
    assert.equal(made.status, 201, made.text);
    for (const scopes of [["reports:read"], ["reports:purge"]]) assert.equal((await admin.verify(made.json.key, { scopes })).json.decision, "allow");
    const rotated = await admin.post(`/v1/keys/${made.json.key_id}/rotate`);
    assert.equal(rotated.status, 201, rotated.text);
    await eventually("its record in KV opens", async () => (await admin.read(made.json.key_id)).headers["wardkey-record"] === "kv", 10_000);
    return made.json;
  };

  it("begins with one version, which wraps", async () => {
    assert.deepEqual(await progress(one), { tenant: 1, wrapped_by: 1, newest: 1, done: true });
    const entry = (answer) => ({ status: answer.status, done: answer.json.done });
    assert.deepEqual(entry(await rewrap(one)), { status: 200, done: true });
    const logged = (await one.audit()).at(-1);
    assert.deepEqual([logged.action, logged.outcome], ["root.rewrap", "unchanged"]);
  });

  it("goes on with a second version beside it: all works as before, and the progress is to be seen", async () => {
    const secret = wrapped(1);
    await deploy(FIRST, SECOND);
    for (const admin of [one, two]) await works(admin);
    for (const [tenant, admin] of [[1, one], [2, two]]) assert.deepEqual(await progress(admin), { tenant, wrapped_by: 1, newest: 2, done: false });
    assert.ok(wrapped(1).equals(secret), "nothing wraps anew by itself");
    // What was remembered under the first version is the same request.
    assert.equal((await one.verify(old.key)).json.decision, "allow");
  });

  it("wraps anew while keys are issued, verified and revoked without one failing", async () => {
    const before = wrapped(1);
    let stop = false;
    const counts = { made: 0, verified: 0, revoked: 0 };
    const failures = [];
    const expect = (what, answer, good) => {
      if (answer.status === good) counts[what] += 1;
      else failures.push(`${what}: ${answer.status} ${answer.text}`);
    };
    const busy = Promise.all([
      ...[0, 1].map(async () => {
        while (!stop) {
          const answer = await one.verify(old.key, { scopes: ["reports:purge"] });
          if (answer.json.decision !== "allow") failures.push(answer.text);
          counts.verified += 1;
        }
      }),
      (async () => {
        while (!stop) {
          const made = await one.create({ subject: "svc:meanwhile" });
          expect("made", made, 201);
          expect("revoked", await one.revoke(made.json.key_id), 200);
        }
      })(),
    ]);
    const enough = (least) => eventually("the others get on", () => Object.values(counts).every((count) => count >= least), 20_000);
    await enough(3);
    const seen = Math.min(...Object.values(counts));
    const answers = [await rewrap(one, { "Idempotency-Key": "rewrap" }), await rewrap(one, { "Idempotency-Key": "rewrap" }), await rewrap(one)];
    await enough(seen + 5);
    stop = true;
    await busy;
    console.log(`wrapped anew beside ${JSON.stringify(counts)}`);
    assert.deepEqual(failures, []);
    for (const { status, json } of answers) assert.deepEqual([status, json], [200, { tenant: 1, wrapped_by: 2, newest: 2, done: true }]);
    const after = wrapped(1);
    assert.deepEqual([before.readUInt32BE(0), after.readUInt32BE(0), after.length], [1, 2, before.length]);
    assert.ok(!after.subarray(28).equals(before.subarray(28)));
    // Once under one Idempotency-Key; and once more there was nothing left to do.
    const entries = (await one.audit()).filter(({ action }) => action === "root.rewrap");
    assert.deepEqual(entries.slice(1).map(({ outcome, reason, actor }) => [outcome, reason, actor.subject]), [
      ["done", "root version 1 to 2", "ops:one"],
      ["unchanged", "root version 2 to 2", "ops:one"],
    ]);
    // Tenant by tenant: the other one has not come along.
    assert.equal((await progress(two)).done, false);
  });

  it("lets the first version go where it is done; where it is not, that tenant stops with its number in the log and comes back whole", async () => {
    await deploy(SECOND);
    await works(one);
    const lines = worker.log.length;
    for (const answer of [await two.get("/v1/root/rewrap"), await two.create({}), await worker.client().get("/v1/list/2/head")]) {
      assert.deepEqual([answer.status, answer.json.code], [500, "internal"]);
      assert.ok(!/root|version/.test(answer.json.detail), answer.json.detail);
    }
    await eventually("the operator is told", () => worker.log.slice(lines).some((line) => /internal: root version 1 wrapped the tenant secret and is not in the deployment's root/.test(line)));
    await deploy(FIRST, SECOND);
    await works(two);
    assert.equal((await rewrap(two)).json.done, true);
    await deploy(SECOND);
    for (const [tenant, admin] of [[1, one], [2, two]]) {
      await works(admin);
      assert.deepEqual(await progress(admin), { tenant, wrapped_by: 2, newest: 2, done: true });
    }
  });

  it("leaves every key, record and administrator from before as they were", async () => {
    for (const scopes of [["reports:read"], ["reports:purge"]]) assert.equal((await one.verify(old.key, { scopes })).json.decision, "allow");
    const view = await one.read(old.key_id);
    assert.deepEqual([view.json.name, KeyText.parse(old.key).base[4]], ["from before", 1]);
    await worker.published();
    assert.equal((await one.read(old.key_id)).headers["wardkey-record"], "kv");
    // A record that was sealed before and never touched since opens: it hangs on the tenant's secret, not on the root.
    assert.equal((await one.revoke(old.key_id)).status, 200);
  });

  it("does not open under another secret of the same version", async () => {
    const { root } = worker;
    await deploy(version(2));
    const answer = await one.get("/v1/root/rewrap");
    assert.deepEqual([answer.status, answer.json.code], [500, "internal"]);
    await deploy(root);
    assert.equal((await progress(one)).done, true);
  });

  it("refuses a root that cannot be one, by name and without its value", async () => {
    const { root } = worker;
    for (const bad of [`${SECOND},${FIRST}`, SECOND.slice(0, -1)]) {
      await deploy(bad);
      const health = await worker.client().get("/healthz");
      assert.deepEqual([health.status, health.json.code], [500, "misconfigured"]);
      assert.ok(health.json.detail.startsWith("WARDKEY_ROOT ") && !health.text.includes(SECOND.slice(2, 20)));
    }
    await deploy(root);
    assert.equal((await worker.client().get("/healthz")).status, 200);
  });
});
