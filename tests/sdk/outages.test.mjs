// What its operator is told when a verifier and its registry do not get on: on the console, in the status, and never a credential.

import assert from "node:assert/strict";
import { after, beforeEach, describe, it } from "node:test";

import { createVerifier, TransportError } from "../../crates/js/js/index.mjs";
import { narrow } from "../../crates/js/js/holder/index.mjs";
import { OperatorLine } from "../../crates/js/js/operator_line.mjs";
import { HOSTILE, MemoryRegistry } from "../harness/memory_registry.mjs";
import { holdProcess, soon, until } from "../harness/verifying.mjs";

const REQUEST = `req_${"0123456789abcdef".repeat(2)}`;
const CREDENTIAL = `wk_live_${"Ab3_".repeat(20)}`;

let registry, key, lines;
const { error: printed } = console;
beforeEach(() => {
  registry = new MemoryRegistry();
  ({ key } = registry);
  lines = [];
  console.error = (line) => lines.push(line);
});

holdProcess();
after(() => (console.error = printed));

const made = (more) => createVerifier(registry.options({ credential: CREDENTIAL, ...more }));
const problem = (status, body, more) => new Response(JSON.stringify(body), { status, headers: { "Wardkey-Request-Id": REQUEST, ...more } });
const expired = () => problem(401, { code: "expired", detail: `${CREDENTIAL} has expired` });
/** Answers so on the paths with this end. */
const answering = (end, answer) => (path, init) => (path.endsWith(end) ? Promise.resolve(answer(path, init)) : registry.pass(path, init));

