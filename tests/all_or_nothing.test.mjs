// An error or a panic in the object reaches its caller in time, rolls back, and harms nobody else.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";

import { eventually } from "./harness/client.mjs";
import { KeyText } from "./harness/key_text.mjs";
import { parseHead } from "./harness/revocation_list.mjs";
import { POLICY } from "./harness/policies.mjs";
import { bootstrapToken, Worker } from "./harness/worker.mjs";

/** What the issue promises. */
const ANSWERED_WITHIN_MS = 5_000;
/** More writes than any mutation makes: a guard against planting for ever. */
const MOST_WRITES = 200;

/** Plants a fault after write 1, 2, … until the act gets through; answers how many it took and the success. */
async function plantAfterEachWrite(kind, { act, nothing, meanwhile }) {
  let slowest = 0;
  for (let n = 1; n < MOST_WRITES; n++) {
    const before = await nothing.state();
    const started = performance.now();
    const answer = await act(`${kind}@${n}`);
    const took = performance.now() - started;
    slowest = Math.max(slowest, took);
    assert.ok(took < ANSWERED_WITHIN_MS, `${kind}@${n} was answered after ${took} ms`);
    if (answer.status < 300) return { writes: n - 1, answer, slowest };
    assert.equal(answer.status, 500, answer.text);
    assert.equal(answer.headers["content-type"], "application/problem+json");
    assert.equal(answer.json.code, "internal");
    assert.ok(!answer.text.includes("planted"), "the caller learns the request id and nothing else");
    const after = await nothing.state();
    const changed = Object.keys({ ...before, ...after }).filter((part) => !isDeepStrictEqual(before[part], after[part]));
    assert.deepEqual(changed, [], `${kind}@${n} left something`);

    // The same fault again, with others under way: they all get through.
    const [planted, ...others] = await Promise.all([act(`${kind}@${n}`), ...meanwhile(n)]);
    assert.equal(planted.status, 500);
    for (const other of others) assert.ok(other.status < 300, `${kind}@${n} harmed another: ${other.status} ${other.text}`);
  }
  throw new Error(`still failing after ${MOST_WRITES} writes`);
}

