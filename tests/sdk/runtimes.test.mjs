// The module's own suite, vectors and hostile hosts included, in every runtime that the package is for.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { BUN, DENO, NODE_22 } from "../harness/runtimes.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SUITE = "./tests/verifier_module.test.mjs";

describe("the module's suite", () => {
  for (const [runtime, program, ...args] of [
    ["Node 22", NODE_22, "--test", "--test-reporter=spec", SUITE],
    ["Deno", DENO, "test", "--allow-read", "--allow-env", "--no-check", SUITE],
    ["Bun", BUN, "test", SUITE],
  ]) {
    it(`passes in ${runtime}`, { skip: program === undefined && "not built for this machine" }, async () => {
      // A suite within a suite would run nothing.
      const { NODE_TEST_CONTEXT: _, ...env } = process.env;
      const { stdout, stderr } = await promisify(execFile)(program, args, { cwd: ROOT, env });
      const said = stdout + stderr;
      // Twice, with SIMD and without: a suite that ran nothing passes, too.
      assert.equal(said.match(/769 of 829 cases of verify\.json/g)?.length, 2, said);
      assert.equal(said.match(/191 of 191 cases of adopt\.json/g)?.length, 2, said);
    });
  }
});
