// What keeps a report from being taken loses no more than itself, and what is lost is declared.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { TransportError } from "../../crates/js/js/errors.mjs";
import { RegistryTransport } from "../../crates/js/js/verifier/registry_transport.mjs";
import { UsageReports } from "../../crates/js/js/verifier/usage_reports.mjs";

const DAY_S = 86_400;
const claims = (number) => ({ keyId: `key_${number.toString(16).padStart(16, "0")}`, statusIndex: number });
const turn = (ms = 0) => new Promise((next) => setTimeout(next, ms));

/** Reports to a registry that takes what crates/registry/src/usage/report.rs takes, and `refuses` besides. */
function made({ everyMs = 60_000, refuses = () => false } = {}) {
  const world = { nowMs: 1_800_000_000_000, registryMs: undefined, taken: [], refused: 0, sent: 0, counted: 0, lost: 0, isAway: false };
  const ids = new Set();
  const transport = {
    async report(report) {
      world.sent += 1;
      if (world.isAway) throw new TransportError("registry_unreachable", "away");
      const now = Math.floor((world.registryMs ?? world.nowMs) / 1_000);
      const { from, until } = report.period;
      const isTaken =
        from <= until && until - from <= DAY_S && until <= now + 300 && until + 7 * DAY_S >= now && report.lost <= 1e12 && report.entries.length <= 256 &&
        report.entries.every(({ scopes, count, first, last }) => scopes.length >= 1 && scopes.length <= 16 && count >= 1 && count <= 1e9 && first >= from && first <= last && last <= until);
      const refusal = !isTaken || refuses(report);
      if (refusal) {
        world.refused += 1;
        throw refusal instanceof Error ? refusal : new TransportError("report_refused", "400");
      }
      assert.ok(!ids.has(report.report_id), "a name is one report's");
      ids.add(report.report_id);
      world.taken.push(structuredClone(report));
      world.counted += report.entries.reduce((sum, { count }) => sum + count, 0);
      world.lost += report.lost;
    },
  };
  world.reports = new UsageReports({ transport, usage: { verifier: "gateway", everyMs }, now: () => world.nowMs });
  world.count = (number, scopes = "a:b", outcome = "allow") => world.reports.count(claims(number), scopes, outcome);
  return world;
}

