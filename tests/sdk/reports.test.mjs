// Reports of usage by themselves: each decision counts once, losses are declared.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { UsageCounts } from "../../crates/js/js/verifier/usage_counts.mjs";
import { UsageReports } from "../../crates/js/js/verifier/usage_reports.mjs";

describe("reports", () => {
  const claims = (number) => ({ keyId: `key_${number.toString(16).padStart(16, "0")}`, statusIndex: number });
  /** Reports at a clock of their own, to somebody who answers as he is told. */
  function made() {
    const sent = [];
    const clock = { now: 1_800_000_000_000 };
    const answers = [];
    const transport = {
      async report(report) {
        sent.push(structuredClone(report));
        const answer = answers.shift();
        if (answer) throw answer;
      },
    };
    const reports = new UsageReports({ transport, usage: { verifier: "gateway", everyMs: 1_000 }, now: () => clock.now });
    return { reports, sent, clock, answers };
  }
  const sum = (reports) => reports.flatMap(({ entries }) => entries).reduce((all, { count }) => all + count, 0);

  it("are sent again as they were until they are taken, so that each counts once", async () => {
    const { reports, sent, answers, clock } = made();
    answers.push(new Error("away"), new Error("away"));
    for (let call = 0; call < 10; call++) reports.count(claims(1), "a:b", "allow");
    await reports.send();
    assert.equal(reports.outage.code, "Error");
    for (let call = 0; call < 5; call++) reports.count(claims(1), "a:b", "allow");
    clock.now += 2_000;
    await reports.send();
    await reports.send();
    assert.deepEqual(sent.map(({ entries: [{ count }] }) => count), [10, 10, 10, 5]);
    const ids = sent.map(({ report_id }) => report_id);
    assert.deepEqual([ids[0], ids[1], new Set(ids).size], [ids[1], ids[2], 2]);
    assert.equal(reports.outage.code, undefined);
  });

  it("go on where one never came to its end, and lose none of what was in flight", async () => {
    const { sent, clock } = made();
    const ends = [];
    const hanging = new UsageReports({
      transport: { report: (report) => (sent.push(structuredClone(report)), new Promise((end, fail) => ends.push({ end, fail }))) },
      usage: { verifier: "gateway", everyMs: 1_000 }, now: () => clock.now,
    });
    hanging.count(claims(1), "a:b", "allow");
    const first = hanging.send();
    clock.now += 20_000;
    const second = hanging.send();
    assert.deepEqual([sent.length, sent[0].report_id], [2, sent[1].report_id]);
    hanging.count(claims(2), "a:b", "allow");
    ends[0].end();
    ends[1].end();
    await new Promise((next) => setTimeout(next, 5));
    assert.equal(sent.length, 3);
    ends[2].fail(new Error("away"));
    await Promise.all([first, second].map((each) => Promise.race([each, new Promise((next) => setTimeout(next, 5))])));
    const last = hanging.send();
    assert.equal(sent.at(-1).report_id, sent[2].report_id, "what was not taken is sent again");
    ends.at(-1).end();
    await last;
  });

  it("hold 256 entries, say what there was no room for, and lose nothing else", async () => {
    const { reports, sent } = made();
    for (let key = 0; key < 9_000; key++) reports.count(claims(key), "a:b", "allow");
    for (let key = 0; key < 9_000; key++) reports.count(claims(key), "a:b", "allow");
    await reports.send();
    assert.ok(sent.every(({ entries }) => entries.length <= 256));
    const lost = sent.reduce((all, report) => all + report.lost, 0);
    assert.equal(sum(sent) + lost, 18_000);
    assert.ok(lost > 0 && sum(sent) >= 2 * 8_192, `${sum(sent)} told, ${lost} lost`);
  });

  it("begin of themselves when it is time, one at a time, with what keeps a Worker alive", async () => {
    const { reports, sent, clock } = made();
    const kept = [];
    reports.count(claims(1), "a:b", "allow", (promise) => kept.push(promise));
    assert.equal(sent.length, 0);
    clock.now += 1_000;
    for (let call = 0; call < 5; call++) reports.count(claims(1), "a:b", "allow", (promise) => kept.push(promise));
    assert.equal(kept.length, 1);
    await kept[0];
    // What is counted later waits for its own time.
    reports.count(claims(1), "a:b", "allow", (promise) => kept.push(promise));
    assert.equal(kept.length, 1);
    clock.now += 1_000;
    reports.count(claims(1), "a:b", "allow", (promise) => kept.push(promise));
    await Promise.all(kept);
    assert.deepEqual([kept.length, sum(sent)], [2, 8]);
  });

  it("count what the registry knows a word for", () => {
    const counts = new UsageCounts();
    assert.equal(counts.take(), undefined);
    const { reports } = made();
    reports.count(claims(1), "a:b", "malformed");
    reports.count(claims(1), "a:b", "too_many_strict_calls");
    return reports.send();
  });
});
