// The end of a tenant: its secret is gone, and with it whatever could be verified, minted, signed or read.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { before, describe, it } from "node:test";

import { ACTS, attempt } from "./authorization/cells.mjs";
import { eventually } from "./harness/client.mjs";
import { parseHead, statePath } from "./harness/revocation_list.mjs";
import { unwrapped } from "./harness/tenant_secret.mjs";
import { RULED } from "./harness/policies.mjs";
import { bootstrapToken, Worker } from "./harness/worker.mjs";

/** How long the oldest list that a verifier may still go by lives: an hour, and what clocks may be off. */
const LAST_VERIFIER_MS = 3_600_000 + 5_000;
/** The published bound of what asks for a fresh list, and what clocks may add. */
const WITHIN_MS = 5_000 + 5_000;

describe("a tenant that is destroyed", () => {
  let worker, admin, deputy, other, key, keyId, theirs, state, token, secret, records, destroyed;

  before(async () => {
    worker = await Worker.start({ limit: 1_000_000 });
    token = worker.token;
    admin = await worker.administrator({ policy: RULED, subject: "ops:one" });
    await worker.restart({ token: bootstrapToken({ tenant: 2 }) });
    other = await worker.administrator({ policy: RULED, subject: "ops:two" });
    deputy = await admin.deputy(["keys:read"], ["api"]);
    ({ key, key_id: keyId } = (await admin.create({ scopes: ["reports:read", "reports:purge"] }, { idempotencyKey: "made" })).json);
    theirs = (await other.create({})).json.key;
    await worker.published();
    await worker.published({ tenant: 2 });
    state = statePath(1, parseHead((await worker.client().get("/v1/list/1/head")).bytes));
    secret = Buffer.from(worker.book("SELECT wrapped_secret FROM tenant")[0].wrapped_secret);
    records = (await (await worker.records()).list({ prefix: "record/1/" })).keys.map(({ name }) => name);
    assert.ok(records.includes(`record/1/${keyId}`));
  });

  const destroy = (client, body, headers) => client.post("/v1/tenant/destroy", body, { headers });
  const throughProxy = (text, query = "scope=reports:read") => worker.client(text).get(`/v1/forward-auth/1/api?${query}`);

  it("is not destroyed by mistake: its number must be said once more, and by whoever manages it", async () => {
    for (const [body, status, code] of [
      [{ confirm: 2 }, 400, "invalid_field"],
      [{ confirm: 0 }, 400, "invalid_field"],
      [{}, 400, "invalid_body"],
      [{ confirm: "1" }, 400, "invalid_body"],
      [{ confirm: 1, force: true }, 400, "invalid_body"],
      [{ confirm: 1, reason: "x".repeat(257) }, 400, "invalid_field"],
    ]) {
      const answer = await destroy(admin, body);
      assert.deepEqual([answer.status, answer.json.code], [status, code], JSON.stringify(body));
    }
    assert.equal((await destroy(deputy, { confirm: 1 })).status, 403);
    // Another tenant's manager means its own.
    assert.equal((await destroy(other, { confirm: 1 })).status, 400);
    // Positive controls of all that is to be gone.
    assert.equal((await throughProxy(key)).status, 200);
    assert.equal((await admin.verify(key)).json.decision, "allow");
    assert.equal((await worker.client().get(state)).status, 200);
    assert.equal((await admin.read(keyId)).headers["wardkey-record"], "kv");
  });

  it("says when, and until when the last verifier may go by what it has", async () => {
    const answer = await destroy(admin, { confirm: 1, reason: "the team is no more" }, { "Idempotency-Key": "once" });
    destroyed = Date.now();
    assert.deepEqual([answer.status, answer.headers["cache-control"], answer.json.tenant], [200, "no-store", 1], answer.text);
    assert.ok(Math.abs(answer.json.destroyed_at_ms - destroyed) < 60_000);
    assert.equal(answer.json.verifies_until_ms - answer.json.destroyed_at_ms, LAST_VERIFIER_MS);
    // There is no asking twice: nothing is left to judge the credential by.
    assert.equal((await destroy(admin, { confirm: 1, reason: "the team is no more" }, { "Idempotency-Key": "once" })).status, 401);
  });

  it("lets no key through a proxy, neither strictly nor by a list", async () => {
    for (const query of ["scope=reports:purge", "scope=reports:read&strict=true", "scope=reports:read"]) {
      const answer = await eventually(query, async () => {
        const found = await throughProxy(key, query);
        return found.status !== 200 && found;
      }, Math.max(1_000, destroyed + WITHIN_MS - Date.now()));
      assert.deepEqual([answer.status, answer.headers["wardkey-code"]], [401, "invalid_token"]);
      assert.equal(answer.headers["wardkey-subject"], undefined);
    }
  });

  it("knows no credential any more: each is told what garbage is, on every route", async () => {
    const likenesses = new Map();
    for (const act of ACTS) {
      for (const text of [admin.credential, deputy.credential, key, "hunter2"]) {
        const answer = await attempt(worker.client(text), act, { key, key_id: keyId }, RULED);
        assert.deepEqual([answer.status, answer.json.code], [401, "invalid_token"], act.name);
        likenesses.set(answer.likeness, act.name);
      }
    }
    assert.ok(ACTS.length >= 20);
    assert.equal(likenesses.size, 1, [...likenesses.values()].join());
  });

  it("is plainly gone where no key is judged: its lists and any bootstrap, old or new", async () => {
    for (const path of ["/v1/list/1/head", state]) {
      const answer = await worker.client().get(path);
      assert.deepEqual([answer.status, answer.json.code], [410, "tenant_gone"], path);
    }
    assert.equal((await worker.client().get("/v1/list/3/head")).status, 404, "one that never was is another matter");
    const bodies = [{ subject: "ops:eve" }, { subject: "ops:eve", policy: RULED }];
    for (const one of [token, bootstrapToken()]) {
      await worker.restart({ token: one });
      for (const body of bodies) {
        const answer = await worker.client(one).post("/v1/bootstrap", body, { headers: { "Idempotency-Key": "again" } });
        assert.deepEqual([answer.status, answer.json.code], [410, "tenant_gone"], answer.text);
      }
    }
    // Positive control: such a token does make a tenant of another number.
    const third = bootstrapToken({ tenant: 3 });
    await worker.restart({ token: third });
    assert.equal((await worker.client(third).post("/v1/bootstrap", bodies[1])).status, 201);
  });

  it("keeps its log and its rows for the deployment's owner, and nothing that would be published or answered", async () => {
    const [{ wrapped_secret: now, destroyed_at }] = worker.book("SELECT wrapped_secret, destroyed_at FROM tenant");
    assert.ok(Buffer.from(now).equals(Buffer.alloc(secret.length)));
    // Whoever holds the root and the database had the tenant's secret, and has it no more.
    assert.equal(unwrapped(secret, worker.root, 1).length, 32);
    assert.throws(() => unwrapped(Buffer.from(now), worker.root, 1));
    assert.ok(destroyed_at > 0);
    for (const table of ["outbox", "head", "idempotency"]) assert.deepEqual(worker.book(`SELECT * FROM ${table}`), [], table);
    const last = worker.book("SELECT action, actor_subject, reason, outcome FROM audit ORDER BY sequence DESC LIMIT 1")[0];
    assert.deepEqual({ ...last }, { action: "tenant.destroy", actor_subject: "ops:one", reason: "the team is no more", outcome: "done" });
    assert.ok(worker.book("SELECT 1 FROM key WHERE id = ?", { values: [keyId] }).length === 1);
  });

  it("leaves its secret nowhere in its database, so that its records in KV are noise", async () => {
    await worker.stop();
    const sealed = secret.subarray(28);
    const holding = (bytes) => worker.files().filter((path) => readFileSync(path).includes(bytes));
    // Positive control: what does stand there is found.
    assert.ok(holding(Buffer.from("the team is no more")).length > 0);
    // SQLite's write-ahead log remembers pages as they were until its next checkpoint: STORAGE.md.
    assert.deepEqual(holding(sealed).filter((path) => !path.endsWith(".sqlite-wal")), []);
    for (const path of worker.files().filter((path) => path.endsWith(".sqlite"))) {
      const database = new DatabaseSync(path);
      database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      database.close();
    }
    assert.deepEqual(holding(sealed), []);
    await worker.restart();
    const kv = await worker.records();
    const left = (await kv.list({ prefix: "record/1/" })).keys;
    for (const { name } of left) {
      const text = Buffer.from(await kv.get(name, "arrayBuffer")).toString("latin1");
      for (const word of ["svc:billing", "generations", keyId]) assert.ok(!text.includes(word), name);
    }
    console.log(`${left.length} sealed records of the destroyed tenant are left in KV, and nothing that opens them`);
  });

  it("stays gone over restarts, quietly, and beside it the other tenant goes on", async () => {
    await worker.kill();
    const lines = worker.log.length;
    await worker.restart();
    assert.equal((await worker.client().get("/v1/list/1/head")).status, 410);
    assert.equal((await admin.get("/v1/audit")).status, 401);
    assert.equal((await other.verify(theirs)).json.decision, "allow");
    assert.equal((await other.create({})).status, 201);
    await worker.published({ tenant: 2 });
    assert.deepEqual(worker.log.slice(lines).filter((line) => /internal|panicked|not written|not armed/.test(line)), []);
  });
});
