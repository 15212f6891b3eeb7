// One suite in every runtime that the package is for: the vectors, the module against hostile hosts, and how verifier and holder's side behave;
// in Chromium what browsers get.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { outcomeInChromium } from "../harness/portable/chromium.mjs";
import { outcomeInWorkerd } from "../harness/portable/workerd.mjs";
import { BUN, DENO, NODE_20, NODE_22 } from "../harness/runtimes.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SUITES = {
  "the module": ["verifier_module.test.mjs"],
  "the verifier": [
    "sdk/behaviour.test.mjs", "sdk/strict.test.mjs", "sdk/lists.test.mjs", "sdk/slow_registry.test.mjs", "sdk/careless_hands.test.mjs",
    "sdk/reports.test.mjs", "sdk/report_losses.test.mjs", "sdk/outages.test.mjs", "sdk/mistakes.test.mjs", "sdk/rotate_by.test.mjs",
  ],
  "the holder's side": ["holder/narrowing.test.mjs", "holder/inspection.test.mjs", "holder/redaction.test.mjs", "holder/printed_values.test.mjs", "holder/module.test.mjs", "holder/known_options.test.mjs"],
  "what needs servers and streams of Node's": ["sdk/middleware.test.mjs", "holder/fetch.test.mjs", "holder/console.test.mjs", "holder/hidden_keys.test.mjs", "holder/two_origins.test.mjs", "sdk/decision_log.test.mjs", "sdk/printing.test.mjs", "sdk/report_timer.test.mjs"],
};
/** Of verify.json and adopt.json each twice, with SIMD and without: a suite that ran nothing passes, too. */
const VECTORS = { "the module": [/769 of 829 cases of verify\.json/g, /191 of 191 cases of adopt\.json/g] };

const node = (program) => ({
  program,
  args: (files) => ["--test", "--test-reporter=spec", ...files],
  count: (said) => ({ tests: number(/tests (\d+)/, said), suites: number(/suites (\d+)/, said), passed: number(/pass (\d+)/, said) }),
});
const RUNTIMES = {
  "Node 20": node(NODE_20),
  "Node 22": node(NODE_22),
  Deno: {
    program: DENO,
    args: (files) => ["test", "--allow-read", "--allow-env", "--allow-net", "--allow-sys", "--no-check", ...files],
    // Suites count, too: as tests, and within others as steps.
    count: (said, { suites }) => ({ passed: number(/ok \| (\d+) passed/, said) + number(/passed \((\d+) steps?\)/, said) - suites }),
  },
  Bun: { program: BUN, args: (files) => ["test", ...files], count: (said) => ({ passed: number(/(\d+) pass\n/, said) }) },
};

const number = (pattern, said) => Number(pattern.exec(said)?.[1] ?? Number.NaN);

/** What a runtime says of the tests of these files. */
async function said({ program, args }, files) {
  // A suite within a suite would run nothing.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const paths = files.map((file) => `./tests/${file}`);
  // Where some fail, what they said is told by whoever looks at it.
  const { stdout, stderr } = await promisify(execFile)(program, args(paths), { cwd: ROOT, env: { ...env, NO_COLOR: "1" }, maxBuffer: 1 << 24 }).catch((error) => error);
  return `${stdout}${stderr}`;
}

function assertVectors(suite, text) {
  for (const pattern of VECTORS[suite] ?? []) assert.equal(text.match(pattern)?.length, 2, text);
}

for (const [suite, files] of Object.entries(SUITES)) {
  describe(`${suite}: one suite`, () => {
    /** How many tests and suites there are, by what Node 22 says. */
    let all;
    before(async () => (all = RUNTIMES["Node 22"].count(await said(RUNTIMES["Node 22"], files))));

    for (const [name, runtime] of Object.entries(RUNTIMES)) {
      it(`passes in ${name}, with every test`, async () => {
        assert.ok(runtime.program !== undefined, `npm brings no ${name} for this machine`);
        assert.ok(all.tests >= files.length, `${all.tests} tests`);
        const text = await said(runtime, files);
        assert.equal(runtime.count(text, all).passed, all.tests, text);
        assertVectors(suite, text);
      });
    }

    if (suite.startsWith("what needs")) return;
    it("passes in workerd, with every test", async () => {
      // The module's suite is full of Buffers; the package's own want nothing of Node's.
      const { tests, failures, said } = await outcomeInWorkerd(files, { node: suite === "the module" });
      assert.deepEqual(failures, []);
      assert.equal(tests, all.tests);
      assertVectors(suite, said.join("\n"));
    });

    if (suite !== "the holder's side") return;
    it("passes in Chromium, with every test", async () => {
      const { tests, failures } = await outcomeInChromium(files);
      assert.deepEqual(failures, []);
      assert.equal(tests, all.tests);
    });
  });
}
