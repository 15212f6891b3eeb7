// How the package's verifier behaves, in every runtime that it is for: with a registry in memory and a clock that can be moved.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";

import { createVerifier } from "../../crates/js/js/index.mjs";
import { narrow } from "../../crates/js/js/holder/index.mjs";
import { protect } from "../../crates/js/js/middleware/fetch.mjs";
import { fromHex } from "../harness/bytes.mjs";
import { HOSTILE, MemoryRegistry } from "../harness/memory_registry.mjs";

const FRESH_FOR_MS = 5_000;
const LOW_MS = 3_600_000;
const SECOND_MS = 1_000;

const request = (headers, url = "https://api.test/invoices") => new Request(url, { headers });
const bearer = (key) => request({ Authorization: `Bearer ${key}` });
const soon = (ms = 5) => new Promise((turn) => setTimeout(turn, ms));

let registry, key;
beforeEach(() => {
  registry = new MemoryRegistry();
  ({ key } = registry);
});
// A registry in memory holds no process, as a connection would.
let connection;
before(() => (connection = setInterval(() => {}, 1_000)));
after(() => clearInterval(connection));
/** Where nobody answers, the tests need not wait as long as users would. */
const IMPATIENT = { refreshTimeoutMs: 250, strictTimeoutMs: 250 };
const made = (more) => createVerifier(registry.options(more));

/** Waits, by the machine's own clock, until something holds. */
async function until(holds) {
  for (let round = 0; !holds(); round++) {
    assert.ok(round < 400, "never held");
    await soon();
  }
}

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

