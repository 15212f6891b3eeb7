// The benchmarks' own machinery: figures that nobody checks could say anything.

import assert from "node:assert/strict";
import test from "node:test";
import { prepared, times } from "../crates/bench/js/prepared.mjs";
import { measure, median } from "../crates/bench/js/rounds.mjs";
import { unseen } from "../crates/bench/js/unseen_wasm.mjs";

const PACE = { rounds: 9, targetMs: 4, warmMs: 8, seed: 1 };

test("a ratio is to the base of the same round, whatever slows both", async () => {
  let [calls, calibration] = [0, Infinity];
  const row = (id, ms, base) => ({
    id,
    base,
    time(count) {
      // Each round is slower than the one before.
      const round = calls < calibration ? 0 : Math.floor((calls - calibration) / 3) + 1;
      calls += 1;
      return count * ms * (1 + round);
    },
  });
  const rows = [row("unit", 0.02, "unit"), row("half", 0.01, "unit"), row("alone", 0.01, undefined)];
  await measure(rows, { ...PACE, rounds: 0 });
  [calls, calibration] = [0, calls];
  const found = await measure(rows, PACE);
  const { ratio, median, minimum } = found.get("half");
  assert.deepEqual([ratio, median, minimum].map((figure) => figure.toFixed(3)), ["0.500", "60000.000", "20000.000"]);
  assert.equal(found.get("alone").ratio, undefined);
});

test("each round has every row once, in an order of its own, the same for the same seed", async () => {
  const orders = async (seed) => {
    const order = [];
    const ids = ["a", "b", "c", "d", "e"];
    const rows = ids.map((id) => ({ id, time: (count) => (order.push(id), count) }));
    await measure(rows, { ...PACE, rounds: 20, seed });
    const rounds = [];
    for (let end = order.length; rounds.length < 20; end -= ids.length) rounds.push(order.slice(end - ids.length, end).join(""));
    return rounds;
  };
  const first = await orders(1);
  for (const round of first) assert.equal([...round].sort().join(""), "abcde");
  assert.ok(new Set(first).size > 10);
  assert.deepEqual(await orders(1), first);
  assert.notDeepEqual(await orders(2), first);
});

test("a median lies in the middle", () => {
  assert.equal(median([9, 1, 2]), 2);
  assert.equal(median([9, 1, 2, 3]), 2.5);
});

test("a row that does not do the job is not measured", async () => {
  // A key is its claims, and who made it.
  const row = (verify) => ({
    id: "toy",
    prepare: ({ good, expired, unscoped }) => ({
      tokens: good.map((claims) => JSON.stringify(claims)),
      refused: {
        forged: JSON.stringify({ ...good[0], forged: true }),
        expired: JSON.stringify(expired),
        unscoped: JSON.stringify(unscoped),
      },
      verify,
    }),
  });
  const checks = {
    forged: (claims) => !claims.forged,
    expired: (claims) => claims.exp * 1000 > Date.now(),
    unscoped: (claims) => claims.scopes.includes("reports:read"),
  };
  const without = (forgotten) => (token) => {
    const claims = JSON.parse(token);
    const passes = Object.entries(checks).every(([name, check]) => name === forgotten || check(claims));
    return passes ? claims : undefined;
  };
  const ready = await prepared(row(without(undefined)));
  assert.equal(ready.isAsync, false);
  assert.equal((await times(ready, 3)).jti, "key_0000000000000002");
  assert.equal((await prepared(row(async (token) => without(undefined)(token)))).isAsync, true);
  for (const forgotten of Object.keys(checks)) {
    await assert.rejects(prepared(row(without(forgotten))), { message: `toy: the ${forgotten} key is not refused` });
    await assert.rejects(prepared(row(async (token) => without(forgotten)(token))), { message: /is not refused/ });
  }
  const others = (token) => without(undefined)(token) && { sub: "svc:other", jti: "key_0000000000000000" };
  await assert.rejects(prepared(row(others)), { message: "toy: a good key is not what it was made as" });
});

test("a module that nobody has compiled yet is the same module", () => {
  const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  const [one, two] = [unseen(empty), unseen(empty)];
  assert.notDeepEqual(one, two);
  for (const bytes of [one, two]) assert.equal(WebAssembly.Module.customSections(new WebAssembly.Module(bytes), "n").length, 1);
});
