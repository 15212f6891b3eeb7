// How the package's verifier behaves, in every runtime that it is for: what it decides, and what becomes of a decision.

import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";

import { createVerifier } from "../../crates/js/js/index.mjs";
import { narrow } from "../../crates/js/js/holder/index.mjs";
import { protect } from "../../crates/js/js/middleware/fetch.mjs";
import { HOSTILE, MemoryRegistry } from "../harness/memory_registry.mjs";
import { FRESH_FOR_MS, LOW_MS, SECOND_MS, bearer, holdProcess, request, soon, until } from "../harness/verifying.mjs";

let registry, key;
beforeEach(() => {
  registry = new MemoryRegistry();
  ({ key } = registry);
});
holdProcess();
const made = (more) => createVerifier(registry.options(more));

describe("a decision", () => {
  it("allows what the key may do, and says who calls", async () => {
    const verifier = await made();
    const decision = await verifier.authorize(bearer(key), ["invoice:list", "invoice:read"]);
    assert.deepEqual([decision.allowed, decision.outcome, decision.reason], [true, "allow", undefined]);
    assert.deepEqual([decision.subject, decision.keyId, decision.expiresAt, decision.narrowed], ["svc:billing", "key_0011223344556677", 1_800_007_200, false]);
    assert.deepEqual(decision.scopes, ["invoice:list", "invoice:read", "invoice:write", "invoice:void"]);
    assert.deepEqual(decision.list, { sequence: 41, ageMs: 0, zone: "fresh" });
    assert.ok(!JSON.stringify(decision).includes(key.slice(20)));
    assert.throws(() => decision.response(), TypeError);
    assert.equal((await verifier.authorize(bearer(key), ["invoice:print", "invoice:read"], { any: true })).allowed, true);
  });

  it("is answered over HTTP as the table says", async () => {
    const verifier = await made();
    const challenge = (error) => `Bearer realm="wardkey"${error === undefined ? "" : `, error="${error}"`}`;
    for (const [asked, scope, status, code, error] of [
      [bearer(key), "invoice:print", 403, "scope_missing", 'insufficient_scope", scope="invoice:print'],
      [bearer(key), ["invoice:print", "invoice:read"], 403, "scope_missing", 'insufficient_scope", scope="invoice:print invoice:read'],
      [bearer(`${key.slice(0, -8)}AAAAAAAA`), "invoice:read", 401, "invalid_token", "invalid_token"],
      [bearer("nonsense"), "invoice:read", 401, "invalid_token", "invalid_token"],
      [bearer(narrow(key, { scopes: [0] })), "invoice:read", 403, "narrowed", "insufficient_scope"],
      [bearer(narrow(key, { cidr: ["192.0.2.0/24"] })), "invoice:read", 403, "address_not_allowed", "insufficient_scope"],
      [bearer(narrow(key, { expiresIn: 1, now: registry.now - 5_000 })), "invoice:read", 401, "expired", "invalid_token"],
      [request({}), "invoice:read", 401, "credential_missing"],
      [request({ Authorization: `Bearer ${key}, Bearer ${key}` }), "invoice:read", 400, "invalid_request", "invalid_request"],
      [request({ Authorization: `Bearer ${key}`, "X-API-Key": key }), "invoice:read", 400, "invalid_request", "invalid_request"],
      [request({ Authorization: `Bearer ${key}` }, `https://api.test/?key=${key}`), "invoice:read", 400, "invalid_request", "invalid_request"],
    ]) {
      const response = (await verifier.authorize(asked, scope)).response();
      const body = await response.json();
      assert.deepEqual([response.status, body.status, body.code], [status, status, code]);
      assert.equal(response.headers.get("WWW-Authenticate"), challenge(error), code);
      assert.ok(body.detail.endsWith(".") && !JSON.stringify(body).includes(key.slice(20, 40)), code);
      assert.deepEqual([response.headers.get("Content-Type"), response.headers.get("Cache-Control")], ["application/problem+json", "no-store"]);
    }
  });

  it("tells a caller what to do about it: where the credential was, which scopes are needed, and when to ask again", async () => {
    const verifier = await made();
    const told = async (asked, scopes, options) => {
      const { headers, body } = (await verifier.authorize(asked, scopes, options)).problem();
      return { ...JSON.parse(body), challenge: headers["WWW-Authenticate"], wait: headers["Retry-After"] };
    };
    const url = await told(request({ Authorization: `Bearer ${key}` }, `https://api.test/?key=${key}`), "invoice:read");
    assert.deepEqual([url.title, url.detail], ["A credential in the URL", "Send credentials in the Authorization header. This one has been exposed in a URL: revoke it."]);
    const twice = await told(request({ Authorization: `Bearer ${key}, Bearer ${key}` }), "invoice:read");
    assert.deepEqual([twice.title, twice.detail], ["Two credentials", "Send exactly one Authorization header with one credential."]);
    assert.deepEqual([(await told(request({}), "invoice:read")).title], ["A credential is needed"]);
    assert.equal((await told(bearer(key), "invoice:print")).detail, "This needs a credential with invoice:print.");
    const any = await told(bearer(narrow(key, { scopes: [0] })), ["invoice:print", "invoice:read"], { any: true });
    assert.equal(any.code, "narrowed");
    const none = await told(bearer(key), ["invoice:print", "invoice:print"], { any: true });
    assert.deepEqual([none.detail, none.challenge], ["This needs a credential with invoice:print or invoice:print.", 'Bearer realm="wardkey", error="insufficient_scope"']);
    // Whatever is wrong with a key before it is known to be authentic is one answer.
    const uniform = await Promise.all(["nonsense", `${key.slice(0, -8)}AAAAAAAA`].map((text) => told(bearer(text), "invoice:read")));
    assert.deepEqual(uniform[0], uniform[1]);
    registry.verdict = { decision: "deny", reason: "too_many_strict_calls", status: 429, retry_after_s: 17 };
    assert.equal((await told(bearer(key), "invoice:void")).wait, "17");
    registry.verdict.retry_after_s = "17";
    assert.equal((await told(bearer(key), "invoice:void")).wait, "60");
  });

  it("reads the header that is named, and the address where it is told to", async () => {
    const verifier = await made({ header: "X-API-Key", address: ({ headers }) => headers.get("CF-Connecting-IP") ?? undefined });
    const office = narrow(key, { cidr: ["192.0.2.0/24"] });
    const from = async (address) => (await verifier.authorize(request({ "X-API-Key": office, ...(address && { "CF-Connecting-IP": address }) }), "invoice:read")).reason ?? "allow";
    assert.deepEqual([await from("192.0.2.7"), await from("192.0.3.7"), await from("nonsense"), await from()], ["allow", "address_not_allowed", "address_not_allowed", "address_not_allowed"]);
    assert.equal((await verifier.authorize(bearer(key), "invoice:read")).reason, "credential_missing");
  });

  it("without waiting says what is owed, keeps the list fresh beside it, and is shared by nobody who could change it", async () => {
    const verifier = await made();
    assert.equal(verifier.verifySync(key, "invoice:read").outcome, "allow");
    assert.equal(verifier.verifySync(key, "invoice:void").outcome, "strict");
    assert.equal(verifier.verifySync(key, "invoice:read", { claims: false }).keyId, undefined);
    registry.now += 31 * SECOND_MS;
    const owing = verifier.verifySync(key, "invoice:write");
    assert.deepEqual([owing.outcome, owing.allowed, owing.response().status], ["needs_refresh", false, 503]);
    await until(() => verifier.status().zone === "fresh");
    assert.equal(verifier.verifySync(key, "invoice:write").outcome, "allow");
    for (const shared of [verifier.verifySync(key, "invoice:void"), verifier.verifySync("nonsense", "invoice:read", { claims: false })]) {
      assert.throws(() => (shared.outcome = "allow"), TypeError);
    }
  });

  it("is a line of the log, after the fact, and never holds the key", async () => {
    const lines = [];
    const verifier = await made({ onDecision(entry) { lines.push(entry); throw new Error("the log is full"); } });
    await verifier.verify(key, "invoice:read", { requestId: "r-1" });
    assert.deepEqual(lines, []);
    await verifier.verify("nonsense", "invoice:read");
    await until(() => lines.length === 2);
    assert.deepEqual(lines.map(({ outcome, reason, subject, requestId }) => [outcome, reason, subject, requestId]), [["allow", undefined, "svc:billing", "r-1"], ["deny", "malformed", undefined, undefined]]);
    assert.deepEqual(lines.map(({ at }) => at), [registry.now, registry.now]);
    assert.ok(!JSON.stringify(lines).includes(key.slice(20)));
    assert.throws(() => (lines[0].outcome = "deny"), TypeError);
  });

  it("stands before a handler, which nobody reaches without one", async () => {
    const handler = protect(await made(), "invoice:read", (_request, { subject }) => new Response(`hello ${subject}`));
    assert.equal(await (await handler(bearer(key))).text(), "hello svc:billing");
    assert.equal((await handler(request({}))).status, 401);
    registry.between = HOSTILE["cannot be reached"];
    const without = protect(registry.options(), "invoice:read", () => new Response("open"));
    assert.equal((await without(bearer(key))).status, 503);
    registry.between = undefined;
    await soon(1_100);
    assert.equal((await without(bearer(key))).status, 200, "and tries again, a second later");
  });

  it("is counted, and told to the registry when it is asked for", async () => {
    const verifier = await made({ usage: { verifier: "portable" } });
    for (let call = 0; call < 20; call++) await verifier.verify(key, "invoice:read");
    await verifier.verify(key, "invoice:print");
    assert.equal(registry.asked("/usage"), 0, "no request a call");
    await verifier.reportUsage();
    assert.equal(verifier.status().lastUsageError, undefined);
    const [{ entries, verifier: name }] = registry.reports;
    assert.equal(name, "portable");
    assert.deepEqual(entries.map(({ count }) => count).sort(), [1, 20]);
    assert.ok(!JSON.stringify(registry.reports).includes(key.slice(20)));
  });

  it("is no decision where an option or a scope is none", async () => {
    const options = registry.options();
    for (const [wrong, code] of [
      [{}, "one_transport"], [{ ...options, binding: {} }, "one_transport"], [{ ...options, url: "http://registry.test" }, "https_required"],
      [{ ...options, credential: undefined }, "credential_missing"], [{ ...options, usage: { verifier: "No Name" } }, "invalid_option"],
    ]) {
      await assert.rejects(createVerifier(wrong), { code });
    }
    const verifier = await made();
    for (const [scopes, code] of [["invoice:unknown", "unknown_scope"], [[], "scope_malformed"], [[, "invoice:read"], "scope_malformed"], ["invoice:list invoice:read", "scope_malformed"], [undefined, "scope_malformed"], [5, "scope_malformed"]]) {
      await assert.rejects(verifier.verify(key, scopes), { code });
    }
    for (const odd of [undefined, null, 5, {}, "", "\u{1F511}", `${key}\0`, "x".repeat(10_000)]) {
      assert.equal((await verifier.verify(odd, "invoice:read")).reason, "malformed");
    }
  });
});

describe("a verifier of static files", () => {
  it("goes by what is kept renewing, wipes nothing of it, and cannot answer for strict scopes", async () => {
    const keySet = registry.keySet();
    const buffer = registry.keySet().buffer;
    for (let count = 0; count < 2; count++) await createVerifier({ files: { keySet: () => buffer, head: () => registry.head(), state: () => new DataView(registry.state().buffer) }, now: () => registry.now });
    assert.deepEqual(Array.from(new Uint8Array(buffer)), Array.from(keySet));
    const files = { keySet: () => keySet, head: async () => (await registry.head()).buffer, state: () => registry.state() };
    let head = files.head;
    const verifier = await createVerifier({ files: { ...files, head: () => head() }, now: () => registry.now });
    const judged = async (scope) => (await verifier.verify(key, scope)).reason ?? "allow";
    assert.deepEqual([await judged("invoice:list"), await judged("invoice:void")], ["allow", "registry_unavailable"]);
    const last = await files.head();
    head = async () => last;
    registry.now += LOW_MS + FRESH_FOR_MS;
    assert.equal(await judged("invoice:list"), "list_stale", "old as anywhere");
    assert.deepEqual(Array.from(keySet), Array.from(registry.keySet()));
  });
});
