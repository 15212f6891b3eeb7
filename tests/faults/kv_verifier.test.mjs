// A verifier that follows the list by heads and states over HTTP, while KV misbehaves for whoever asks for a state. (The Worker's own has
// its state from the registry, so that KV never reaches it.)

import assert from "node:assert/strict";
import { before, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { ListVerifier } from "../harness/list_verifier.mjs";
import { RULED } from "../harness/policies.mjs";
import { Worker } from "../harness/worker.mjs";

const MINUTE = 60_000;
const WELL = { lagMs: 0, negativeMs: 0, get: 0, put: 0, delete: 0, overtake: false, bent: false, swapped: false };
const REFUSAL = "429 Too Many Requests";

describe("a verifier that follows the list over HTTP, behind a KV that misbehaves", () => {
  let worker, admin, keySet;
  let clockMs = 0;

  before(async () => {
    worker = await Worker.start({ world: true, limit: 1_000_000 });
    admin = await worker.administrator({ policy: RULED });
    const gateway = await admin.deputy(["verifier:key-set"], ["api"]);
    keySet = (await gateway.get("/v1/key-set")).bytes;
  });

  beforeEach(async () => {
    await worker.world({ kv: WELL });
    await worker.published();
  });

  /** The clock of Worker, registry and verifiers. */
  const now = () => Date.now() + clockMs;
  async function skip(ms) {
    clockMs += ms;
    await worker.world({ clock: { clockMs } });
  }
  const living = async () => (await admin.create({ scopes: ["reports:read", "reports:write"], expires_in: 80_000 })).json;
  /** A verifier whose list is left so far behind by the next change, eleven minutes later, that a head alone does not help it. */
  async function farBehind(options) {
    const one = new ListVerifier(worker, keySet, { now, ...options });
    assert.ok(await one.refresh());
    for (let n = 0; n < 2; n++) await admin.revoke((await living()).key_id);
    return one;
  }

  /** How KV is at its worst for whoever asks for a state. */
  const WORST = {
    "lags, and has other bytes and other states": { ...WELL, lagMs: 10 * MINUTE, bent: true, swapped: true },
    "says 429 to everybody": { ...WELL, get: REFUSAL, put: REFUSAL },
    "does not answer": { ...WELL, get: "hang" },
  };

  for (const [what, fault] of Object.entries(WORST)) {
    it(`brings no verifier past the bound where KV ${what}`, async () => {
      const { key, key_id } = await living();
      const alive = (await living()).key;
      const behind = await farBehind();
      const fresh = new ListVerifier(worker, keySet, { now });
      for (const one of [behind, fresh]) assert.equal(await one.verify(key, "reports:read"), "allow");
      assert.equal(behind.states, 1, "it was to need another state");
      await skip(11 * MINUTE);
      await fresh.refresh();
      await worker.world({ kv: fault });
      const { bound } = (await admin.revoke(key_id)).json;
      const revoked = Date.now();
      const allowed = { behind: [], fresh: [], cold: [] };
      for (let age = 0; age <= bound.typical_ms + 1_500; age = Date.now() - revoked) {
        const cold = new ListVerifier(worker, keySet, { now });
        for (const [name, verifier] of Object.entries({ behind, fresh, cold })) {
          const answer = await verifier.verify(key, "reports:read");
          if (answer === "allow") allowed[name].push(Date.now() - revoked);
          else assert.ok(["inactive", "list_stale"].includes(answer), `${name}: ${answer}`);
        }
        await sleep(100);
      }
      console.log(`KV ${what}: last allowed ${allowed.fresh.at(-1)} ms after the revocation, ${behind.states - 1} states fetched by the one behind`);
      // Control: a list that was fresh at the revocation does allow for a while.
      assert.ok(allowed.fresh.length > 0);
      for (const [name, times] of Object.entries(allowed)) assert.ok(times.every((ms) => ms <= bound.typical_ms), `${name}: ${times}`);
      assert.deepEqual(allowed.cold, []);
      // All three have the list, not only a refusal.
      const cold = new ListVerifier(worker, keySet, { now });
      for (const verifier of [behind, fresh, cold]) {
        assert.equal(await verifier.verify(key, "reports:read"), "inactive");
        assert.equal(await verifier.verify(alive, "reports:read"), "allow");
      }
      assert.ok(behind.states > 1 && cold.states > 0, "no state was needed");
    });
  }

  it("leaves the old list in force until it is stale, for a verifier that cannot have the state of a head", async () => {
    const { key, key_id } = await living();
    const alive = (await living()).key;
    for (const [what, fetched] of Object.entries({
      "does not come": () => undefined,
      "is another": (bytes) => Buffer.concat([bytes.subarray(0, -1), Buffer.from([bytes.at(-1) ^ 1])]),
      "is cut off": (bytes) => bytes.subarray(0, -1),
    })) {
      let between = (bytes) => bytes;
      const cut = await farBehind({ fetched: (bytes) => between(bytes) });
      assert.equal(await cut.verify(alive, "reports:read"), "allow");
      const adopted = now();
      if (what === "does not come") assert.equal((await admin.revoke(key_id)).status, 200);
      await skip(11 * MINUTE);
      await admin.revoke((await living()).key_id);
      between = fetched;
      // Of 11 minutes: within the hour of what is low, past the five minutes of what is standard.
      assert.equal(await cut.verify(alive, "reports:read"), "allow", what);
      assert.equal(await cut.verify(alive, "reports:write"), "list_stale", what);
      assert.ok(cut.states > 1 && cut.adoption > 1, `${what}: no state was needed`);
      cut.now = () => adopted + 61 * MINUTE;
      assert.equal(await cut.verify(alive, "reports:read"), "list_stale", what);
      // Control: with the state it knows who is dead, and that the other is not.
      Object.assign(cut, { now });
      between = (bytes) => bytes;
      assert.equal(await cut.verify(key, "reports:read"), "inactive", what);
      assert.equal(await cut.verify(alive, "reports:read"), "allow", what);
    }
  });
});