describe("a credential that is refused", () => {
  it("is said once a minute of strict scopes, with the request's number and why", async () => {
    const verifier = await made();
    registry.between = answering("/verify", expired);
    for (let call = 0; call < 5; call++) assert.equal((await verifier.verify(key, "invoice:void")).answer.status, 503);
    assert.deepEqual(lines, [`wardkey: strict scopes are answered 503: credential_refused: the registry at https://registry.test refuses \`credential\` (401 expired, request ${REQUEST})`]);
  });

  it("is said of usage", async () => {
    const verifier = await made({ usage: { verifier: "gate" } });
    registry.between = answering("/usage", expired);
    await verifier.verify(key, "invoice:read");
    await verifier.reportUsage();
    assert.equal(lines.length, 1);
    assert.match(lines[0], /^wardkey: usage is not reported: credential_refused: .*\(401 expired, request req_/);
  });

  it("is said of the key set", async () => {
    const verifier = await made();
    registry.between = answering("/key-set", expired);
    registry.edition = 4;
    registry.revoke();
    registry.now += 6_000;
    await verifier.verify(key, "invoice:read");
    await until(() => verifier.status().lastKeySetError !== undefined);
    assert.equal(lines.length, 1);
    assert.match(lines[0], /^wardkey: the key set is not renewed: credential_refused: /);
  });

  it("is said of the list, where something before the registry wants one", async () => {
    const verifier = await made();
    registry.between = answering("/head", () => new Response("no", { status: 403 }));
    registry.now += 6_000;
    await verifier.verify(key, "invoice:list");
    assert.deepEqual(lines, ["wardkey: the list is not refreshed: credential_refused: the registry at https://registry.test answers 403 for the list, which takes no credential"]);
  });

  it("is said where a function gives none", async () => {
    let credential = () => CREDENTIAL;
    const verifier = await made({ credential: () => credential() });
    for (const [gives, line] of [
      [() => { throw Object.assign(new Error(CREDENTIAL), { code: "ENOENT" }); }, "credential_failed: `credential` threw: ENOENT"],
      [() => undefined, "credential_malformed: `credential` is undefined: is your environment variable set?"],
    ]) {
      credential = gives;
      await verifier.verify(key, "invoice:void");
      assert.equal(verifier.status().outages.strict.code, line.split(":")[0]);
      assert.ok(verifier.status().outages.strict.message.startsWith(line.slice(line.indexOf(":") + 2)));
    }
    assert.deepEqual(lines, ["wardkey: strict scopes are answered 503: credential_failed: `credential` threw: ENOENT"]);
  });

  it("is no line where the registry is only away", async () => {
    const verifier = await made({ refreshTimeoutMs: 250, strictTimeoutMs: 250 });
    registry.between = HOSTILE["cannot be reached"];
    registry.now += 6_000;
    await verifier.verify(key, "invoice:void");
    assert.deepEqual(lines, []);
  });

  it("says which right it lacks, and for which audience it is not", async () => {
    const refusals = [
      [problem(403, { code: "scope_missing" }, { "WWW-Authenticate": 'Bearer realm="wardkey", error="insufficient_scope", scope="verifier:key-set"' }), /refuses `credential` \(403 scope_missing verifier:key-set, request req_[0-9a-f]{32}\)$/],
      [problem(403, { code: "forbidden_by_rule", rule: "key_set_audience" }), /\(403 forbidden_by_rule key_set_audience, request .*\): it is not for audience "apo"$/],
      [problem(401, { code: "invalid_token" }), /\(401 invalid_token, request .*\): is it a key of audience wardkey, with verifier:key-set\?$/],
      [problem(400, { code: "invalid_field", field: "audience" }), /answers 400 invalid_field, request .*: `credential` is for several audiences/],
    ];
    for (const [answer, message] of refusals) {
      registry.between = async () => answer;
      await assert.rejects(made({ audience: "apo" }), message);
    }
    // Whatever stands there, no text of theirs is told.
    registry.between = async () => problem(401, { code: CREDENTIAL, rule: { toString: () => CREDENTIAL }, detail: CREDENTIAL }, { "WWW-Authenticate": `Bearer scope="${CREDENTIAL}"` });
    await assert.rejects(made(), (error) => error.code === "credential_refused" && !`${error.stack}`.includes("Ab3_"));
  });
});

describe("a status", () => {
  it("says what fails, in words, and since when", async () => {
    const verifier = await made({ refreshTimeoutMs: 250, strictTimeoutMs: 250 });
    assert.deepEqual(verifier.status().outages, { list: undefined, keySet: undefined, strict: undefined, usage: undefined });
    registry.between = async () => {
      throw Object.assign(new TypeError(`fetch failed ${CREDENTIAL}`), { cause: Object.assign(new Error(CREDENTIAL), { code: "ECONNREFUSED" }) });
    };
    registry.now += 6_000;
    const since = registry.now;
    await verifier.verify(key, "invoice:void");
    await until(() => verifier.status().lastListError !== undefined);
    registry.now += 2_000;
    await verifier.verify(key, "invoice:void");
    await soon();
    const { outages, lastListError, lastStrictError } = verifier.status();
    const expected = { code: "registry_unreachable", message: "the registry at https://registry.test cannot be reached: ECONNREFUSED", since };
    assert.deepEqual([outages.list, outages.strict, lastListError, lastStrictError], [expected, expected, "registry_unreachable", "registry_unreachable"]);
    registry.between = undefined;
    registry.now += 2_000;
    assert.equal((await verifier.verify(key, "invoice:void")).allowed, true);
    await until(() => verifier.status().lastListError === undefined);
    assert.deepEqual([verifier.status().outages.list, verifier.status().outages.strict], [undefined, undefined]);
  });

  it("says that nothing came in time", async () => {
    const verifier = await made({ strictTimeoutMs: 100 });
    registry.between = answering("/verify", HOSTILE.hangs);
    await verifier.verify(key, "invoice:void");
    const { code, message } = verifier.status().outages.strict;
    assert.deepEqual([code, message], ["registry_unreachable", "no answer in time"]);
  });
});

describe("a line on the console", () => {
  it("keeps what its reader needs, and no secret", () => {
    const line = (message) => {
      lines.length = 0;
      new OperatorLine("x").say(new TransportError("registry_refused", message));
      return lines[0].slice("wardkey: x: registry_refused: ".length);
    };
    const host = "https://our-production-registry-of-keys.example";
    assert.equal(line(`${host} answers 500, request ${REQUEST}`), `${host} answers 500, request ${REQUEST}`);
    assert.equal(line(`request ${CREDENTIAL} at ${CREDENTIAL.slice(8, 40)}`), "request [redacted] at [redacted]");
    assert.equal(line(`request ${"ab12".repeat(9)}, request req_${"0".repeat(40)}`), "request [redacted], request [redacted]");
  });

  it("is one line, whatever was thrown, and as long as it may be", () => {
    const said = (thrown) => {
      lines.length = 0;
      new OperatorLine("x").say(thrown);
      assert.equal(lines.length, 1);
      return lines[0];
    };
    assert.equal(said(Object.create(null)), "wardkey: x: error");
    assert.equal(said(undefined), "wardkey: x: error: undefined");
    assert.equal(said(new Error("a\nwardkey: b")), "wardkey: x: Error: a wardkey: b");
    assert.ok(said(new Error("m ".repeat(5_000_000))).length < 600);
    assert.equal(said({ get message() { throw new Error("no"); } }), "wardkey: x: error");
  });

  it("is there for keys of some networks whose caller is not known", async () => {
    const office = narrow(key, { cidr: ["192.0.2.0/24"] });
    for (const [address, told] of [
      [undefined, "no address is known: see the option `address`"], ["192.0.2.7, 10.0.0.1", "what `address` gives is no address but a list"],
      ["192.0.2.7:5555", "what `address` gives is no address but none"], [42, "what `address` gives is no address but of type number"],
    ]) {
      lines.length = 0;
      const verifier = await made();
      for (const judged of [await verifier.verify(office, "invoice:read", { address }), verifier.verifySync(office, "invoice:read", { address })]) assert.equal(judged.reason, "address_not_allowed");
      assert.deepEqual(lines, [`wardkey: address_not_allowed for a key of some networks: caller: ${told}`]);
      lines.length = 0;
      const other = await made();
      await other.verify(office, "invoice:read", { address: "198.51.100.7" });
      assert.deepEqual(lines, [], "who is elsewhere is no mistake");
    }
  });
});
