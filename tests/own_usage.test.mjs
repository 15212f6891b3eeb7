// What the Worker decides itself is told by few requests, by day, in its own scopes, and what cannot be told is declared.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { eventually } from "./harness/client.mjs";
import { ask } from "./harness/forward_auth.mjs";
import { RULED } from "./harness/policies.mjs";
import { Worker } from "./harness/worker.mjs";

/** Longer than an isolate waits before it tells what it decided, and what it does when it was not taken. */
const COUNTED_MS = 20_000;
const DAY_MS = 86_400_000;
const MANY = Array.from({ length: 17 }, (_, number) => `reports:part-${number}`);
const POLICY = {
  ...RULED,
  audiences: [
    { number: 1, name: "api", scopes: ["reports:read", "reports:write", ...MANY].map((name, number) => ({ number, name })) },
    { number: 2, name: "jobs", scopes: [{ number: 0, name: "jobs:run" }] },
  ],
};

describe("usage that an isolate tells", () => {
  const route = (scopes, rest = "") => `/v1/forward-auth/1/api?${scopes.map((scope) => `scope=${scope}`).join("&")}${rest}`;
  const READ = route(["reports:read"]);
  let worker, admin;

  before(async () => {
    worker = await Worker.start({ limit: 1_000_000, world: true });
    admin = await worker.administrator({ policy: POLICY });
  });

  const usageOf = async ({ key_id }) => (await admin.get(`/v1/keys/${key_id}/usage`)).json;
  const counted = (key, count) =>
    eventually(`${count} decisions`, async () => {
      const usage = await usageOf(key);
      return usage.outcomes.reduce((sum, { count }) => sum + count, 0) >= count && usage;
    }, COUNTED_MS);

  it("takes a request a name and ten seconds, whatever the traffic and however far away usage is, and leaves no name out", async () => {
    const key = (await admin.create({ scopes: ["reports:read"] })).json;
    const quiet = Array.from({ length: 6 }, (_, number) => `svc:quiet-${number}`);
    const verifiers = await Promise.all(quiet.map((subject) => admin.deputy(["verifier:verify"], ["api"], { subject })));
    const { usages } = await worker.world({ usageMs: 40 });
    for (const verifier of verifiers) assert.equal((await verifier.post("/v1/verify", { key: key.key, scopes: ["reports:read"] })).json.decision, "allow");
    const end = Date.now() + 23_000;
    let calls = 0;
    await Promise.all([0, 1].map(async () => {
      for (; Date.now() < end; calls += 1) await ask(worker, key.key, { route: READ });
    }));
    const asked = (await worker.world()).usages - usages;
    // Two rounds: each quiet name once, the busy one twice.
    assert.ok(asked >= 8 && asked <= 10, `${asked} requests for ${calls} calls`);
    const { verifiers: told } = await usageOf(key);
    assert.deepEqual(told.map(({ name }) => name).filter((name) => name !== "forward-auth").sort(), quiet);
    const usage = await counted(key, calls + quiet.length);
    assert.deepEqual([usage.outcomes.map(({ count }) => count), usage.lost.by_verifiers], [[calls + quiet.length], 0]);
    await worker.world({ usageMs: 0 });
  });

  it("names each scope that was required, and declares lost what required more than a report has room for", async () => {
    const key = (await admin.create({ scopes: ["reports:read", "reports:write"] })).json;
    assert.equal((await ask(worker, key.key, { route: route([...Array(16).fill("reports:read"), "reports:write"]) })).status, 200);
    assert.equal((await ask(worker, key.key, { route: route([...MANY, "reports:read"], "&match=any") })).status, 200);
    const usage = await counted(key, 1);
    assert.deepEqual(usage.scopes.map(({ name, allowed }) => [name, allowed]).sort(), [["reports:read", 1], ["reports:write", 1]]);
    assert.deepEqual([usage.outcomes.map(({ count }) => count), usage.never_used_scopes, usage.lost.by_verifiers], [[1], [], 1]);
  });

  it("is by day: what was decided more than a day apart is no period that nobody takes", async () => {
    const key = (await admin.create({ scopes: ["reports:read"], expires_in: 5 * 86_400 })).json;
    const { lost } = await usageOf(key);
    assert.equal((await ask(worker, key.key, { route: READ })).status, 200);
    await worker.world({ clock: { clockMs: DAY_MS + 3_600_000 } });
    assert.equal((await ask(worker, key.key, { route: READ })).status, 200);
    await sleep(1_000);
    const usage = await counted(key, 2);
    const [{ first, last }] = usage.outcomes;
    assert.ok((last - first) * 1_000 >= DAY_MS, `${first} to ${last}`);
    assert.deepEqual(usage.lost, lost);
  });
});
