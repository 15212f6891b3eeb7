// The log of decisions: bounded whatever the hook does, and no loss is kept from it.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { DecisionLog } from "../../crates/js/js/verifier/decision_log.mjs";

const turn = (ms = 0) => new Promise((next) => setTimeout(next, ms));
async function until(holds, ms = 8_000) {
  for (const end = Date.now() + ms; !holds() && Date.now() < end; ) await turn(5);
}
/** What a hook saw, and what it was told that it did not see. */
function watched(hook = () => {}) {
  const seen = { count: 0, lost: 0, open: 0, most: 0, last: undefined };
  const log = new DecisionLog((entry) => {
    seen.count += 1;
    seen.lost += entry.lost ?? 0;
    seen.last = entry;
    seen.most = Math.max(seen.most, (seen.open += 1));
    const done = hook(entry);
    if (typeof done?.then !== "function") seen.open -= 1;
    else done.then(() => (seen.open -= 1), () => (seen.open -= 1));
    return done;
  });
  return { log, seen };
}

describe("the decision log", () => {
  it("hands over each entry in order, after the call, frozen", async () => {
    const numbers = [];
    const { log, seen } = watched(({ number }) => void numbers.push(number));
    for (let number = 0; number < 5_000; number++) log.push({ number });
    assert.equal(seen.count, 0);
    await until(() => seen.count === 5_000);
    assert.deepEqual(numbers, [...Array(5_000).keys()]);
    assert.ok(Object.isFrozen(seen.last));
    log.push({ number: 5_000 });
    await until(() => seen.count === 5_001);
    assert.equal(seen.lost, 0);
  });

  it("declares all losses, also where no further entry comes", async () => {
    const { log, seen } = watched();
    for (let number = 0; number < 10_050; number++) log.push({ number });
    await until(() => seen.count + seen.lost === 10_050);
    assert.deepEqual([seen.count, seen.lost], [10_000, 50]);
  });

  it("keeps no more than 10,000 entries, those in hand among them, for a hook that is slow", async () => {
    const { log, seen } = watched(() => turn(20));
    let pushed = 0;
    for (let burst = 0; burst < 60; burst++) {
      for (let number = 0; number < 5_000; number++, pushed++) log.push({ number });
      await turn(1);
    }
    const had = seen.count - seen.open;
    await until(() => seen.count + seen.lost === pushed, 20_000);
    assert.ok(seen.count - had <= 10_000, `${seen.count - had} were kept`);
    assert.equal(seen.count + seen.lost, 300_000);
    assert.ok(seen.lost > 200_000 && seen.most <= 1_000, `${seen.lost} lost, ${seen.most} at once`);
  });

  it("does not wait for each call by itself", async () => {
    const { log, seen } = watched(() => turn(50));
    for (let number = 0; number < 500; number++) log.push({ number });
    await until(() => seen.count === 500, 1_000);
    assert.equal(seen.count, 500);
  });

  it("goes on behind a hook that never settles", async () => {
    const { log, seen } = watched(({ number }) => (number < 5 ? new Promise(() => {}) : undefined));
    for (let number = 0; number < 12_000; number++) log.push({ number });
    await until(() => seen.count === 10_000, 12_000);
    assert.deepEqual([seen.count, seen.lost], [10_000, 2_000]);
  });

  it("drops what a hook throws and rejects with, in whatever way", async () => {
    const ways = [() => { throw new Error("x"); }, () => Promise.reject(new Error("x")), () => ({ then: (_, fail) => fail(new Error("x")) }), () => ({ get then() { throw new Error("x"); } })];
    let count = 0;
    const log = new DecisionLog(({ number }) => {
      count += 1;
      return ways[number % ways.length]();
    });
    for (let number = 0; number < 40; number++) log.push({ number });
    await until(() => count === 40);
    assert.equal(count, 40);
  });

  it("lets requests in between two batches of a hook that takes its time", async () => {
    const { log, seen } = watched(() => {
      for (const end = performance.now() + 0.02; performance.now() < end; );
    });
    for (let number = 0; number < 10_000; number++) log.push({ number });
    let turns = 0;
    while (seen.count < 10_000) {
      await new Promise((next) => setImmediate(next));
      turns += 1;
    }
    assert.ok(turns >= 9, `${turns} turns`);
  });

  it("keeps a Worker alive until a hook is done, and survives one that takes nothing more on", async () => {
    const kept = [];
    let done = 0;
    const log = new DecisionLog(() => turn(30).then(() => (done += 1)));
    for (let number = 0; number < 10; number++) log.push({ number }, (promise) => kept.push(promise));
    assert.equal(kept.length, 1);
    await kept[0];
    assert.equal(done, 10);
    log.push({ number: 10 }, () => { throw new Error("too late"); });
    await until(() => done === 11);
  });

  it("goes on where a request took its timers with it", async () => {
    const { setTimeout: real } = globalThis;
    const { now } = Date;
    const { log, seen } = watched();
    try {
      globalThis.setTimeout = () => ({ unref() {} });
      log.push({ number: 0 });
      globalThis.setTimeout = real;
      log.push({ number: 1 });
      await turn(20);
      assert.equal(seen.count, 0);
      Date.now = () => now() + 1_500;
      log.push({ number: 2 });
    } finally {
      globalThis.setTimeout = real;
      Date.now = now;
    }
    await until(() => seen.count === 3);
    assert.equal(seen.count, 3);
  });
});
