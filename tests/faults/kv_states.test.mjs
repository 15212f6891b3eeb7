// Copies of the list behind a KV that misbehaves: whoever asks for a state gets the one that the head names or none, so that no dead key
// is taken for a living one, whatever KV says.

import assert from "node:assert/strict";
import { before, beforeEach, describe, it } from "node:test";

import { eventually } from "../harness/client.mjs";
import { KeyText } from "../harness/key_text.mjs";
import { parseHead, State, statePath } from "../harness/revocation_list.mjs";
import { Worker } from "../harness/worker.mjs";

const MINUTE = 60_000;
const WELL = { lagMs: 0, negativeMs: 0, get: 0, put: 0, delete: 0, overtake: false, bent: false, swapped: false };
const REFUSAL = "429 Too Many Requests";
const indexOf = (key) => KeyText.parse(key).statusIndex;

describe("a state of the list, behind a KV that misbehaves", () => {
  let worker, admin, verifier;

  before(async () => {
    worker = await Worker.start({ world: true, limit: 1_000_000 });
    admin = await worker.administrator();
    verifier = await admin.deputy(["verifier:verify"], ["api"]);
  });

  beforeEach(async () => {
    await worker.world({ kv: WELL });
    await worker.published();
  });

  const headNow = async () => parseHead((await worker.client().get("/v1/list/1/head")).bytes);
  /** Where a head's state came from, after a look at whether it is that one. */
  async function sourceOf(head) {
    const answer = await worker.client().get(statePath(1, head));
    assert.equal(answer.status, 200, answer.text);
    const state = new State(answer.bytes);
    assert.equal(state.digest, head.digest);
    return { state, from: answer.headers["wardkey-state"] };
  }

  /** What each fault is, and how it is known to have been met. */
  const FAULTS = {
    "lags by ten minutes": [{ lagMs: 10 * MINUTE }, "stale"],
    "remembers for a minute that there was none": [{ negativeMs: MINUTE }, "negatives"],
    "turns a bit": [{ bent: true }, "bent"],
    "has another state under the name": [{ swapped: true }, "swapped"],
    "says 429 to readers": [{ get: REFUSAL }, "refusedGets"],
    "says 429 to writers": [{ put: REFUSAL }, "refusedPuts"],
    "does not answer": [{ get: "hang" }, "hung"],
  };

  for (const [what, [fault, met]] of Object.entries(FAULTS)) {
    it(`is the registry's where KV ${what}, and dead keys are dead in it`, async () => {
      const made = (await admin.create({ scopes: ["reports:read", "reports:purge"] })).json;
      const alive = (await admin.create({})).json;
      await worker.published();
      const older = await headNow();
      assert.equal((await sourceOf(older)).state.isDead(indexOf(made.key)), false);
      const before = await worker.world({ kv: fault });
      assert.equal((await admin.revoke(made.key_id)).status, 200);
      const head = await headNow();
      assert.notEqual(head.digest, older.digest);
      // As soon as it is named, and again when its copy has been written, or refused.
      for (const round of [0, 1]) {
        const { state, from } = await sourceOf(head);
        assert.equal(from, "registry", `${what}, round ${round}`);
        assert.equal(state.isDead(indexOf(made.key)), true);
        assert.equal(state.isDead(indexOf(alive.key)), false);
        const strict = (await verifier.verify(made.key, { strict: true })).json;
        assert.equal(strict.decision, "deny");
        if (fault.put) await eventually("a refused write", async () => (await worker.world()).refusedPuts > before.refusedPuts, 10_000);
        else await worker.published();
      }
      assert.ok((await worker.world())[met] > before[met], `the fault was not met: ${met}`);
      assert.equal((await verifier.verify(alive.key)).json.decision, "allow");
      // Control: a KV that is well again has the very copy.
      await worker.world({ kv: WELL });
      if (!fault.negativeMs) await eventually("the copy in KV", async () => (await sourceOf(head)).from === "kv", 30_000);
    });
  }

  it("is taken out of KV at last when the tenant ends, though KV refuses at first", async () => {
    const { key_id } = (await admin.create({})).json;
    await admin.revoke(key_id);
    const head = await headNow();
    await eventually("the copy in KV", async () => (await sourceOf(head)).from === "kv", 30_000);
    const before = await worker.world({ kv: { delete: REFUSAL } });
    assert.equal((await admin.post("/v1/tenant/destroy", { confirm: 1 })).status, 200);
    await eventually("refused deletions", async () => (await worker.world()).refusedDeletes > before.refusedDeletes, 10_000);
    // No head leads there any more, whatever KV has.
    assert.equal((await worker.client().get("/v1/list/1/head")).status, 410);
    assert.notEqual((await verifier.verify(admin.credential)).status, 200);
    await worker.world({ kv: WELL });
    const names = async () => (await (await worker.records()).list({ prefix: "state/" })).keys;
    await eventually("no state in KV", async () => (await names()).length === 0, 60_000);
    assert.equal((await worker.client().get(statePath(1, head))).status, 410);
  });
});
