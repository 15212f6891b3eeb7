// A credential does what it was made for and nothing else, whoever says otherwise.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { Worker } from "./harness/worker.mjs";

describe("an administration key", () => {
  let worker, admin, adminId, made, job;

  before(async () => {
    worker = await Worker.start();
    admin = await worker.administrator();
    made = (await admin.create({})).json;
    job = (await admin.create({ audience: "jobs", scopes: ["jobs:run"] })).json;
    adminId = made.issuer;
  });

  /** Every act that there is, as one who tries it. */
  const acts = {
    "keys:create": (client) => client.create({}),
    "keys:read": (client) => client.read(made.key_id),
    "keys:revoke": (client) => client.revoke(job.key_id, {}),
    "audit:read": (client) => client.get("/v1/audit"),
    "verifier:verify": (client) => client.verify(made.key),
  };

  it("with one right for one audience does that and nothing else", async () => {
    let refusals = 0;
    for (const [right, itsAct] of Object.entries(acts)) {
      if (right === "keys:revoke") continue;
      const deputy = await admin.deputy([right], ["api"]);
      for (const [act, attempt] of Object.entries(acts)) {
        const answer = await attempt(deputy);
        if (act === right) {
          assert.ok(answer.status < 300, `${right}: ${answer.text}`);
          continue;
        }
        refusals += 1;
        assert.equal(answer.status, 403, `${right} did ${act}`);
        assert.equal(answer.json.code, "scope_missing");
        assert.match(answer.headers["www-authenticate"], /error="insufficient_scope"/);
        const entry = (await admin.audit()).at(-1);
        assert.deepEqual(
          [entry.outcome, entry.reason, entry.actor, entry.request_id],
          ["refused", "scope_missing", { subject: "svc:deputy", key_id: deputy.keyId }, answer.requestId],
        );
      }
      assert.ok((await itsAct(deputy)).status < 300);
    }
    console.log(`${refusals} acts refused`);
    assert.equal(refusals, 16);
    assert.equal((await admin.read(job.key_id)).json.generations[0].state, "pending");
  });

  it("of one audience neither verifies, nor sees, nor touches what is another's", async () => {
    const verifier = await admin.deputy(["verifier:verify"], ["api"]);
    const beyond = await verifier.verify(job.key, { audience: "jobs", scopes: ["jobs:run"] });
    assert.deepEqual([beyond.status, beyond.json.code, beyond.json.rule], [403, "forbidden_by_rule", "verifier_audience"]);
    const unknown = await verifier.verify(job.key, { audience: "nowhere", scopes: ["jobs:run"] });
    assert.equal(unknown.likeness, beyond.likeness);
    // Its only audience need not be named, and another's key is no key there.
    const foreign = await verifier.verify(job.key, { audience: undefined });
    assert.deepEqual(foreign.json, { decision: "deny", status: 401, reason: "invalid_token" });
    assert.equal((await verifier.verify(made.key, { audience: undefined })).json.decision, "allow");

    const keeper = await admin.deputy(["keys:read", "keys:revoke"], ["api"]);
    const absent = "key_0011223344556677";
    assert.equal((await keeper.read(made.key_id)).status, 200);
    for (const hidden of [job.key_id, adminId]) {
      assert.equal((await keeper.read(hidden)).likeness, (await keeper.read(absent)).likeness);
      assert.equal((await keeper.revoke(hidden)).likeness, (await keeper.revoke(absent)).likeness);
      assert.notEqual((await admin.read(hidden)).json.generations[0].state, "revoked");
    }
    assert.equal((await keeper.read(absent)).status, 404);

    const auditor = await admin.deputy(["audit:read"], ["jobs"]);
    const seen = await auditor.audit();
    assert.ok(seen.every(({ audience }) => audience === 2));
    const done = seen.filter(({ outcome }) => outcome === "done");
    assert.deepEqual(done.map(({ target }) => target), [job.key_id]);
    // Those of another audience who reached for it are in its owners' log.
    const reached = seen.filter(({ outcome, reason }) => outcome === "refused" && reason === "not_visible");
    assert.ok(reached.length > 0 && reached.every(({ target }) => target === job.key_id));
    assert.ok((await admin.audit()).length > seen.length);
  });

  it("grants no more than it holds, and each refusal names its rule", async () => {
    const maker = await admin.deputy(["keys:create", "verifier:verify"], ["wardkey", "api"], { expires_in: 600 });
    const request = { audience: "wardkey", expires_in: 300 };
    const cases = [
      [{ ...request, scopes: ["audit:read"], for_audiences: ["api"] }, "subset_of_actor"],
      [{ ...request, scopes: ["verifier:verify"], for_audiences: ["jobs"] }, "subset_of_actor"],
      [{ ...request, scopes: ["verifier:verify"], for_audiences: ["api", "jobs"] }, "subset_of_actor"],
      [{ ...request, scopes: ["verifier:verify", "keys:read"], for_audiences: ["api"] }, "subset_of_actor"],
      [{ ...request, scopes: ["verifier:verify"], for_audiences: ["api"], expires_in: 3_600 }, "not_beyond_actor"],
      [{ audience: "jobs", scopes: ["jobs:run"] }, "actor_scope"],
    ];
    for (const [asked, rule] of cases) {
      const answer = await maker.create(asked);
      assert.deepEqual([answer.status, answer.json.code, answer.json.rule], [403, "forbidden_by_rule", rule], JSON.stringify(asked));
      const entry = (await admin.audit()).at(-1);
      assert.deepEqual([entry.action, entry.outcome, entry.reason, entry.request_id], ["key.create", "refused", rule, answer.requestId]);
    }
    assert.equal((await maker.create({ ...request, scopes: ["verifier:verify"], for_audiences: ["api"] })).status, 201);

    const only = await admin.deputy(["keys:create"], ["api"]);
    const climb = await only.create({ ...request, scopes: ["keys:create"], for_audiences: ["api"] });
    assert.deepEqual([climb.status, climb.json.rule], [403, "actor_scope"]);
  });

  it("is who its credential says: no field of a body is the actor", async () => {
    const deputy = await admin.deputy(["keys:create", "keys:revoke"], ["api"], { subject: "svc:honest" });
    for (const field of ["actor", "issuer", "as", "on_behalf_of", "tenant", "credential", "request_id"]) {
      const answer = await deputy.create({ [field]: "ops:ada" });
      assert.deepEqual([answer.status, answer.json.code], [400, "invalid_body"], field);
      assert.equal((await deputy.revoke(made.key_id, { [field]: "ops:ada" })).status, 400, field);
    }
    // The subject in the body is whom the new key acts as, and nothing more.
    const answer = await deputy.create({ subject: "ops:ada", owner: "ops:ada" });
    assert.equal(answer.json.issuer, deputy.keyId);
    const entry = (await admin.audit()).at(-1);
    assert.deepEqual(entry.actor, { subject: "svc:honest", key_id: deputy.keyId });
    // And such a key is no administrator's, although it bears the name.
    const impostor = worker.client(answer.json.key);
    assert.equal((await impostor.get("/v1/audit")).status, 401);
  });

  it("that was revoked or has ended is refused at the very next call", async () => {
    const deputy = await admin.deputy(["keys:create", "audit:read", "verifier:verify"], ["api"]);
    assert.equal((await deputy.create({})).status, 201);
    await admin.revoke(deputy.keyId);
    for (const attempt of [acts["keys:create"], acts["audit:read"], acts["verifier:verify"]]) {
      const answer = await attempt(deputy);
      assert.deepEqual([answer.status, answer.json.code], [401, "revoked"]);
    }
  });
});
