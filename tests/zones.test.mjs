// When the registry cannot be reached: the bound holds, and nobody throws a good key away.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { before, describe, it } from "node:test";

import { lines, raw } from "./harness/raw.mjs";
import { Worker } from "./harness/worker.mjs";

const MODES = { hang: "hangs", mute: "acts and says nothing", fail: "fails" };

for (const [mode, does] of Object.entries(MODES)) {
  describe(`a registry that ${does}`, () => {
    let worker, admin, key;

    before(async () => {
      worker = await Worker.start({ shim: true });
      admin = await worker.administrator();
      key = (await admin.create({})).json;
      // Positive control: through the same shim everything works.
      assert.equal((await admin.verify(key.key, { strict: true })).json.decision, "allow");
    });

    it("is reported within 5 s as 503 with Retry-After, whatever was asked", async () => {
      await worker.shim(mode);
      const started = performance.now();
      const answers = await Promise.all([
        admin.create({}, { idempotencyKey: "unsure" }),
        admin.read(key.key_id),
        admin.revoke("key_0011223344556677"),
        admin.verify(key.key),
        admin.verify(key.key, { strict: true }),
        admin.get("/v1/audit"),
        worker.client().get("/v1/list/1/head"),
      ]);
      const took = performance.now() - started;
      assert.ok(took < 5_000, `${took} ms`);
      for (const answer of answers) {
        assert.equal(answer.status, 503);
        assert.equal(answer.json.code, "registry_unavailable");
        assert.ok(Number(answer.headers["retry-after"]) > 0);
        assert.equal(answer.headers["www-authenticate"], undefined);
      }
      console.log(`${answers.length} calls answered within ${Math.round(took)} ms`);
    });

    it("works again as soon as it can, and what was unsure is completed once", async () => {
      await worker.shim("pass");
      const made = await admin.create({}, { idempotencyKey: "unsure" });
      // Only a registry that has acted has already made it; either way there is one.
      assert.equal(made.status, mode === "mute" ? 200 : 201);
      const again = await admin.create({}, { idempotencyKey: "unsure" });
      assert.deepEqual([again.status, again.json.key], [200, made.json.key]);
      const entries = (await admin.audit()).filter(({ target }) => target === made.json.key_id);
      assert.deepEqual(entries.map(({ action }) => action), ["key.create"]);
      assert.equal((await admin.verify(key.key, { strict: true })).json.decision, "allow");
    });
  });
}

describe("a verifier whose list cannot be renewed", () => {
  it("answers from what it has where the level allows it, and never where it must ask", async () => {
    // Admission goes through the registry here: only the list and the registry's word are cut off.
    const worker = await Worker.start({ shim: true });
    const admin = await worker.administrator();
    const { key } = (await admin.create({ scopes: ["reports:read", "reports:write", "reports:export", "reports:purge"] })).json;
    const ask = (scope) => admin.verify(key, { scopes: [scope] });
    assert.equal((await ask("reports:read")).json.list.zone, "fresh");
    const warmed = Date.now();
    await worker.shim("only-admission");
    await sleep(6_000);
    for (const scope of ["reports:read", "reports:write", "reports:export"]) {
      const { json } = await ask(scope);
      assert.equal(json.decision, "allow", scope);
      assert.equal(json.list.zone, "must_ask");
      assert.ok(json.list.age_ms > 5_000 && json.list.age_ms <= Date.now() - warmed + 1_000, `${json.list.age_ms} ms`);
    }
    const strict = await ask("reports:purge");
    assert.deepEqual(strict.json, { decision: "deny", status: 503, reason: "registry_unavailable", retry_after_s: 1 });

    // What has no list at all has nothing to answer from.
    await worker.restart();
    await worker.shim("only-admission");
    const cold = await ask("reports:read");
    assert.deepEqual(cold.json, { decision: "deny", status: 503, reason: "list_stale", retry_after_s: 1 });

    await worker.shim("pass");
    await sleep(1_100);
    assert.equal((await ask("reports:read")).json.list.zone, "fresh");
    assert.equal((await ask("reports:purge")).json.list.zone, "registry");
  });
});

describe("a registry that is far away", () => {
  let worker, admin;

  before(async () => {
    worker = await Worker.start({ shim: true });
    admin = await worker.administrator();
    await worker.shim("slow");
  });

  /** Sends a create whose body comes in two parts, five seconds apart. */
  function slowly(body) {
    const head = lines("POST", "/v1/keys", {
      Authorization: `Bearer ${admin.credential}`,
      "Content-Type": "application/json",
      "Content-Length": body.length,
    });
    return raw(worker, head, body.slice(0, 20), 5_000, body.slice(20));
  }

  it("has its whole time once it is asked, however long the body took to come", async () => {
    const request = { subject: "svc:billing", audience: "api", scopes: ["reports:read"], expires_in: 3600 };
    const [good, bad] = await Promise.all([
      slowly(JSON.stringify(request)),
      slowly(JSON.stringify({ ...request, unknown: 1 })),
    ]);
    for (const { tookMs } of [good, bad]) assert.ok(tookMs >= 4_900, `${tookMs} ms`);
    assert.equal(good.status, 201, good.text);
    assert.deepEqual([bad.status, bad.json.code], [400, "invalid_body"]);
  });
});
