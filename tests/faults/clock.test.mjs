// Clocks that are wrong, that step, and that stand still: the bound holds to the millisecond, and no good key is thrown away.
//
// The Worker and its objects run apart here, each by a clock of its own that the test sets.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { parseHead } from "../harness/revocation_list.mjs";
import { Worker } from "../harness/worker.mjs";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SKEW = 5_000;
const FRESH = 5_000;
/** The scope of each level in the harness's policy, and for how long an older list may decide for it. */
const LEVELS = { low: ["reports:read", HOUR], standard: ["reports:write", 5 * MINUTE], high: ["reports:export", 30_000] };
const EVERY_SCOPE = ["reports:read", "reports:write", "reports:export", "reports:purge"];
const DAY_S = 24 * 3600;

/** Both clocks at one moment, or each at its own. */
const set = async (worker, home, edge = home) => {
  await worker.world({ clock: { clockAt: home } }, "home");
  await worker.world({ clock: { clockAt: edge } }, "edge");
};

async function begin() {
  const worker = await Worker.start({ apart: true, shim: true });
  const start = Date.now();
  await set(worker, start);
  const admin = await worker.administrator();
  const verifier = await admin.deputy(["verifier:verify"], ["api"], { expires_in: 30 * DAY_S });
  const make = async () => {
    const made = await admin.create({ scopes: EVERY_SCOPE, expires_in: 10 * DAY_S });
    assert.equal(made.status, 201, made.text);
    return made.json;
  };
  const ask = async (key, scope) => (await verifier.verify(key, { scopes: [scope] })).json;
  return { worker, start, admin, make, ask };
}

/** What a holder of a good key may be told by a verifier that cannot know: allowed, or to come back. Never that the key is bad. */
const keepsTheKey = ({ decision, status }) => decision === "allow" || status === 503;

describe("a registry that is away when a key has been revoked", () => {
  let world, key;

  before(async () => {
    world = await begin();
    const made = await world.make();
    key = made.key;
    for (const [scope] of Object.values(LEVELS)) assert.equal((await world.ask(key, scope)).list.zone, "fresh");
    assert.equal((await world.admin.revoke(made.key_id, { reason: "leaked" })).status, 200);
    // Admission passes: only the list and the registry's word are cut off.
    await world.worker.shim("only-admission");
  });

  for (const [level, [scope, bound]] of Object.entries(LEVELS)) {
    it(`is denied at level ${level} from one millisecond past ${bound} ms on, whatever else is asked`, async () => {
      const at = async (age) => {
        await set(world.worker, world.start + age);
        return world.ask(key, scope);
      };
      // Control: up to there the old list may still decide, so that what is seen afterwards is the bound and nothing else.
      const last = await at(bound);
      assert.deepEqual([last.decision, last.list.zone, last.list.age_ms], ["allow", "must_ask", bound]);
      for (const age of [bound + 1, bound + SKEW, 2 * bound, 24 * HOUR]) {
        const { decision, status, reason } = await at(age);
        assert.deepEqual([decision, status, reason], ["deny", 503, "list_stale"], `${age} ms`);
      }
    });
  }

  it("is never allowed what is strict", async () => {
    for (const age of [0, 1, FRESH, 30_000, HOUR]) {
      await set(world.worker, world.start + age);
      const { decision, reason } = await world.ask(key, "reports:purge");
      assert.deepEqual([decision, reason], ["deny", "registry_unavailable"]);
    }
  });

  it("is denied at every level as soon as the registry is back, and a good key is allowed", async () => {
    await set(world.worker, world.start + 2 * HOUR);
    await world.worker.shim("pass");
    const good = (await world.make()).key;
    for (const scope of EVERY_SCOPE) {
      assert.equal((await world.ask(key, scope)).decision, "deny", scope);
      assert.equal((await world.ask(good, scope)).decision, "allow", scope);
    }
    const { steps } = await world.worker.world();
    assert.ok(steps >= 15, `the clock was set ${steps} times`);
  });
});