for (const kind of ["error", "panic"]) {
  describe(`${kind === "error" ? "an error" : "a panic"} after any write of a mutation`, () => {
    it("leaves nothing of a bootstrap, which the same Idempotency-Key then completes once", async () => {
      const worker = await Worker.start({ flavour: "faulty" });
      const body = { subject: "ops:ada", policy: POLICY };
      const headers = { "Idempotency-Key": "first-administrator" };
      const bootstrap = (plant) =>
        worker.client(worker.token).post("/v1/bootstrap", body, { headers: { ...headers, "Wardkey-Plant-Fault": plant } });
      const { writes, answer, slowest } = await plantAfterEachWrite(kind, {
        act: bootstrap,
        nothing: { state: async () => ({ ...worker.wholeBook(), head: (await worker.client().get("/v1/list/1/head")).status }) },
        meanwhile: () => [worker.client().get("/healthz")],
      });
      console.log(`bootstrap: ${kind} after each of ${writes} writes, slowest answer ${Math.round(slowest)} ms`);
      assert.ok(writes > 20);
      assert.equal(answer.status, 201);
      const again = await bootstrap();
      assert.equal(again.status, 200);
      assert.equal(again.json.key_id, answer.json.key_id);
      const entries = await worker.client(answer.json.key).audit();
      assert.deepEqual(entries.map(({ action, request_id }) => [action, request_id]), [["tenant.create", answer.requestId]]);
      assert.equal((await worker.client().get("/v1/list/1/head")).status, 200);
    });

    it("leaves nothing of a recovery", async () => {
      const worker = await Worker.start({ flavour: "faulty" });
      const admin = await worker.administrator();
      const token = bootstrapToken();
      // Before it ends: an alarm that is ended in the middle comes again a minute later.
      await worker.published();
      await worker.restart({ token });
      const { writes, answer } = await plantAfterEachWrite(kind, {
        act: (plant) =>
          worker.client(token).post("/v1/bootstrap", { subject: "ops:eve" }, { headers: { "Wardkey-Plant-Fault": plant } }),
        nothing: {
          state: async () => {
            await worker.published();
            return worker.wholeBook();
          },
        },
        meanwhile: () => [admin.get("/v1/audit")],
      });
      console.log(`recovery: ${kind} after each of ${writes} writes`);
      assert.equal(answer.status, 201);
      assert.deepEqual((await admin.audit()).map(({ action }) => action), ["tenant.create", "tenant.recover"]);
    });

    it("leaves nothing of a create, and takes no status index", async () => {
      const worker = await Worker.start({ flavour: "faulty" });
      const admin = await worker.administrator();
      const other = await admin.deputy(["keys:create", "keys:read"], ["api"]);
      const request = { subject: "svc:planted", audience: "api", scopes: ["reports:read"], expires_in: 600 };
      const { writes, answer, slowest } = await plantAfterEachWrite(kind, {
        act: (plant) => admin.create(request, { idempotencyKey: "the-one", plant }),
        nothing: {
          state: async () => {
            await worker.published();
            const kv = await (await worker.records()).list();
            return { ...worker.wholeBook(), log: await admin.audit(), kv: kv.keys.map(({ name }) => name) };
          },
        },
        meanwhile: (n) => [
          other.create({ subject: `svc:other-${n}` }),
          admin.read(other.keyId),
          worker.client().get("/v1/list/1/head"),
          other.create({ subject: `svc:another-${n}` }, { idempotencyKey: `another-${n}` }),
        ],
      });
      console.log(`create: ${kind} after each of ${writes} writes, slowest answer ${Math.round(slowest)} ms`);
      assert.ok(writes >= 7);
      assert.equal(answer.status, 201);
      const again = await admin.create(request, { idempotencyKey: "the-one" });
      assert.equal(again.status, 200);
      assert.equal(again.json.key_id, answer.json.key_id);
      assert.equal(again.json.key, answer.json.key);
      const planted = worker.book("SELECT id FROM key WHERE subject = 'svc:planted'");
      assert.deepEqual(planted.map(({ id }) => id), [answer.json.key_id]);
      const entries = (await admin.audit()).filter(({ target }) => target === answer.json.key_id);
      assert.deepEqual(entries.map(({ action, request_id }) => [action, request_id]), [["key.create", answer.requestId]]);
      // Positive control: the others were there, each once, and indexes have no gap although attempts failed between.
      const indexes = worker.book("SELECT status_index FROM generation ORDER BY status_index").map((row) => row.status_index);
      assert.equal(indexes.length, 2 + 2 * writes + 1);
      assert.equal(indexes.at(-1) - indexes[0], indexes.length - 1);
      assert.equal(KeyText.parse(answer.json.key).statusIndex, indexes.at(-1));
    });

    it("leaves nothing of a revoke: the key stays alive and the list as it was", async () => {
      const worker = await Worker.start({ flavour: "faulty" });
      const admin = await worker.administrator();
      const verifier = await admin.deputy(["verifier:verify"], ["api"]);
      const { key, key_id } = (await admin.create({ scopes: ["reports:purge"] })).json;
      const strict = { scopes: ["reports:purge"] };
      await verifier.verify(key, strict);
      const head = async () => parseHead((await worker.client().get("/v1/list/1/head")).bytes);
      const { writes, answer, slowest } = await plantAfterEachWrite(kind, {
        act: (plant) => admin.revoke(key_id, { reason: "planted" }, { idempotencyKey: "the-one", plant }),
        nothing: {
          state: async () => {
            // First of all: what it names is then copied to KV.
            const { sequence, digest } = await head();
            await worker.published();
            assert.equal((await verifier.verify(key, strict)).json.decision, "allow");
            // The head's own time goes on, and the registry's with it; the list does not.
            const { head: _, tenant: __, ...book } = worker.wholeBook();
            const next = worker.book("SELECT next_index, policy FROM tenant");
            return { ...book, next, sequence, digest, view: (await admin.read(key_id)).json, log: await admin.audit() };
          },
        },
        meanwhile: (n) => [admin.create({ subject: `svc:other-${n}` }), worker.client().get("/v1/list/1/head"), admin.get("/v1/audit")],
      });
      console.log(`revoke: ${kind} after each of ${writes} writes, slowest answer ${Math.round(slowest)} ms`);
      assert.ok(writes >= 8);
      const again = await admin.revoke(key_id, { reason: "planted" }, { idempotencyKey: "the-one" });
      assert.deepEqual(again.json, answer.json);
      const entries = (await admin.audit()).filter(({ action }) => action === "key.revoke");
      assert.deepEqual(entries.map(({ request_id }) => request_id), [answer.requestId]);
      assert.equal((await head()).sequence, answer.json.list_sequence);
      const { json } = await verifier.verify(key, strict);
      assert.equal(json.decision, "deny");
    });
  });
}

describe("the header that plants faults", () => {
  it("is nothing to the build that is deployed", async () => {
    const worker = await Worker.start();
    const admin = await worker.administrator();
    for (const plant of ["error@1", "panic@1", "nonsense"]) {
      const made = await admin.create({}, { plant });
      assert.equal(made.status, 201, plant);
      assert.equal((await admin.revoke(made.json.key_id, undefined, { plant })).status, 200, plant);
    }
    // Positive control: the other build does heed it.
    const faulty = await Worker.start({ flavour: "faulty" });
    const other = await faulty.administrator();
    assert.equal((await other.create({}, { plant: "error@1" })).status, 500);
    await eventually("the operator's log of it", () => faulty.log.some((line) => /req_[0-9a-f]{32} internal: .*planted/.test(line)));
  });
});
