// A worker with a tenant and a credential for each kind of caller.

import { Worker } from "../harness/worker.mjs";

export const POLICY = {
  environment: "test",
  audiences: [
    {
      number: 1,
      name: "api",
      scopes: [
        { number: 0, name: "reports:read", risk: "low" },
        { number: 1, name: "reports:write", risk: "standard" },
        { number: 9, name: "reports:export", risk: "high" },
        { number: 12, name: "reports:purge", risk: "strict" },
      ],
      roles: [{ name: "reporter", scopes: ["reports:read", "reports:write"] }],
    },
    { number: 2, name: "jobs", scopes: [{ number: 0, name: "jobs:run" }] },
  ],
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
