// Strict scopes: the registry is asked about each call, and only its word about the very key counts.

import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";

import { createVerifier } from "../../crates/js/js/index.mjs";
import { MemoryRegistry } from "../harness/memory_registry.mjs";
import { holdProcess } from "../harness/verifying.mjs";

let registry, key;
beforeEach(() => {
  registry = new MemoryRegistry();
  ({ key } = registry);
});
holdProcess();
const made = (more) => createVerifier(registry.options(more));

describe("a strict scope", () => {
  it("is asked for at the registry, for each of many calls", async () => {
    const verifier = await made();
    const decisions = await Promise.all(Array.from({ length: 10 }, () => verifier.verify(key, "invoice:void")));
    assert.ok(decisions.every(({ allowed, list }) => allowed && list.zone === "registry"));
    assert.equal(registry.asked("/verify"), 10);
    registry.verdict = { decision: "deny", reason: "revoked", status: 401 };
    const denied = await verifier.verify(key, "invoice:void");
    assert.deepEqual([denied.outcome, denied.reason, denied.answer.status], ["deny", "revoked", 401]);
  });

  it("is allowed by no answer that is none, or is about another key", async () => {
    const verifier = await made();
    const right = registry.verdict;
    for (const [answer, reason] of [
      [{ ...right, key_id: "key_0011223344556678" }, "registry_unavailable"], [{ ...right, tenant: 8 }, "registry_unavailable"], [{ ...right, audience: 1 }, "registry_unavailable"],
      [{ ...right, status_index: 809 }, "registry_unavailable"], [{ ...right, subject: "svc:evil" }, "registry_unavailable"],
      [{ ...right, expires_at: right.expires_at + 1 }, "registry_unavailable"], [{ ...right, narrowed: true }, "registry_unavailable"],
      [{ decision: "allow", status: 200 }, "registry_unavailable"], [{ ...right, decision: "allowed" }, "registry_unavailable"], [{}, "registry_unavailable"],
      [{ decision: "deny" }, "registry_unavailable"], [{ decision: "deny", reason: "__proto__", status: 503 }, "registry_unavailable"],
      [{ decision: "deny", reason: "too_many_strict_calls", status: 429 }, "too_many_strict_calls"],
    ]) {
      registry.verdict = answer;
      const decision = await verifier.verify(key, "invoice:void");
      assert.deepEqual([decision.outcome, decision.reason], ["deny", reason], JSON.stringify(answer));
    }
    for (const text of ["null", "\"allow\"", "[]", "{", ""]) {
      registry.between = (path, init) => (path === "/v1/verify" ? Promise.resolve(new Response(text)) : registry.pass(path, init));
      assert.equal((await verifier.verify(key, "invoice:void")).reason, "registry_unavailable", text);
    }
  });
});

describe("many strict calls at once", () => {
  it("are all answered, also beside a hot loop that asks nobody", async () => {
    const verifier = await made();
    const decisions = Array.from({ length: 400 }, () => verifier.verify(key, "invoice:void"));
    for (let count = 0; count < 2_000; count++) assert.equal(verifier.verifySync(key, "invoice:void").outcome, "strict");
    assert.deepEqual(new Set((await Promise.all(decisions)).map(({ outcome }) => outcome)), new Set(["allow"]));
    assert.equal(registry.asked("/verify"), 400);
  });

  it("are asked about no more often than answers can be kept, and those beyond are told so", async () => {
    const verifier = await made();
    const decisions = await Promise.all(Array.from({ length: 2_000 }, () => verifier.verify(key, "invoice:void")));
    assert.equal(decisions.filter(({ allowed }) => allowed).length, 500);
    assert.ok(decisions.every(({ allowed, reason }) => allowed || reason === "registry_unavailable"));
    assert.equal(registry.asked("/verify"), 500);
    assert.equal((await verifier.verify(key, "invoice:void")).allowed, true);
  });

  it("are told why the registry is of no use, and send it no address that is none", async () => {
    const asked = [];
    const verifier = await made();
    registry.between = (path, init) => {
      if (path !== "/v1/verify") return registry.pass(path, init);
      asked.push(JSON.parse(init.body).address);
      return registry.pass(path, init);
    };
    for (const address of ["1.2.3.4, 10.0.0.1", "1.2.3.4:5678", "unknown", "", "192.0.2.7"]) {
      assert.equal((await verifier.verify(key, "invoice:void", { address })).allowed, true, address);
    }
    assert.deepEqual(asked, [undefined, undefined, undefined, undefined, "192.0.2.7"]);
    assert.equal(verifier.status().lastStrictError, undefined);
    registry.between = async () => new Response("{}", { status: 403 });
    assert.equal((await verifier.verify(key, "invoice:void")).reason, "registry_unavailable");
    assert.equal(verifier.status().lastStrictError, "credential_refused");
  });
});
