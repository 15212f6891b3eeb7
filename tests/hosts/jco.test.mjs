// The example of crates/hosts/jco: a server of node:http behind the component, against a real registry; and every vector through its files.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { compiled, Instance } from "../../crates/hosts/jco/component.mjs";
import { credentialOf } from "../../crates/hosts/jco/credential.mjs";
import { Guard } from "../../crates/hosts/jco/guard.mjs";
import { Registry } from "../../crates/hosts/jco/registry.mjs";
import { server } from "../../crates/hosts/jco/server.mjs";
import { transpile } from "../../crates/hosts/jco/transpile.mjs";
import { Verifier } from "../../crates/hosts/jco/verifier.mjs";
import { alive as aliveOf, component } from "../harness/component.mjs";
import { RULED } from "../harness/policies.mjs";
import { exactly, vectors } from "../harness/vectors.mjs";
import { Worker } from "../harness/worker.mjs";

const FRESH_FOR_MS = 5_000;
const COMPONENT = fileURLToPath(new URL("../../target/wardkey.verifying.component.wasm", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "wardkey-jco-"));
await transpile(COMPONENT, folder);
const instantiate = await compiled(folder);
after(() => rmSync(folder, { recursive: true }));

const holding = (await component("holding")).instantiate().holder;
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));
const issuedAt = (head) => Number(Buffer.from(head).readBigUInt64BE(43));
const { case: usual, expect: { allow: known } } = vectors("verify").find(({ expect, case: { list, required, caller } }) => expect.allow?.zone === "fresh" && list && required.scopes.length === 1 && caller === undefined);
/** What `/v1/verify` says of the usual key. */
const ALIVE = {
  decision: "allow", status: 200, subject: known.subject, key_id: known.key_id, status_index: known.status_index, tenant: known.signing_key[0], audience: known.signing_key[1],
  scopes: [], expires_at: known.expires_at, narrowed: false, list: { sequence: 41, age_ms: 0, zone: "registry" },
};

function ready() {
  const instance = new Instance(instantiate, bytes(usual.key_set));
  const head = bytes(usual.list.head);
  assert.equal(instance.applyList(head, bytes(usual.list.state), issuedAt(head)), undefined);
  return instance;
}
/** The usual head, but so many numbers and milliseconds later. */
function later(sequence, ms) {
  const head = Buffer.from(bytes(usual.list.head));
  head.writeBigUInt64BE(head.readBigUInt64BE(3) + BigInt(sequence), 3);
  head.writeBigUInt64BE(head.readBigUInt64BE(43) + BigInt(ms), 43);
  const body = head.subarray(0, -16);
  createHmac("sha256", bytes(usual.key_set).subarray(28, 60)).update(body).digest().copy(head, body.length, 0, 16);
  return Uint8Array.from(head);
}

const request = (url = "/") => ({ url, rawHeaders: ["Authorization", `Bearer ${usual.key}`] });
const outcomeOf = ({ allow, deny }) => (allow ? "allow" : deny.reason);

/** A registry that answers from the usual case. `hangs`: it answers nothing; `trap`: the component does not come back. */
class FakeRegistry {
  now = usual.now;
  theKeySet = bytes(usual.key_set);
  theHead = bytes(usual.list.head);
  answer = ALIVE;
  hangs = false;
  trap = false;
  #asked = [];

  keySet = () => this.#given("keySet", () => ({ bytes: Uint8Array.from(this.theKeySet) }));
  head = () => this.#given("head", () => this.theHead);
  state = () => this.#given("state", () => bytes(usual.list.state));
  confirm = () => this.#given("confirm", () => this.answer);

  guard() {
    const instantiated = () => {
      const real = instantiate();
      const made = (keySet) => {
        const verifier = real.Verifier.new(keySet);
        const { verify } = verifier;
        verifier.verify = (...given) => {
          if (this.trap) throw new RangeError("the end of the stack");
          return verify.apply(verifier, given);
        };
        return verifier;
      };
      return { Verifier: { new: made }, RegistryQuestion: real.RegistryQuestion };
    };
    return new Guard(instantiated, this, { now: () => this.now });
  }

