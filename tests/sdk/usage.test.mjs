// What a verifier of the package counts and reports, at a real registry: never a request a call, and nothing twice.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { createVerifier } from "../../crates/js/js/index.mjs";
import { RULED } from "../harness/policies.mjs";
import { Worker } from "../harness/worker.mjs";

describe("usage that a verifier reports", () => {
  let worker, admin, gateway;

  before(async () => {
    worker = await Worker.start();
    admin = await worker.administrator({ policy: RULED });
    gateway = await admin.deputy(["verifier:key-set", "verifier:verify"], ["api"]);
  });

  it("comes back by key: who used which scope, how often, and what was denied", async () => {
    const asked = [];
    const seen = (url, init) => (asked.push(new URL(url).pathname), fetch(url, init));
    const verifier = await createVerifier({ url: worker.url, credential: gateway.credential, fetch: seen, usage: { verifier: "gateway-1" } });
    const { key, key_id } = (await admin.create({ scopes: ["reports:read", "reports:write"] })).json;
    for (let call = 0; call < 50; call++) await verifier.verify(key, "reports:read");
    for (let call = 0; call < 3; call++) verifier.verifySync(key, "reports:export");
    await verifier.verify("nonsense", "reports:read");
    assert.ok(!asked.includes("/v1/usage"), "no request a call");
    await verifier.reportUsage();
    assert.equal(verifier.status().lastUsageError, undefined);
    assert.equal(asked.filter((path) => path === "/v1/usage").length, 1);
    const told = (await admin.get(`/v1/keys/${key_id}/usage`)).json;
    assert.deepEqual(told.outcomes.map(({ outcome, count }) => [outcome, count]).sort(), [["allow", 50], ["scope_missing", 3]]);
    assert.deepEqual(told.never_used_scopes, ["reports:write"]);
    assert.ok(told.last_used >= told.first_used);
    // Nothing is told twice.
    await verifier.reportUsage();
    assert.equal(asked.filter((path) => path === "/v1/usage").length, 1);
    assert.ok(!JSON.stringify(told).includes(key));
  });

  it("is refused as an option that cannot be", async () => {
    const files = { keySet: () => new Uint8Array(), head: () => new Uint8Array(), state: () => new Uint8Array() };
    const options = { url: worker.url, credential: gateway.credential };
    await assert.rejects(createVerifier({ ...options, usage: { verifier: "Gateway 1" } }), { code: "invalid_option" });
    await assert.rejects(createVerifier({ ...options, usage: { verifier: "gateway", everyMs: 5 } }), { code: "invalid_option" });
    const keySet = (await gateway.get("/v1/key-set")).bytes;
    await assert.rejects(createVerifier({ files: { ...files, keySet: () => keySet }, usage: { verifier: "gateway" } }), { code: "no_registry" });
  });
});
