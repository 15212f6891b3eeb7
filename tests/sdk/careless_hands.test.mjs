// A verifier that is misused, or beside code that is: it refuses what would loosen its bound, and does not change its mind.

import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";

import { createVerifier } from "../../crates/js/js/index.mjs";
import { narrow } from "../../crates/js/js/holder/index.mjs";
import { protect } from "../../crates/js/js/middleware/fetch.mjs";
import { MemoryRegistry } from "../harness/memory_registry.mjs";
import { SECOND_MS, bearer, holdProcess, request, until } from "../harness/verifying.mjs";

let registry, key;
beforeEach(() => {
  registry = new MemoryRegistry();
  ({ key } = registry);
});
holdProcess();
const made = (more) => createVerifier(registry.options(more));

describe("a verifier in careless hands", () => {
  it("refuses what it does not understand, and what would loosen its bound", async () => {
    for (const wrong of [
      { adress: () => "192.0.2.1" }, { onDecison: () => {} }, { files: undefined, audiance: "api" },
    ]) {
      await assert.rejects(made(wrong), { code: "unknown_option" }, Object.keys(wrong).join());
    }
    for (const name of ["refreshTimeoutMs", "strictTimeoutMs"]) {
      for (const value of [0, -5, 99, 60_000, Infinity, NaN, "500", null]) await assert.rejects(made({ [name]: value }), { code: "invalid_option" }, `${name} ${value}`);
    }
    for (const wrong of [{ onDecision: "x" }, { waitUntil: 5 }, { now: 5 }, { address: "10.0.0.1" }, { header: "" }, { header: "X API" }, { header: 5 }]) {
      await assert.rejects(made(wrong), { code: "invalid_option" }, JSON.stringify(wrong));
    }
    for (const wrong of [undefined, null, "https://registry.test"]) await assert.rejects(createVerifier(wrong), { code: "invalid_option" });
    await assert.rejects(createVerifier({ binding: undefined, credential: "x" }), /is the service bound/);
    for (const url of ["registry.test", "https://me:secret@registry.test", "https://registry.test/?key=secret"]) {
      await assert.rejects(made({ url }), (error) => error.code === "invalid_option" && !`${error.stack}`.includes("secret"), url);
    }
    const verifier = await made();
    for (const [options, code] of [[{ stict: true }, "unknown_option"], [{ any: "false" }, "invalid_option"], [{ strict: 1 }, "invalid_option"], [{ waitUntil: 5 }, "invalid_option"]]) {
      await assert.rejects(verifier.verify(key, "invoice:read", options), { code });
      assert.throws(() => verifier.verifySync(key, "invoice:read", options), { code });
    }
  });

  it("tells nobody a credential that cannot stand in a header", async () => {
    for (const odd of [`${key}\n${key}`, `# mine\n${key}`, `${key}\r`, ` ${key}`, null, "", 5]) {
      for (const credential of [odd, () => odd]) {
        await assert.rejects(made({ credential }), (error) => {
          const told = `${error.stack} ${error.cause?.stack} ${JSON.stringify(error)}`;
          return error.code === "credential_malformed" && !told.includes(key.slice(20, 60));
        });
      }
    }
  });

  it("says of a key who calls by it, whatever else is judged in the meantime", async () => {
    let verifier;
    registry.between = (path, init) => {
      verifier?.verifySync(narrow(key, { scopes: [0] }), "invoice:list");
      return registry.pass(path, init);
    };
    verifier = await made();
    registry.now += 4_500;
    const decision = await verifier.verify(key, "invoice:read");
    assert.deepEqual([decision.narrowed, decision.scopes.length], [false, 4]);
    await until(() => verifier.status().ageMs === 0);
    registry.now += 4_500;
    assert.equal(verifier.verifySync(key, "invoice:read").narrowed, false);
  });

  it("does not take for options or a credential what somebody has put on every object", async () => {
    const verifier = await made();
    const polluted = { any: true, strict: true, key, address: "10.0.0.1" };
    Object.assign(Object.prototype, polluted);
    try {
      assert.equal((await verifier.authorize(request({}), "invoice:read")).reason, "credential_missing");
      for (const options of [undefined, {}, { requestId: "1" }, { waitUntil: () => {} }, { address: "192.0.2.1" }]) {
        assert.equal((await verifier.verify(key, ["invoice:read", "invoice:print"], options)).reason, "scope_missing");
        assert.equal((await verifier.authorize(bearer(key), ["invoice:read", "invoice:print"], options)).reason, "scope_missing");
        assert.equal(verifier.verifySync(key, ["invoice:read", "invoice:print"], options).reason, "scope_missing");
      }
    } finally {
      for (const name of Object.keys(polluted)) delete Object.prototype[name];
    }
  });

  it("reads the options of a call as they are then, and from the object alone", async () => {
    const verifier = await made();
    const options = {};
    assert.equal((await verifier.verify(key, ["invoice:read", "invoice:print"], options)).reason, "scope_missing");
    options.any = "false";
    await assert.rejects(verifier.verify(key, ["invoice:read", "invoice:print"], options), { code: "invalid_option" });
    options.any = true;
    assert.equal((await verifier.verify(key, ["invoice:read", "invoice:print"], options)).allowed, true);
    options.any = false;
    assert.equal((await verifier.verify(key, ["invoice:read", "invoice:print"], options)).reason, "scope_missing");
    // What is inherited would be left out, and was meant.
    class Strict {
      get strict() {
        return true;
      }
    }
    for (const inherited of [new Strict(), Object.create({ strict: true })]) await assert.rejects(verifier.verify(key, "invoice:read", inherited), { code: "invalid_option" });
  });

  it("lets no hook change what a route requires", async () => {
    const required = ["invoice:read", "invoice:print"];
    const handed = [];
    const verifier = await made({ onDecision: (entry) => {
      handed.push(entry);
      entry.scopes.splice(1);
    } });
    const route = protect(verifier, required, () => new Response("open"));
    assert.equal((await route(bearer(key))).status, 403);
    await until(() => handed.length === 1);
    required.splice(1);
    assert.equal((await route(bearer(key))).status, 403);
    await until(() => handed.length === 2);
    for (const { scopes } of handed) assert.deepEqual(scopes, ["invoice:read", "invoice:print"]);
  });

  it("does not change its mind where a Worker takes nothing more on", async () => {
    const waitUntil = () => {
      throw new Error("the request is over");
    };
    const verifier = await made({ waitUntil, onDecision: () => {}, usage: { verifier: "gate" } });
    registry.now += 4_900;
    assert.equal((await verifier.verify(key, "invoice:read", { waitUntil })).allowed, true);
  });

  it("lives on when a call was cut off by the end of the stack, and steps back to no older list", async () => {
    const verifier = await made();
    const old = await registry.head();
    registry.revoke(registry.statusIndex);
    registry.now += 6 * SECOND_MS;
    assert.equal((await verifier.verify(key, "invoice:read")).reason, "inactive");
    const deep = (left) => {
      try {
        return verifier.verifySync(key, "invoice:read").outcome === "" ? undefined : deep(left + 1);
      } catch {
        return left;
      }
    };
    // At the end of the stack the module itself is cut off sooner or later.
    for (let round = 0; round < 40 && verifier.status().keySetVersion !== undefined; round++) deep(0);
    if (verifier.status().keySetVersion !== undefined) return;
    // A cache in between has the list of before.
    registry.between = (path, init) => (path.endsWith("/head") ? Promise.resolve(new Response(old)) : registry.pass(path, init));
    const sync = verifier.verifySync(key, "invoice:read");
    assert.deepEqual([sync.outcome, sync.reason, sync.answer.status], ["deny", "no_key_set", 503]);
    await until(() => verifier.status().keySetVersion !== undefined);
    const stale = await verifier.verify(key, "invoice:list");
    assert.deepEqual([stale.outcome, stale.reason, verifier.status().lastListError], ["deny", "list_stale", "list_older"]);
    registry.between = undefined;
    registry.now += 2 * SECOND_MS;
    assert.equal((await verifier.verify(key, "invoice:read")).reason, "inactive");
    assert.equal(verifier.status().sequence, 42);
  });
});