  count(what) {
    return this.#asked.filter((each) => each === what).length;
  }

  async #given(what, answer) {
    this.#asked.push(what);
    return this.hangs ? new Promise(() => {}) : answer();
  }
}

const judged = (instance, key = usual.key, now = usual.now) => instance.verify(key, instance.requirement(usual.required.scopes), now);

describe("the component by jco, as the example takes it", () => {
  it("decides every key as its vector says", () => {
    let asked = 0;
    const cases = vectors("verify", exactly);
    for (const { name, expect, case: { key_set, list, key, required, now, caller, refresh, registry } } of cases) {
      // What these files cannot be asked: requirements and lists of other verifiers, and times that are no number of JavaScript's.
      const own = (each) => !["audience", "version", "of_key_set"].some((field) => field in each);
      const isAnswer = typeof registry === "object" && registry !== null;
      if (!own(required) || !own(registry?.required ?? {}) || list?.key_set !== undefined || !Number.isSafeInteger(now) || (list && !Number.isSafeInteger(issuedAt(bytes(list.head))))) continue;
      if (isAnswer && !Number.isSafeInteger(registry.asked_at)) continue;
      asked += 1;
      const instance = new Instance(instantiate, bytes(key_set));
      const requirement = ({ scopes, mode, strict }) => instance.requirement(scopes, { any: mode === "any_of", strict });
      if (expect.error !== undefined) {
        assert.throws(() => requirement(required), { name: "WardkeyError" }, name);
        continue;
      }
      let told = registry === "failed" ? "failed" : undefined;
      if (isAnswer) {
        const question = instance.verify(registry.key ?? key, requirement(registry.required ?? required), registry.asked_at).registry;
        const unproven = holding.inspect(registry.key ?? key);
        told = instance.answer(question, registry.verdict === "alive" ? aliveOf(question.claims(), unproven, registry.sequence ?? 0).val : registry.verdict);
      }
      if (list) assert.equal(instance.applyList(bytes(list.head), bytes(list.state), issuedAt(bytes(list.head))), undefined);
      const verdict = instance.verify(key, requirement(required), now, { address: caller, refreshFailed: refresh === "failed", registry: told });
      if (expect.deny !== undefined) assert.equal(verdict.deny?.reason, expect.deny, name);
      else if (expect.ask !== undefined) assert.ok(verdict[expect.ask], name);
      else {
        const { allow } = verdict;
        const said = { subject: allow.subject, key_id: allow.keyId, status_index: allow.statusIndex, signing_key: [allow.tenant, allow.audience, allow.epoch], scopes: [...allow.scopes], expires_at: allow.expiresAtS, sequence: allow.sequence, age_ms: allow.ageMs, zone: allow.zone };
        assert.deepEqual(said, { ...expect.allow, sequence: BigInt(expect.allow.sequence), age_ms: BigInt(expect.allow.age_ms) }, name);
      }
    }
    console.log(`${asked} of ${cases.length} cases of verify.json`);
    assert.equal(asked, 777);
  });

  it("is spent by a call that did not come back, alone, and says nothing of the key", () => {
    const bystander = ready();
    const instance = ready();
    judged(instance);
    // At the end of the host's own stack a call ends anywhere.
    let [cutOff, afterwards] = [0, 0];
    const deeper = () => {
      let isFurther = true;
      try {
        deeper();
      } catch {
        isFurther = false;
      }
      try {
        if (instance.isSpent) return isFurther;
        void instance.keySet;
        afterwards += 1;
      } catch {
        cutOff += 1;
      }
      return isFurther;
    };
    deeper();
    assert.ok(instance.isSpent && cutOff > 0, `${cutOff} calls were cut off, ${afterwards} not`);
    assert.equal(afterwards, 0, "one went on behind a call that was cut off");
    for (const call of [() => judged(instance), () => instance.keySet, () => instance.list, () => instance.renew(bytes(usual.key_set))]) {
      assert.throws(call, (error) => error.code === "spent" && !`${error.stack}`.includes(usual.key));
    }
    assert.ok(judged(bystander).allow && judged(ready()).allow);
  });

  it("takes no word of the registry's that is none, and asks once about a call", async () => {
    const alive = ALIVE;
    const listed = (changes) => ({ ...ALIVE, list: { ...ALIVE.list, ...changes } });
    const told = [[alive, "allow"], [{ decision: "deny", reason: "revoked", status: 401 }, "revoked"], [{ decision: "deny", reason: "too_many_strict_calls", status: 429 }, "too_many_strict_calls"]];
    const none = [
      null, [], 5, {}, { ...alive, key_id: "key_1111111111111111" }, { ...alive, key_id: 5 }, { ...alive, tenant: 7 + 2 ** 16 }, { ...alive, audience: 258 },
      listed({ sequence: 2 ** 64 }), listed({ sequence: undefined }), listed({ sequence: "41" }), listed({ sequence: 1.5 }), listed({ zone: "fresh" }), listed({ zone: undefined }), { ...alive, list: undefined }, { ...alive, list: null },
      { ...alive, status: 201 }, { ...alive, status: "200" }, { ...alive, status: undefined }, { ...alive, narrowed: 0 }, { ...alive, narrowed: undefined }, { ...alive, subject: 5 }, { ...alive, status_index: undefined },
      { ...alive, status_index: alive.status_index + 1 }, { ...alive, status_index: alive.status_index + 2 ** 32 }, { ...alive, subject: "svc:other" }, { ...alive, expires_at: alive.expires_at - 1 }, { ...alive, narrowed: true },
      { ...alive, decision: "perhaps" }, { decision: "deny", reason: "odd", status: "429" }, { decision: "deny", reason: "odd", status: 200 }, { decision: "deny", reason: 5, status: 401 },
    ];
    let asked = 0;
    for (const [answer, outcome] of [...told, ...none.map((answer) => [answer, "registry_unavailable"])]) {
      const registry = {
        keySet: async () => ({ bytes: bytes(usual.key_set) }), head: async () => bytes(usual.list.head), state: async () => bytes(usual.list.state),
        confirm: async () => ((asked += 1), answer),
      };
      const verifier = await Verifier.of(instantiate, registry, { now: () => usual.now });
      const judged = await verifier.decide(usual.key, ["invoice:void"]);
      assert.equal(judged.allow ? "allow" : judged.deny.reason, outcome, JSON.stringify(answer));
    }
    assert.equal(asked, told.length + none.length);
  });

  it("takes no answer that is not of status 200", async () => {
    let status = 200;
    const peer = http.createServer((request, response) => response.writeHead(status).end(JSON.stringify(ALIVE)));
    await new Promise((listens) => peer.listen(0, "127.0.0.1", listens));
    const registry = new Registry({ url: `http://127.0.0.1:${peer.address().port}`, credential: "x" });
    assert.deepEqual(await registry.confirm({ key: usual.key, scopes: ["invoice:void"] }), ALIVE);
    for (status of [201, 203, 302, 500]) await assert.rejects(registry.confirm({ key: usual.key, scopes: ["invoice:void"] }), { code: "registry_refused" });
    peer.closeAllConnections();
    peer.close();
  });

  it("hands on how long the registry says to wait", async () => {
    for (const [said, told] of [[17, 17], [undefined, 60], ["5", 60], [-1, 60]]) {
      const registry = new FakeRegistry();
      registry.answer = { decision: "deny", reason: "too_many_strict_calls", status: 429, retry_after_s: said };
      const { deny } = await registry.guard().judge(request(), ["invoice:void"]);
      assert.deepEqual(deny.answer, { status: 429, code: "too_many_strict_calls", error: undefined, retryAfterS: told });
    }
  });

  it("takes no list from the next instance on that is older than one before it had", async () => {
    for (const [newest, older] of [[later(1, 500), later(0, 0)], [later(1, 700), later(1, 500)]]) {
      const registry = new FakeRegistry();
      registry.theHead = newest;
      const guard = registry.guard();
      const outcome = async () => (registry.now += 1_100, outcomeOf(await guard.judge(request(), usual.required.scopes)));
      assert.equal(await outcome(), "allow");
      // An edge that is behind: its list is fresh by the clock, and knows nothing of what was revoked since.
      registry.theHead = older;
      registry.trap = true;
      assert.equal(await outcome(), "no_key_set");
      registry.trap = false;
      assert.equal(await outcome(), "list_stale");
      assert.equal(await outcome(), "list_stale");
      assert.equal(registry.count("keySet"), 2);
      registry.theHead = newest;
      assert.equal(await outcome(), "allow");
    }
  });

  it("takes no key set from the next instance on that is older, or another audience's", async () => {
    const registry = new FakeRegistry();
    const guard = registry.guard();
    const outcome = async () => outcomeOf(await guard.judge(request(), usual.required.scopes));
    assert.equal(await outcome(), "allow");
    registry.trap = true;
    assert.equal(await outcome(), "no_key_set");
    registry.trap = false;
    for (const [at, change] of [[7, 1], [2, 8]]) {
      registry.theKeySet = bytes(usual.key_set);
      registry.theKeySet[at] ^= change;
      if (at === 7) registry.theKeySet[at] = 2;
      assert.equal(await outcome(), "no_key_set");
      await sleep(1_050);
    }
    assert.deepEqual([registry.count("keySet"), registry.count("head")], [3, 1]);
    registry.theKeySet = bytes(usual.key_set);
    assert.equal(await outcome(), "allow");
  });

  it("waits once a second for a registry that hangs, and asks again beside it", async () => {
    const registry = new FakeRegistry();
    const guard = registry.guard();
    const waited = async () => {
      const start = performance.now();
      assert.equal(outcomeOf(await guard.judge(request(), usual.required.scopes)), "allow");
      return performance.now() - start;
    };
    await waited();
    registry.now = issuedAt(bytes(usual.list.head)) + 20_000;
    registry.hangs = true;
    const first = await waited();
    assert.ok(first > 400 && first < 3_000, `${first}`);
    // The wait that has ended counts as failed, whatever is still under way.
    for (let call = 0; call < 20; call++) assert.ok((await waited()) < 400);
    registry.now += 1_100;
    const second = await waited();
    assert.ok(second > 400 && second < 3_000, `${second}`);
    assert.equal(registry.count("head"), 2, "the same is still awaited");
    registry.hangs = false;
    registry.now += 1_100;
    registry.theHead = later(1, registry.now - issuedAt(bytes(usual.list.head)));
    assert.ok((await waited()) < 400);
    assert.equal(registry.count("head"), 3);
  });

  it("holds nobody up for long where the registry hangs at the start", async () => {
    const registry = new FakeRegistry();
    registry.hangs = true;
    const guard = registry.guard();
    const start = performance.now();
    for (let call = 0; call < 20; call++) assert.equal(outcomeOf(await guard.judge(request(), usual.required.scopes)), "no_key_set");
    assert.ok(performance.now() - start < 6_000);
  });

  it("finds a key in a URL, however it is escaped", () => {
    const escaped = (text) => [...text].map((each) => `%${each.charCodeAt(0).toString(16)}`).join("");
    const { key } = usual;
    const urls = [
      `?key=${key}`, `?a%zz&key=${escaped(key)}%`, `?next=${escaped(`/x?key=${key}`)}`, `?next=${escaped(escaped(key))}`, `?${escaped(escaped(escaped(key)))}`, `/${escaped(key)}`, `/a%${escaped(escaped(key))}`,
      ...[..."+;:@.,!~*'()$"].map((front) => `?q=a${front}${key}`), ...[..."+;:@.,"].map((front) => `/a${front}${key}`), `/${key}/b`, `http://host/${key}`,
    ];
    for (const url of urls) assert.equal(credentialOf(request(url)).refused?.status, 400, url);
    for (const url of [`?q=x_${key}`, `?q=X${key}`, `?q=${key.slice(0, 40)}`, "/%", "/a?b=%zz"]) assert.equal(credentialOf(request(url)).key, key, url);
  });

  it("takes no clock that is none, and no address that is none", () => {
    const instance = ready();
    for (const odd of [-1, NaN, Infinity, 1.5, 2 ** 53, "1800000000000", null, 5n]) {
      assert.throws(() => judged(instance, usual.key, odd), { code: "clock_malformed" });
    }
    for (const odd of [null, 5, {}, "", "\ud800", "\u{1F511}", `${usual.key}\0`, "x".repeat(10_000_000)]) assert.equal(judged(instance, odd).deny.reason, "malformed");
    assert.ok(judged(instance).allow);
  });
});