describe("a verifier whose clock is not the registry's", () => {
  let world;

  before(async () => {
    world = await begin();
  });

  // By how much the verifier is ahead.
  const DIFFERENCES = [-HOUR, -SKEW - 1, -SKEW, 0, FRESH, FRESH + 1, 30_001, 5 * MINUTE + 1, HOUR + 1];

  it("never allows what was revoked, and never calls a good key bad", async () => {
    let moment = world.start + HOUR;
    const seen = new Set();
    for (const ahead of DIFFERENCES) {
      moment += 2 * MINUTE;
      // Each difference from a cold start, too: what was learned before the clock went wrong is another test.
      await world.worker.restart();
      await world.worker.shim("pass");
      await set(world.worker, moment);
      const [good, bad] = [await world.make(), await world.make()];
      assert.equal((await world.admin.revoke(bad.key_id)).status, 200);
      await set(world.worker, moment + 10, moment + 10 + ahead);
      for (const scope of EVERY_SCOPE) {
        const [ofGood, ofBad] = [await world.ask(good.key, scope), await world.ask(bad.key, scope)];
        assert.equal(ofBad.decision, "deny", `${ahead} ms ahead, ${scope}: ${JSON.stringify(ofBad)}`);
        assert.ok(keepsTheKey(ofGood), `${ahead} ms ahead, ${scope}: ${JSON.stringify(ofGood)}`);
        seen.add(ofGood.decision === "allow" ? `allow ${ofGood.list.zone}` : `${ofGood.status} ${ofGood.reason}`);
      }
    }
    // Control: the differences were felt, in each way that there is.
    for (const felt of ["allow fresh", "allow must_ask", "allow registry", "503 list_stale", "503 clock_behind"]) assert.ok(seen.has(felt), `${felt} is not among ${[...seen]}`);
  });
});

describe("a clock that steps back", () => {
  let world;

  before(async () => {
    world = await begin();
  });

  it("takes the registry's time back by nothing: order, sequence and heads go on", async () => {
    const { worker, admin, start, make, ask } = world;
    const late = start + HOUR;
    await set(worker, late);
    const first = await make();
    const before = (await admin.revoke(first.key_id)).json;
    // The registry alone loses an hour, and its object its memory.
    await set(worker, start, late);
    const { starts } = await worker.world({ restart: 1 }, "home");
    assert.equal((await admin.get("/v1/audit?limit=1")).status, 503);
    const second = await make();
    assert.ok(second.created_at_ms >= late, "a key is older than what was done before it");
    assert.equal((await ask(second.key, "reports:read")).decision, "allow");
    const after = (await admin.revoke(second.key_id)).json;
    assert.ok(after.list_sequence > before.list_sequence);
    const head = parseHead((await worker.client().get("/v1/list/1/head")).bytes);
    assert.deepEqual([head.sequence, head.issuedAt >= late], [after.list_sequence, true]);
    // Denied for strict scopes at once, for the others within what a list may be fresh.
    assert.equal((await ask(second.key, "reports:purge")).decision, "deny");
    await set(worker, start, late + FRESH + 1);
    for (const { key } of [first, second]) assert.equal((await ask(key, "reports:read")).decision, "deny");
    const times = (await admin.audit()).map(({ at_ms }) => at_ms);
    assert.deepEqual(times, times.toSorted((a, b) => a - b));
    assert.ok((await worker.world({}, "home")).starts > starts, "the object was not restarted");
  });

  it("takes a verifier back behind no list that it had", async () => {
    const { worker, admin, start, make, ask } = world;
    const late = start + 3 * HOUR;
    await set(worker, late);
    const [good, bad] = [await make(), await make()];
    assert.equal((await ask(bad.key, "reports:read")).decision, "allow");
    await admin.revoke(bad.key_id);
    await set(worker, late + FRESH + 1);
    assert.equal((await ask(bad.key, "reports:read")).decision, "deny");
    for (const back of [1, SKEW, SKEW + 1, MINUTE, HOUR, 24 * HOUR]) {
      await set(worker, late + FRESH + 1, late + FRESH + 1 - back);
      for (const scope of EVERY_SCOPE) {
        assert.equal((await ask(bad.key, scope)).decision, "deny", `${back} ms back, ${scope}`);
        const answer = await ask(good.key, scope);
        assert.ok(keepsTheKey(answer), `${back} ms back, ${scope}: ${JSON.stringify(answer)}`);
      }
    }
    // Control: with the clock right again the good key is allowed.
    await set(worker, late + 2 * MINUTE);
    assert.equal((await ask(good.key, "reports:read")).decision, "allow");
  });

  it("brings nothing back to life that the registry had seen expire", async () => {
    const { worker, admin, start, ask } = world;
    const late = start + 6 * HOUR;
    await set(worker, late);
    const short = (await admin.create({ scopes: EVERY_SCOPE, expires_in: 60 })).json;
    assert.equal((await ask(short.key, "reports:purge")).decision, "allow");
    await set(worker, late + MINUTE);
    assert.equal((await ask(short.key, "reports:read")).reason, "expired");
    assert.equal((await worker.client().get("/v1/list/1/head")).status, 200);
    // From cold: no list holds the verifier's time, and the registry's does not step back.
    await worker.restart();
    await set(worker, late);
    const { decision, reason } = await ask(short.key, "reports:purge");
    assert.deepEqual([decision, reason], ["deny", "expired"]);
  });
});
