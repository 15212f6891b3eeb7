// schemathesis in all its phases and with all its checks, on every operation of the description, and on a description
// that is wrong on purpose.

import { randomInt } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Worker } from "../harness/worker.mjs";
import { parseHead } from "../harness/revocation_list.mjs";
import { DOCUMENT, end, folder, run } from "./programs.mjs";
import { POLICY, tenant } from "./tenant.mjs";

const SEED = process.env.WARDKEY_SEED ?? String(randomInt(2 ** 31));
const EXAMPLES = process.env.WARDKEY_API_EXAMPLES ?? "10";
/** Each may end the credential that it is called with, or all that the others go by, so each has a tenant of its own. */
const APART = ["revokeMany", "rotateSigningKeys", "replacePolicy", "destroyTenant"];

const place = folder();
const tally = {};
const findings = [];

/** What a run is told of its tenant. */
async function ordinary({ worker, admin, caller, verifier, holder }) {
  const begun = await admin.post("/v1/revocations", { select: { subject: { subject: "svc:nobody" } } });
  const { sequence, digest } = parseHead((await worker.client().get("/v1/list/1/head")).bytes);
  return {
    url: worker.url,
    admin: admin.credential,
    caller: caller.credential,
    credentials: { verify: verifier.credential, takeKeySet: holder.credential, reportUsage: holder.credential },
    revocation: begun.json.revocation_id,
    state: `${sequence}-${digest}`,
    token: worker.token,
    policy: POLICY,
  };
}

/** Runs it on some operations; answers whether it had nothing to say, and what it said. */
async function schemathesis(document, tenant, options, { mayForce = false } = {}) {
  const told = { ...tenant, may_force: mayForce, tally: join(place, "tally.json") };
  writeFileSync(told.tally, "{}");
  const { status, said } = await run(
    "schemathesis",
    ["--config-file", join(import.meta.dirname, "schemathesis.toml"), "run", document, "--url", tenant.url, "--seed", SEED, "--max-examples", EXAMPLES, "--generation-database", "none", ...options],
    {
      env: {
        WARDKEY_API_RUN: JSON.stringify(told),
        WARDKEY_API_ADMIN_KEY: tenant.admin,
        WARDKEY_API_CALLER_KEY: tenant.caller,
        WARDKEY_API_BOOTSTRAP_TOKEN: tenant.token,
        SCHEMATHESIS_HOOKS: "hooks",
        PYTHONPATH: import.meta.dirname,
      },
    },
  );
  if (![0, 1].includes(status)) throw new Error(`schemathesis ended with ${status}: ${said}`);
  return { clean: status === 0, said, tally: JSON.parse(readFileSync(told.tally, "utf8")) };
}

async function look(what, tenant, options, more) {
  const seen = await schemathesis(DOCUMENT, tenant, options, more);
  for (const [operation, statuses] of Object.entries(seen.tally)) {
    tally[operation] ??= {};
    for (const [status, times] of Object.entries(statuses)) tally[operation][status] = (tally[operation][status] ?? 0) + times;
  }
  const calls = Object.values(seen.tally).flatMap(Object.values).reduce((sum, times) => sum + times, 0);
  console.log(`${what}: ${calls} calls${seen.clean ? "" : `\n${seen.said}`}`);
  if (!seen.clean) findings.push(`schemathesis has findings in ${what}, see above`);
}

// What follows on an answer takes several operations.
const ALONE = ["--phases", "examples,coverage,fuzzing"];
const without = APART.concat("bootstrap").flatMap((name) => ["--exclude-operation-id", name]);
console.log(`seed: WARDKEY_SEED=${SEED}`);
// The limit of the list's routes is not what is looked at.
const first = await tenant({ limit: 1_000_000 });
const common = await ordinary(first);
await look("all operations but five", common, without);
for (const operation of APART) {
  const own = await tenant({ limit: 1_000_000 });
  await look(operation, await ordinary(own), ["--include-operation-id", operation, ...ALONE], { mayForce: true });
  await own.worker.end();
}
const empty = await Worker.start();
await look("bootstrap", { ...common, url: empty.url, token: empty.token }, ["--include-operation-id", "bootstrap", ...ALONE]);

// What was only ever refused was not looked at.
const document = JSON.parse(readFileSync(DOCUMENT, "utf8"));
const operations = Object.values(document.paths).flatMap((item) => Object.values(item).map(({ operationId }) => operationId));
for (const operation of operations) {
  const statuses = Object.keys(tally[operation] ?? {});
  if (!statuses.some((status) => /^[23]/.test(status))) findings.push(`${operation} never succeeded: ${JSON.stringify(tally[operation])}`);
}

// Control: a body of another shape than described, and an operation that asks for no credential where one is described.
document.components.schemas.Health.properties.status.const = "fine";
document.paths["/v1/policy/schema"].get.security = [{ administrationKey: [] }];
const broken = join(place, "broken.json");
writeFileSync(broken, JSON.stringify(document));
const control = await schemathesis(broken, common, ["--include-operation-id", "readHealth", "--include-operation-id", "readPolicySchema", ...ALONE]);
for (const failure of ["Response violates schema", "accepts requests without authentication"]) {
  if (control.clean || !control.said.includes(failure)) findings.push(`control: ${failure} was not seen\n${control.said}`);
}
const calls = Object.values(tally).flatMap(Object.values).reduce((sum, times) => sum + times, 0);
await end("schemathesis", findings, `${calls} calls of ${operations.length} operations, 2 planted mistakes seen`);