describe("a list", () => {
  it("that names a key is taken within fresh-for, and by one refresh however many wait", async () => {
    const verifier = await made();
    registry.revoke(registry.statusIndex);
    assert.equal((await verifier.verify(key, "invoice:read")).allowed, true, "fresh, and of before");
    registry.now += FRESH_FOR_MS + 1;
    registry.seen.length = 0;
    const decisions = await Promise.all(Array.from({ length: 200 }, () => verifier.verify(key, "invoice:read")));
    assert.ok(decisions.every(({ outcome, reason }) => outcome === "deny" && reason === "inactive"));
    assert.deepEqual([registry.asked("/head"), registry.asked("/verify")], [1, 0]);
    assert.equal(decisions[0].subject, "svc:billing", "who it was is known");
  });

  it("is refreshed before anybody waits, with what keeps a Worker alive", async () => {
    const verifier = await made();
    const kept = [];
    registry.now += 0.9 * FRESH_FOR_MS;
    registry.seen.length = 0;
    const decision = await verifier.verify(key, "invoice:read", { waitUntil: (promise) => kept.push(promise) });
    assert.deepEqual([decision.allowed, decision.list.ageMs, kept.length], [true, 0.9 * FRESH_FOR_MS, 1]);
    await Promise.all(kept);
    assert.equal((await verifier.verify(key, "invoice:read")).list.ageMs, 0);
    assert.equal(registry.asked("/head"), 1);
  });

  it("never steps back: not to an older head, nor by a state that is not its own, nor to a stranger's", async () => {
    const verifier = await made();
    const old = await registry.head();
    registry.revoke(registry.statusIndex);
    registry.now += FRESH_FOR_MS + 1;
    assert.equal((await verifier.verify(key, "invoice:read")).reason, "inactive");
    const { sequence } = verifier.status();
    const next = async () => {
      registry.now += FRESH_FOR_MS + SECOND_MS;
      const { reason } = await verifier.verify(key, "invoice:read");
      assert.deepEqual([reason, verifier.status().sequence], ["inactive", sequence]);
      return verifier.status().lastListError;
    };
    const heads = (head) => (path, init) => (path.endsWith("/head") ? head().then((bytes) => new Response(bytes)) : registry.pass(path, init));
    registry.between = heads(async () => old);
    assert.equal(await next(), "list_older");
    registry.between = heads(() => registry.head({ listKey: new Uint8Array(32) }));
    assert.equal(await next(), "list_forged");
    registry.between = heads(async () => (await registry.head()).subarray(0, 60));
    assert.equal(await next(), "list_malformed");
    registry.revoke();
    registry.revoke(771);
    const other = fromHex("0100000300000000100202");
    for (const state of [other, other.subarray(0, 5), new Uint8Array(), registry.state().subarray(0, -1)]) {
      registry.between = (path, init) => (path.includes("/state/") ? Promise.resolve(new Response(state)) : registry.pass(path, init));
      assert.match(await next(), /^list_(other_state|state_malformed)$/);
    }
    registry.between = undefined;
    registry.now += FRESH_FOR_MS + SECOND_MS;
    await verifier.verify(key, "invoice:read");
    assert.deepEqual([verifier.status().sequence, verifier.status().lastListError], [sequence + 2, undefined]);
  });

  it("is kept, where answers come out of order", async () => {
    const verifier = await made(IMPATIENT);
    const late = [];
    const slow = await registry.head();
    registry.between = (path, init) => (path.endsWith("/head") ? new Promise((answer) => late.push(() => answer(new Response(slow)))) : registry.pass(path, init));
    registry.now += FRESH_FOR_MS + 1;
    await verifier.verify(key, "invoice:list");
    assert.equal(late.length, 1);
    registry.between = undefined;
    registry.revoke(registry.statusIndex);
    registry.now += FRESH_FOR_MS + SECOND_MS;
    assert.equal((await verifier.verify(key, "invoice:read")).reason, "inactive");
    late[0]();
    await soon(20);
    assert.equal((await verifier.verify(key, "invoice:read")).reason, "inactive");
    assert.equal(verifier.status().sequence, registry.sequence);
  });

  it("of a clock that is behind it allows nothing, and is in force again when the clock is right", async () => {
    const verifier = await made();
    const { now } = registry;
    registry.now = now - 60 * SECOND_MS;
    const behind = await verifier.verify(key, "invoice:read");
    assert.deepEqual([behind.outcome, behind.answer.status], ["deny", 503]);
    registry.now = now;
    assert.equal((await verifier.verify(key, "invoice:read")).allowed, true);
    for (const absurd of [NaN, -1, -Infinity]) {
      registry.now = absurd;
      assert.equal(verifier.verifySync(key, "invoice:read").allowed, false, `${absurd}`);
    }
    registry.now = now + 7_200 * SECOND_MS;
    assert.equal((await verifier.verify(key, "invoice:read")).reason, "expired");
    await until(() => verifier.status().ageMs === 0);
    registry.now = now;
    const stepped = await verifier.verify(key, "invoice:read");
    assert.deepEqual([stepped.outcome, stepped.answer?.status], ["deny", 503], "the list is of two hours later");
  });

  it("that is not there at the beginning lets nobody in, and is asked for again", async () => {
    registry.between = (path, init) => (path.endsWith("/head") ? HOSTILE.fails() : registry.pass(path, init));
    const verifier = await made();
    const without = await verifier.verify(key, "invoice:read");
    assert.deepEqual([without.outcome, without.reason, without.answer.status, without.answer.retryAfterS], ["deny", "list_stale", 503, 1]);
    assert.deepEqual([verifier.status().zone, verifier.status().lastListError], ["none", "registry_refused"]);
    registry.between = undefined;
    registry.now += 2 * SECOND_MS;
    assert.equal((await verifier.verify(key, "invoice:read")).allowed, true);
  });
});

