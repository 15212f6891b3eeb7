// Where something goes on without a request, a report needs no further call.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { UsageReports } from "../../crates/js/js/verifier/usage_reports.mjs";

const claims = (number) => ({ keyId: `key_${number.toString(16).padStart(16, "0")}`, statusIndex: number });
const turn = (ms = 0) => new Promise((next) => setTimeout(next, ms));

describe("a report", () => {
  it("is sent without a further call", async () => {
    const sent = [];
    const reports = new UsageReports({ transport: { report: async (report) => void sent.push(report) }, usage: { verifier: "gateway", everyMs: 1_000 }, now: Date.now });
    reports.count(claims(1), "a:b", "allow");
    await turn(1_600);
    assert.equal(sent.length, 1);
  });

  it("is tried again without a further call where it was not taken", async () => {
    const sent = [];
    let isAway = true;
    const report = async (each) => {
      sent.push(each.report_id);
      if (isAway) throw new Error("away");
    };
    const reports = new UsageReports({ transport: { report }, usage: { verifier: "gateway", everyMs: 1_000 }, now: Date.now });
    reports.count(claims(1), "a:b", "allow");
    await reports.send();
    isAway = false;
    await turn(1_600);
    assert.deepEqual(sent, [sent[0], sent[0]]);
  });
});
