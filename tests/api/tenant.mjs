// A worker with a tenant and a credential for each kind of caller.

import { POLICY as BASIC } from "../harness/policies.mjs";
import { Worker } from "../harness/worker.mjs";

const [api, jobs] = BASIC.audiences;
export const POLICY = {
  environment: "test",
  audiences: [{ ...api, roles: [{ name: "reporter", scopes: ["reports:read", "reports:write"] }] }, jobs],
  rules: [
    { name: "administrators", actors: ["ops:*"], audiences: ["wardkey", "api", "jobs"], scopes: ["*"], subjects: ["*"] },
    { name: "key-sets", actors: ["ops:*"], audiences: ["wardkey"], scopes: ["verifier:key-set"], subjects: ["svc:*"] },
  ],
};

/** Starts a worker; answers it and its callers. */
export async function tenant(options) {
  const worker = await Worker.start(options);
  const admin = await worker.administrator({ policy: POLICY });
  const made = await admin.create({ subject: "svc:caller", scopes: ["reports:read", "reports:write", "reports:purge"] });
  const caller = Object.assign(worker.client(made.json.key), { keyId: made.json.key_id });
  const verifier = await admin.deputy(["verifier:verify"], ["api"]);
  const holder = await admin.deputy(["verifier:key-set"], ["api"]);
  return { worker, admin, caller, verifier, holder };
}
