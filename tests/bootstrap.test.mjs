// The bootstrap token: works once, in time, and for the deployment that expects it.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { POLICY } from "./harness/policies.mjs";
import { bootstrapToken, Worker } from "./harness/worker.mjs";

const bootstrap = (worker, token, body, idempotencyKey) =>
  worker.client(token).post("/v1/bootstrap", body, { headers: { "Idempotency-Key": idempotencyKey } });
const is = (answer, status, code) => assert.deepEqual([answer.status, answer.json.code], [status, code], answer.text);

describe("a bootstrap token", () => {
  it("works once", async () => {
    const worker = await Worker.start();
    const body = { subject: "ops:ada", policy: POLICY };
    assert.equal((await bootstrap(worker, worker.token, body)).status, 201);
    for (const again of [body, { subject: "ops:ada" }, { subject: "ops:eve" }]) {
      is(await bootstrap(worker, worker.token, again), 409, "bootstrap_used");
    }
    is(await bootstrap(worker, worker.token, body, "late"), 409, "bootstrap_used");
    assert.equal(worker.book("SELECT count(*) AS n FROM key")[0].n, 1);
  });

  it("with the same Idempotency-Key gives the same key until that is used", async () => {
    const worker = await Worker.start();
    const body = { subject: "ops:ada", policy: POLICY };
    const first = await bootstrap(worker, worker.token, body, "once");
    assert.equal(first.status, 201);
    await worker.restart();
    const again = await bootstrap(worker, worker.token, body, "once");
    assert.equal(again.status, 200);
    assert.equal(again.json.key, first.json.key);
    is(await bootstrap(worker, worker.token, { subject: "ops:eve", policy: POLICY }, "once"), 422, "idempotency_key_reused");

    assert.equal((await worker.client(first.json.key).get("/v1/audit")).status, 200);
    const late = await bootstrap(worker, worker.token, body, "once");
    assert.equal(late.status, 200);
    assert.equal(late.json.key_id, first.json.key_id);
    assert.ok(!("key" in late.json));
    assert.ok(late.json.note.length > 0);
    const text = { headers: { "Idempotency-Key": "once", Accept: "text/plain" } };
    is(await worker.client(worker.token).post("/v1/bootstrap", body, text), 409, "key_not_given_again");
    assert.equal(worker.book("SELECT count(*) AS n FROM key")[0].n, 1);
  });

  it("that is wrong or late is refused before any object is touched", async () => {
    const late = bootstrapToken({ expiresIn: -1 });
    const worker = await Worker.start();
    const body = { subject: "ops:eve", policy: POLICY };
    const objects = () => worker.files().filter((path) => /TenantRegistry\/[0-9a-f]{64}\.sqlite$/.test(path));
    is(await bootstrap(worker, bootstrapToken(), body), 401, "bootstrap_refused");
    await worker.restart({ token: late });
    is(await bootstrap(worker, late, body), 401, "bootstrap_expired");
    await worker.restart({ token: null });
    is(await bootstrap(worker, bootstrapToken(), body), 401, "bootstrap_refused");
    assert.deepEqual(objects(), []);
    // Positive control: an object that was touched has a file.
    await worker.restart({ token: bootstrapToken() });
    assert.equal((await bootstrap(worker, worker.token, body)).status, 201);
    assert.equal(objects().length, 1);
  });

  it("whose hash the deployment holds in another spelling opens nothing, and the setting is named", async () => {
    const worker = await Worker.start({ bindings: { WARDKEY_BOOTSTRAP_SHA256: "AB".repeat(32) } });
    const answer = await bootstrap(worker, worker.token, { subject: "ops:ada", policy: POLICY });
    is(answer, 500, "misconfigured");
    assert.match(answer.json.detail, /WARDKEY_BOOTSTRAP_SHA256/);
  });

  it("is not used up by a request that is refused", async () => {
    const worker = await Worker.start();
    const bad = [
      [{ subject: "ops:ada" }, "policy"],
      [{ subject: "Ada", policy: POLICY }, "subject"],
      [{ subject: "ops:ada", policy: POLICY, expires_in: 59 }, "expires_in"],
      [{ subject: "ops:ada", policy: POLICY, expires_in: 2 ** 32 - 1 }, "expires_in"],
      [{ subject: "ops:ada", policy: { audiences: [] } }, "policy.audiences"],
      [{ subject: "ops:ada", policy: { ...POLICY, brand: "wkadmin" } }, "policy.brand"],
      [{ subject: "ops:ada", policy: { audiences: [{ ...POLICY.audiences[0], name: "wardkey" }] } }, "policy.audiences[0].name"],
      [{ subject: "ops:ada", policy: { audiences: [POLICY.audiences[0], POLICY.audiences[0]] } }, "policy.audiences[1].number"],
      [{ subject: "ops:ada", policy: { audiences: [{ number: 1, name: "a", scopes: [{ number: 0, name: "a:*" }] }] } }, "policy.audiences[0].scopes[0].name"],
    ];
    for (const [body, field] of bad) {
      const answer = await bootstrap(worker, worker.token, body);
      is(answer, 400, "invalid_field");
      assert.equal(answer.json.field, field);
    }
    assert.equal(worker.wholeBook(), undefined);
    assert.equal((await bootstrap(worker, worker.token, { subject: "ops:ada", policy: POLICY })).status, 201);
  });
});

describe("a new token for a tenant that lives", () => {
  it("recovers it without a policy and leaves it alone with one", async () => {
    const worker = await Worker.start();
    const ada = await worker.administrator();
    const made = (await ada.create({})).json;
    const token = bootstrapToken();
    await worker.restart({ token });
    is(await bootstrap(worker, token, { subject: "ops:eve", policy: POLICY }), 409, "tenant_exists");
    const recovered = await bootstrap(worker, token, { subject: "ops:grace" });
    assert.equal(recovered.status, 201);
    const grace = worker.client(recovered.json.key);
    assert.equal((await grace.read(made.key_id)).json.subject, "svc:billing");
    assert.equal((await grace.verify(made.key)).json.decision, "allow");
    assert.equal((await ada.get("/v1/audit")).status, 200);
    const acts = (await grace.audit()).map(({ action, target }) => [action, target]);
    assert.deepEqual(acts.at(-1), ["tenant.recover", recovered.json.key_id]);
    is(await bootstrap(worker, token, { subject: "ops:eve" }), 409, "bootstrap_used");
  });
});
