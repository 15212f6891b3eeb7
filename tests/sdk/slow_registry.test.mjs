// How long a verifier goes on by what it has, and how long calls wait, where the registry is silent, slow or does everything wrong.

import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";

import { createVerifier } from "../../crates/js/js/index.mjs";
import { HOSTILE, MemoryRegistry } from "../harness/memory_registry.mjs";
import { FRESH_FOR_MS, IMPATIENT, LOW_MS, SECOND_MS, holdProcess } from "../harness/verifying.mjs";

let registry, key;
beforeEach(() => {
  registry = new MemoryRegistry();
  ({ key } = registry);
});
holdProcess();
const made = (more) => createVerifier(registry.options(more));

describe("a verifier whose registry does not answer", () => {
  for (const [does, answer] of Object.entries(HOSTILE)) {
    it(`answers from its list as long as the level allows it, where the registry ${does}`, async () => {
      const verifier = await made(IMPATIENT);
      const { now } = registry;
      registry.between = answer;
      // Low risk: an hour. High risk: 30 seconds.
      registry.now = now + 60 * SECOND_MS;
      const decision = await verifier.verify(key, "invoice:list");
      assert.deepEqual([decision.outcome, decision.list?.zone], ["allow", "must_ask"], decision.reason);
      const high = await verifier.verify(key, "invoice:write");
      assert.deepEqual([high.reason, high.answer.status], ["list_stale", 503]);
      const strict = await verifier.verify(key, "invoice:void");
      assert.deepEqual([strict.reason, strict.answer.status], ["registry_unavailable", 503]);
      assert.ok(verifier.status().lastListError !== undefined || does === "hangs" || does === "stops in the middle");
      registry.now = now + LOW_MS + FRESH_FOR_MS + 1;
      assert.equal((await verifier.verify(key, "invoice:list")).reason, "list_stale");
      assert.equal(verifier.status().sequence, 41);
      // And is well again by itself.
      registry.between = undefined;
      registry.now += 6 * SECOND_MS;
      assert.deepEqual([(await verifier.verify(key, "invoice:list")).allowed, (await verifier.verify(key, "invoice:void")).allowed], [true, true]);
      assert.deepEqual([verifier.status().lastListError, verifier.status().zone], [undefined, "fresh"]);
    });
  }
});

describe("a registry that is slow", () => {
  it("costs one wait a second, and not one a call", async () => {
    const verifier = await made({ refreshTimeoutMs: 200 });
    registry.between = () => new Promise(() => {});
    registry.now += 60 * SECOND_MS;
    const began = performance.now();
    for (let count = 0; count < 20; count++) assert.equal((await verifier.verify(key, "invoice:list")).allowed, true);
    assert.equal(verifier.status().waits, 1, `${Math.round(performance.now() - began)} ms`);
    // One that hangs keeps no other from beginning.
    registry.between = undefined;
    registry.now += 2 * SECOND_MS;
    assert.equal((await verifier.verify(key, "invoice:list")).list.zone, "fresh");
  });

  it("is not asked by every call of a clock that says nothing", async () => {
    const verifier = await made();
    const { refreshes } = verifier.status();
    const { now } = registry;
    registry.now = NaN;
    for (let count = 0; count < 20; count++) verifier.verifySync(key, "invoice:read");
    assert.equal(verifier.status().refreshes, refreshes);
    registry.now = now;
  });

  it("shows in the status what the list is worth", async () => {
    const verifier = await made();
    assert.deepEqual([verifier.status().zone, verifier.status().epochs], ["fresh", [1, 3]]);
    registry.now += 60 * SECOND_MS;
    assert.equal(verifier.status().zone, "must_ask");
    registry.now += LOW_MS;
    assert.equal(verifier.status().zone, "stale");
  });
});