describe("a key set", () => {
  it("that is newer is fetched as soon as the list names it, and an older one is not taken", async () => {
    const verifier = await made();
    registry.edition = 4;
    registry.revoke();
    registry.now += FRESH_FOR_MS + 1;
    assert.equal((await verifier.verify(key, "invoice:read")).allowed, true);
    await until(() => verifier.status().keySetVersion === 4);
    registry.edition = 3;
    registry.revoke();
    const stepsBack = (path, init) => (path.endsWith("/head") ? (registry.edition = 5, registry.head().then((head) => new Response(head))) : (registry.edition = 3, registry.pass(path, init)));
    registry.between = stepsBack;
    registry.now += FRESH_FOR_MS + SECOND_MS;
    assert.equal((await verifier.verify(key, "invoice:read")).allowed, true);
    await until(() => verifier.status().lastKeySetError !== undefined);
    assert.equal(verifier.status().keySetVersion, 4);
    assert.equal((await verifier.verify(key, "invoice:read")).allowed, true);
  });

  it("that is none makes no verifier, and says why by a code", async () => {
    for (const [answer, code] of [
      [async () => new Response(new Uint8Array(700)), "key_set_malformed"], [HOSTILE["answers nothing"], "key_set_malformed"], [HOSTILE.fails, "registry_refused"],
      [HOSTILE["cannot be reached"], "registry_unreachable"], [HOSTILE["answers without end"], "answer_too_long"], [async () => new Response(null, { status: 401 }), "credential_refused"],
    ]) {
      registry.between = answer;
      await assert.rejects(made(), (error) => error.code === code && !`${error.stack}`.includes("credential\""), code);
    }
  });
});

describe("a verifier whose registry does not answer", () => {
  for (const [does, answer] of Object.entries(HOSTILE)) {
    it(`answers from its list as long as the level allows it, where the registry ${does}`, async () => {
      const verifier = await made(IMPATIENT);
      const { now } = registry;
      registry.between = answer;
      // Low risk: an hour. High risk: 30 seconds.
      registry.now = now + 60 * SECOND_MS;
      const decision = await verifier.verify(key, "invoice:list");
      assert.deepEqual([decision.outcome, decision.list?.zone], ["allow", "must_ask"], decision.reason);
      const high = await verifier.verify(key, "invoice:write");
      assert.deepEqual([high.reason, high.answer.status], ["list_stale", 503]);
      const strict = await verifier.verify(key, "invoice:void");
      assert.deepEqual([strict.reason, strict.answer.status], ["registry_unavailable", 503]);
      assert.ok(verifier.status().lastListError !== undefined || does === "hangs" || does === "stops in the middle");
      registry.now = now + LOW_MS + FRESH_FOR_MS + 1;
      assert.equal((await verifier.verify(key, "invoice:list")).reason, "list_stale");
      assert.equal(verifier.status().sequence, 41);
      // And is well again by itself.
      registry.between = undefined;
      registry.now += 6 * SECOND_MS;
      assert.deepEqual([(await verifier.verify(key, "invoice:list")).allowed, (await verifier.verify(key, "invoice:void")).allowed], [true, true]);
      assert.deepEqual([verifier.status().lastListError, verifier.status().zone], [undefined, "fresh"]);
    });
  }
});

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

describe("a registry that is slow", () => {
  it("costs one wait a second, and not one a call", async () => {
    const verifier = await made({ refreshTimeoutMs: 200 });
    registry.between = () => new Promise(() => {});
    registry.now += 60 * SECOND_MS;
    const began = performance.now();
    for (let count = 0; count < 20; count++) assert.equal((await verifier.verify(key, "invoice:list")).allowed, true);
    assert.equal(verifier.status().waits, 1, `${Math.round(performance.now() - began)} ms`);
    // One that hangs keeps no other from beginning.
    registry.between = undefined;
    registry.now += 2 * SECOND_MS;
    assert.equal((await verifier.verify(key, "invoice:list")).list.zone, "fresh");
  });

  it("is not asked by every call of a clock that says nothing", async () => {
    const verifier = await made();
    const { refreshes } = verifier.status();
    const { now } = registry;
    registry.now = NaN;
    for (let count = 0; count < 20; count++) verifier.verifySync(key, "invoice:read");
    assert.equal(verifier.status().refreshes, refreshes);
    registry.now = now;
  });

  it("shows in the status what the list is worth", async () => {
    const verifier = await made();
    assert.deepEqual([verifier.status().zone, verifier.status().epochs], ["fresh", [1, 3]]);
    registry.now += 60 * SECOND_MS;
    assert.equal(verifier.status().zone, "must_ask");
    registry.now += LOW_MS;
    assert.equal(verifier.status().zone, "stale");
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
