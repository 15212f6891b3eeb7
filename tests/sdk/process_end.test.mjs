// A process that is done ends: neither a report nor a hook that never settles keeps it.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { promisify } from "node:util";

import { BUN, DENO, NODE_20, NODE_22 } from "../harness/runtimes.mjs";

const VERIFIER = new URL("../../crates/js/js/verifier/", import.meta.url).href;
const PROGRAM = `
  const { DecisionLog } = await import("${VERIFIER}decision_log.mjs");
  const { UsageReports } = await import("${VERIFIER}usage_reports.mjs");
  const reports = new UsageReports({ transport: { report: async () => {} }, usage: { verifier: "gateway" }, now: Date.now });
  reports.count({ keyId: "key_0011223344556677", statusIndex: 1 }, "a:b", "allow");
  let count = 0;
  const log = new DecisionLog(() => (console.log(++count), new Promise(() => {})));
  for (let number = 0; number < 3; number++) log.push({ number });`;
const RUNTIMES = {
  "Node 20": [NODE_20, "--input-type=module", "--eval", PROGRAM], "Node 22": [NODE_22, "--input-type=module", "--eval", PROGRAM], Deno: [DENO, "eval", PROGRAM], Bun: [BUN, "--eval", PROGRAM],
};

describe("a process that has nothing more to do", () => {
  for (const [name, [program, ...args]] of Object.entries(RUNTIMES)) {
    it(`ends in ${name} when each entry has been handed over`, async () => {
      assert.ok(program !== undefined, `npm brings no ${name} for this machine`);
      const began = Date.now();
      const { stdout } = await promisify(execFile)(program, args, { timeout: 50_000, env: { ...process.env, NO_COLOR: "1" } });
      assert.equal(stdout, "1\n2\n3\n");
      // A report is due after a minute.
      assert.ok(Date.now() - began < 40_000);
    });
  }
});
