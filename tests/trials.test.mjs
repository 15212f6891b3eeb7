// The core's code in wasm does what it does natively: the same suites, the same counts, the same digests.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { nativeRun, Trials } from "./harness/trials.mjs";

const native = nativeRun();
const trials = await Trials.start();
const shared = native.reports.filter(({ in_wasm }) => in_wasm).map(({ report }) => report);

describe(`in wasm as natively (seed ${native.seed})`, () => {
  for (const expected of shared) {
    it(`${expected.suite}, ${expected.stretch.count} cases`, () => {
      const report = trials.run(expected.suite, native.seed, expected.stretch);
      assert.deepEqual(report, expected);
      assert.equal(report.failures, 0);
      assert.notDeepEqual(report.counts, {});
      for (const [mistake, caught] of Object.entries(report.controls)) assert.ok(caught > 0, `never caught: ${mistake}`);
      const outcomes = Object.values(report.counts).reduce((sum, count) => sum + count, 0);
      console.log(`${report.suite}: ${outcomes} outcomes as natively, digest ${report.digest}`);
    });
  }

  it("leaves no suite out", () => {
    assert.deepEqual([...new Set(shared.map(({ suite }) => suite)), native.tells_machines_apart.suite], trials.suites);
  });

  it("would see a difference, a seed's included", () => {
    const { suite, stretch, digest, counts } = native.tells_machines_apart;
    const report = trials.run(suite, native.seed, stretch);
    assert.deepEqual(report.counts, counts);
    assert.notEqual(report.digest, digest);
    const drawn = shared.find((report) => report.suite === "forged-tags");
    assert.notEqual(trials.run(drawn.suite, BigInt(native.seed) + 1n, drawn.stretch).digest, drawn.digest);
  });
});
