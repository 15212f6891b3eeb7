// Spectral with its rules for OpenAPI and those of OWASP, on the description, and on one that is wrong on purpose.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { CHECKOUT, DOCUMENT, end, folder, run } from "./programs.mjs";

const RULES = join(import.meta.dirname, "spectral.yaml");
/** What is broken below, by the rule that must see it. */
const MUST_SEE = ["owasp:api2:2023-write-restricted", "owasp:api4:2023-string-limit", "oas3-schema", "operation-operationId-unique"];

async function lint(path) {
  const args = ["lint", path, "--ruleset", RULES, "--fail-severity=hint", "--display-only-failures", "--format=json", "--quiet"];
  const { status, said } = await run(process.execPath, [join(CHECKOUT, "node_modules/@stoplight/spectral-cli/dist/index.js"), ...args]);
  const start = said.indexOf("[");
  if (![0, 1].includes(status) || start === -1) throw new Error(`spectral ended with ${status}: ${said}`);
  return JSON.parse(said.slice(start, said.lastIndexOf("]") + 1));
}

function broken() {
  const document = JSON.parse(readFileSync(DOCUMENT, "utf8"));
  delete document.paths["/v1/keys"].post.security;
  delete document.components.schemas.Subject.maxLength;
  delete document.paths["/v1/audit"].get.parameters[0].in;
  document.paths["/v1/verify"].post.operationId = "createKey";
  const path = join(folder(), "broken.json");
  writeFileSync(path, JSON.stringify(document));
  return path;
}

const told = await lint(DOCUMENT);
const findings = told.map(({ code, message, path }) => `${code} at ${path.join(".")}: ${message}`);
const seen = new Set((await lint(broken())).map(({ code }) => code));
for (const rule of MUST_SEE) if (!seen.has(rule)) findings.push(`control: ${rule} did not see what is broken on purpose`);
await end("spectral", findings, `${MUST_SEE.length} planted mistakes seen`);
