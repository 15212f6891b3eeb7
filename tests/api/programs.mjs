// The tools that look at the API from outside, and what they find.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { endAll } from "../harness/worker.mjs";

export const CHECKOUT = resolve(import.meta.dirname, "../..");
export const DOCUMENT = join(CHECKOUT, "worker/openapi.json");
/** Where `cargo xtask api` has brought the programs of requirements.txt. */
const PROGRAMS = resolve(process.env.WARDKEY_API_PROGRAMS ?? join(CHECKOUT, ".tools/api/bin"));

/** Keys of the tenant that is looked at: they work, for as long as the run takes. */
const KEYS = /\b[a-z][a-z0-9]{1,11}_(?:live|test)_[A-Za-z0-9_-]{20,}/g;

/** A folder that goes when the process ends. */
export function folder() {
  const path = mkdtempSync(join(tmpdir(), "wardkey-api-"));
  process.on("exit", () => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Runs a program to its end; answers its status and all that it said. A Python program is one of the tools. */
export function run(program, args, { env = {}, input } = {}) {
  const path = program.includes("/") ? program : join(PROGRAMS, program);
  const child = spawn(path, args, { cwd: CHECKOUT, env: { ...process.env, ...env, NO_COLOR: "1", PYTHONDONTWRITEBYTECODE: "1" } });
  let said = "";
  for (const channel of [child.stdout, child.stderr]) channel.setEncoding("utf8").on("data", (text) => (said += text));
  child.stdin.on("error", () => {}).end(input);
  return new Promise((done, failed) => {
    child.on("error", failed);
    child.on("close", (status) => done({ status, said: said.replace(KEYS, "[a key]") }));
  });
}

/** Ends the workers and the process, with what was found or with nothing to say. */
export async function end(what, findings, told) {
  for (const finding of findings) console.log(finding);
  console.log(`${what}: ${told}, ${findings.length} findings`);
  await endAll();
  process.exit(findings.length === 0 ? 0 : 1);
}