describe("a server of node:http behind it", () => {
  let worker, admin, api, origin, key;
  const logged = [];
  const { error } = console;
  const keys = [];

  before(async () => {
    worker = await Worker.start();
    admin = await worker.administrator({ policy: RULED });
    const gateway = await admin.deputy(["verifier:key-set", "verifier:verify"], ["api"]);
    keys.push(gateway.credential);
    key = await created({ scopes: ["reports:read"] });
    api = await server({ folder, url: worker.url, credential: gateway.credential });
    await new Promise((listens) => api.listen(0, "127.0.0.1", listens));
    origin = `http://127.0.0.1:${api.address().port}`;
    console.error = (...line) => logged.push(line.join(" "));
  });
  after(() => {
    console.error = error;
    api.closeAllConnections();
    api.close();
  });

  async function created(request) {
    const { json } = await admin.create(request);
    keys.push(json.key);
    return json;
  }
  const asked = (path, token, init = {}) => fetch(origin + path, { ...init, headers: token && { Authorization: `Bearer ${token}` } });

  it("lets through what is allowed, and says who calls", async () => {
    const answer = await asked("/reports", key.key);
    assert.deepEqual([answer.status, await answer.json()], [200, { subject: "svc:billing", key_id: key.key_id, zone: "fresh" }]);
  });

  it("answers as the registry's own routes do", async () => {
    const other = await created({ scopes: ["reports:write"] });
    for (const [path, token, status, code, challenge] of [
      ["/reports", undefined, 401, "credential_missing", 'Bearer realm="wardkey"'],
      ["/reports", `${key.key.slice(0, -8)}AAAAAAAA`, 401, "invalid_token", 'Bearer realm="wardkey", error="invalid_token"'],
      ["/reports", other.key, 403, "scope_missing", 'Bearer realm="wardkey", error="insufficient_scope"'],
      [`/reports?key=${key.key}`, key.key, 400, "invalid_request", 'Bearer realm="wardkey", error="invalid_request"'],
      ["/reports", `${key.key}, Bearer ${key.key}`, 400, "invalid_request", 'Bearer realm="wardkey", error="invalid_request"'],
    ]) {
      const answer = await asked(path, token);
      const body = await answer.json();
      assert.deepEqual([answer.status, body.code, body.status], [status, code, status]);
      assert.equal(answer.headers.get("WWW-Authenticate"), challenge);
      assert.equal(answer.headers.get("Content-Type"), "application/problem+json");
    }
    // Two of one name, which `headers` of node:http would make one of.
    const twice = await new Promise((resolve, reject) => http.get(`${origin}/reports`, { headers: { Authorization: [`Bearer ${key.key}`, `Bearer ${key.key}`] } }, resolve).on("error", reject));
    assert.equal(twice.statusCode, 400);
    twice.resume();
  });

  it("knows the caller's address where it is asked to", async () => {
    const bound = await created({ scopes: ["reports:read"], constraints: { networks: ["127.0.0.0/8"] } });
    assert.equal((await asked("/from-here", bound.key)).status, 200);
    const refused = await asked("/reports", bound.key);
    assert.deepEqual([refused.status, (await refused.json()).code], [403, "address_not_allowed"]);
  });

  it("asks the registry for strict scopes, and takes its word", async () => {
    const purger = await created({ scopes: ["reports:purge"] });
    assert.equal((await (await asked("/purge", purger.key)).json()).zone, "registry");
    // Of a key that its holder has narrowed the registry says another end.
    const narrowed = holding.narrow(purger.key, { expiresAtS: holding.inspect(purger.key).expiresAtS - 1 });
    keys.push(narrowed);
    assert.equal((await (await asked("/purge", narrowed)).json()).zone, "registry");
    await admin.revoke(purger.key_id);
    const refused = await asked("/purge", purger.key);
    assert.deepEqual([refused.status, (await refused.json()).code], [401, "revoked"]);
  });

  it("denies a revoked key within the bound", async () => {
    const doomed = await created({ scopes: ["reports:read"] });
    assert.equal((await asked("/reports", doomed.key)).status, 200);
    const revoked = Date.now();
    await admin.revoke(doomed.key_id);
    for (;;) {
      const answer = await asked("/reports", doomed.key);
      if (answer.status !== 200) {
        assert.deepEqual([answer.status, (await answer.json()).code], [401, "inactive"]);
        break;
      }
      assert.ok(Date.now() - revoked <= FRESH_FOR_MS + 1_000, "still allowed");
      await sleep(20);
    }
    console.log(`denied ${Date.now() - revoked} ms after the revocation; bound ${FRESH_FOR_MS} ms`);
  });

  it("takes a newer key set as soon as the list names one", async () => {
    const version = async () => (await (await fetch(`${origin}/healthz`)).json()).version;
    const before = await version();
    const rotated = await admin.post("/v1/signing-keys/api/rotate", { compromised: false, mint_from_in_s: 7_200, reason: "try" }, { headers: { "Idempotency-Key": "jco-rotate" } });
    assert.ok(rotated.status < 300, rotated.text);
    const until = Date.now() + 12_000;
    while ((await version()) === before && Date.now() < until) {
      assert.equal((await asked("/reports", key.key)).status, 200);
      await sleep(50);
    }
    assert.ok((await version()) > before);
  });

  it("goes on within the bound while the registry is away, and asks for what is strict in vain", async () => {
    const purger = await created({ scopes: ["reports:purge"] });
    await worker.stop();
    const until = Date.now() + 6_500;
    let zone;
    while (Date.now() < until) {
      const answer = await asked("/reports", key.key);
      assert.equal(answer.status, 200, "of low risk: an hour");
      ({ zone } = await answer.json());
      await sleep(100);
    }
    assert.equal(zone, "must_ask");
    assert.equal(logged.filter((line) => line.includes("the list is not refreshed: registry_unreachable")).length, 1);
    const strict = await asked("/purge", purger.key);
    assert.deepEqual([strict.status, (await strict.json()).code, strict.headers.get("Retry-After")], [503, "registry_unavailable", "1"]);
  });

  it("allows nothing where there was never a registry, and logs no key", async () => {
    const alone = await server({ folder, url: "http://127.0.0.1:9", credential: keys[0] });
    await new Promise((listens) => alone.listen(0, "127.0.0.1", listens));
    const answer = await fetch(`http://127.0.0.1:${alone.address().port}/reports`, { headers: { Authorization: `Bearer ${key.key}` } });
    assert.deepEqual([answer.status, (await answer.json()).code, answer.headers.get("Retry-After")], [503, "no_key_set", "1"]);
    alone.closeAllConnections();
    alone.close();
    assert.ok(logged.some((line) => line.includes("no verifier")));
    for (const each of keys) assert.ok(!logged.join("\n").includes(each.slice(8, 60)));
  });
});