describe("a report", () => {
  it("spans no more than a day, however seldom there is a call", async () => {
    const world = made();
    for (let call = 0; call < 30; call++) {
      world.count(1);
      await turn();
      world.nowMs += (DAY_S + 600) * 1_000;
    }
    await world.reports.send();
    assert.deepEqual([world.counted, world.lost, world.refused], [30, 0, 0]);
    const days = world.taken.flatMap(({ entries }) => entries.map(({ first, last }) => [Math.floor(first / DAY_S), Math.floor(last / DAY_S)]));
    assert.ok(days.every(([first, last]) => first === last) && new Set(days.map(([day]) => day)).size >= 30);
  });

  it("tells each day's decisions by themselves where several wait", async () => {
    const world = made();
    world.isAway = true;
    for (let day = 0; day < 3; day++) {
      for (let key = 0; key < 300; key++) world.count(key);
      world.nowMs += DAY_S * 1_000;
      await turn();
    }
    world.isAway = false;
    await world.reports.send();
    await world.reports.send();
    assert.deepEqual([world.counted, world.lost, world.refused], [900, 0, 0]);
    for (const { period, entries } of world.taken) {
      assert.equal(Math.floor(period.from / DAY_S), Math.floor(period.until / DAY_S));
      assert.ok(entries.every(({ first, last }) => first >= period.from && last <= period.until));
    }
  });

  it("is not sent when the registry would not take it any more: what it held is declared lost", async () => {
    const world = made();
    world.isAway = true;
    for (let call = 0; call < 5; call++) world.count(call);
    await world.reports.send();
    world.count(9);
    world.nowMs += 8 * DAY_S * 1_000;
    world.isAway = false;
    world.count(10);
    await world.reports.send();
    await world.reports.send();
    assert.deepEqual([world.counted, world.lost, world.refused], [1, 6, 0]);
  });

  it("loses nobody's counts by a call that wants more than 16 scopes: that one alone is declared lost", async () => {
    const world = made();
    const scopes = (count) => Array.from({ length: count }, (_, number) => `a:b${number}`);
    for (let round = 0; round < 20; round++) {
      for (let key = 0; key < 100; key++) world.count(key);
      world.count(7, scopes(17));
      world.count(7, scopes(16));
      world.count(7, [...scopes(16), ...scopes(16)]);
      world.nowMs += 61_000;
      world.count(1);
      await turn();
    }
    await world.reports.send();
    assert.deepEqual([world.counted, world.lost, world.refused], [20 * 103, 20, 0]);
  });

  it("that is refused is told in halves, so that one bad entry loses itself alone", async () => {
    const world = made({ refuses: ({ entries }) => entries.some(({ status_index: number }) => number === 77 || number === 200) });
    for (let key = 0; key < 256; key++) for (let call = 0; call <= key % 3; call++) world.count(key);
    world.count(300, "a:b", "no such word");
    const all = [...Array(256).keys()].reduce((sum, key) => sum + 1 + (key % 3), 0);
    const bad = 1 + (77 % 3) + 1 + (200 % 3);
    await world.reports.send();
    await world.reports.send();
    assert.deepEqual([world.counted, world.lost], [all - bad, bad + 1]);
    assert.ok(world.refused <= 20, `${world.refused} refused`);
  });

  it("that is refused as a whole is lost at once, and not told in halves that are refused as well", async () => {
    for (const field of ["period", "verifier", "report_id", "lost", "audience"]) {
      const world = made({ refuses: () => Object.assign(new TransportError("report_refused", "400"), { field }) });
      for (let key = 0; key < 256; key++) world.count(key);
      await world.reports.send();
      // The second one declares the loss.
      assert.ok(world.sent <= 2, `${field}: ${world.sent} sent`);
    }
    const isBad = ({ status_index: number }) => number === 77;
    const world = made({
      refuses: ({ entries }) => entries.some(isBad) && Object.assign(new TransportError("report_refused", "400"), { field: `entries[${entries.findIndex(isBad)}].key_id` }),
    });
    for (let key = 0; key < 256; key++) world.count(key);
    await world.reports.send();
    await world.reports.send();
    assert.deepEqual([world.counted, world.lost, world.refused], [255, 1, 9]);
  });

  it("is refused for the field that the registry names", async () => {
    const answers = [
      [400, JSON.stringify({ code: "invalid_field", field: "period" }), "period"],
      [400, JSON.stringify({ code: "invalid_field", field: "entries[3].scopes" }), "entries[3].scopes"],
      [400, JSON.stringify({ code: "invalid_body" }), undefined],
      [413, JSON.stringify({ field: ["period"] }), undefined],
      [422, "null", undefined],
      [400, "<h1>No</h1>", undefined],
      [400, JSON.stringify({ field: "period", detail: "x".repeat(70_000) }), undefined],
      [400, null, undefined],
    ];
    for (const [status, body, field] of answers) {
      const transport = new RegistryTransport({ fetch: async () => new Response(body, { status }), base: "https://keys.example.com", credential: "wk_none" });
      await assert.rejects(transport.report({}, AbortSignal.timeout(5_000)), (error) => {
        assert.ok(error instanceof TransportError);
        assert.deepEqual([error.code, error.field], ["report_refused", field]);
        return true;
      });
    }
  });

  it("is not sent without end to who refuses everything, and is told whole when that is over", async () => {
    let isRefusing = true;
    const stubborn = made({ refuses: () => isRefusing });
    for (let key = 0; key < 255; key++) stubborn.count(key);
    stubborn.count(1, "a:b", "too_many_strict_calls");
    await stubborn.reports.send();
    assert.equal(stubborn.sent, 32);
    for (let time = 0; time < 40; time++) await stubborn.reports.send();
    assert.ok(stubborn.sent < 41 * 32);
    // By then all is lost, and nothing but that is to be told: once an attempt.
    const before = stubborn.sent;
    await stubborn.reports.send();
    assert.equal(stubborn.sent - before, 1);
    isRefusing = false;
    await stubborn.reports.send();
    assert.equal(stubborn.counted + stubborn.lost, 256);
  });

  it("is not tried each second by those who fill one, where the last was not taken", async () => {
    const world = made();
    world.isAway = true;
    for (let second = 0; second < 30; second++) {
      for (let key = 0; key < 300; key++) world.count(key);
      world.nowMs += 1_000;
      await turn();
    }
    assert.equal(world.sent, 1);
  });

  it("goes on where a clock was ahead, and dates what it counted then by now", async () => {
    const world = made({ everyMs: 1_000 });
    world.nowMs += 3_600_000;
    world.registryMs = 1_800_000_000_000;
    world.isAway = true;
    world.count(1);
    world.nowMs += 1_000;
    world.count(1);
    await turn();
    world.isAway = false;
    world.nowMs -= 3_600_000;
    world.count(3);
    for (let call = 0; call < 100; call++) {
      world.nowMs += 5_000;
      world.registryMs = world.nowMs;
      world.count(2);
      await turn();
    }
    await world.reports.send();
    assert.equal(world.counted + world.lost, 103);
    assert.ok(world.counted >= 101 && world.taken.length > 20, `${world.counted} in ${world.taken.length} reports`);
    const later = made();
    later.nowMs += DAY_S * 1_000;
    for (let call = 0; call < 3; call++) later.count(1);
    later.nowMs -= DAY_S * 1_000;
    await later.reports.send();
    assert.deepEqual([later.counted, later.lost, later.refused], [3, 0, 0]);
  });

  it("declares lost what the registry has no word for, and what a clock that is none counts", async () => {
    const world = made();
    for (const outcome of ["too_many_strict_calls", "tenant_gone", "a_word_of_tomorrow"]) world.count(1, "a:b", outcome);
    world.count(1);
    await world.reports.send();
    assert.deepEqual([world.counted, world.lost, world.refused], [1, 3, 0]);
    const { nowMs } = world;
    world.nowMs = NaN;
    for (let call = 0; call < 10; call++) world.count(1);
    await world.reports.send();
    world.nowMs = nowMs + 1_000;
    await world.reports.send();
    assert.deepEqual([world.counted, world.lost, world.sent], [1, 13, 2]);
  });

  it("is one for all that was counted while another was under way, not one a call", async () => {
    const world = made({ everyMs: 1_000 });
    world.count(1);
    world.nowMs += 1_000;
    for (let call = 0; call < 200; call++) {
      world.count(1);
      await Promise.resolve();
    }
    await turn();
    assert.equal(world.sent, 1);
    await world.reports.send();
    assert.deepEqual([world.sent, world.counted], [2, 201]);
  });

  it("is refused by options that are none", () => {
    const transport = { report: async () => {} };
    for (const usage of [{}, { verifier: undefined }, { verifier: 5 }, { verifier: ["x"] }, { verifier: "x", everyMs: "5000" }, { verifier: "x", everyMs: NaN }, { verifier: "x", everyMs: 1e9 }, null, "x"]) {
      assert.throws(() => new UsageReports({ transport, usage, now: Date.now }), { code: "invalid_option" }, JSON.stringify(usage));
    }
    assert.throws(() => new UsageReports({ transport, usage: { verifer: "x" }, now: Date.now }), { code: "unknown_option", message: 'usage: there is no option "verifer"; there are verifier, everyMs' });
  });
});
