// The example of crates/hosts/jco: a server of node:http behind the component, against a real registry; and every vector through its files.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { compiled, Instance } from "../../crates/hosts/jco/component.mjs";
import { server } from "../../crates/hosts/jco/server.mjs";
import { transpile } from "../../crates/hosts/jco/transpile.mjs";
import { Verifier } from "../../crates/hosts/jco/verifier.mjs";
import { RULED } from "../harness/policies.mjs";
import { exactly, vectors } from "../harness/vectors.mjs";
import { Worker } from "../harness/worker.mjs";

const FRESH_FOR_MS = 5_000;
const COMPONENT = fileURLToPath(new URL("../../target/wardkey.verifying.component.wasm", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "wardkey-jco-"));
await transpile(COMPONENT, folder);
const instantiate = await compiled(folder);
after(() => rmSync(folder, { recursive: true }));

const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));
const issuedAt = (head) => Number(Buffer.from(head).readBigUInt64BE(43));
const usual = vectors("verify").find(({ expect, case: { list, required, caller } }) => expect.allow?.zone === "fresh" && list && required.scopes.length === 1 && caller === undefined).case;

function ready() {
  const instance = new Instance(instantiate, bytes(usual.key_set));
  const head = bytes(usual.list.head);
  assert.equal(instance.applyList(head, bytes(usual.list.state), issuedAt(head)), undefined);
  return instance;
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
        const { tenant, audience, keyId } = question.claims();
        told = instance.answer(question, registry.verdict === "alive" ? { tenant, audience, keyId, sequence: BigInt(registry.sequence ?? 0) } : registry.verdict);
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
    const alive = { decision: "allow", tenant: 7, audience: 2, key_id: "key_0000000000000000", list: { sequence: 41 }, status: 200 };
    const told = [[alive, "allow"], [{ decision: "deny", reason: "revoked", status: 401 }, "revoked"], [{ decision: "deny", reason: "too_many_strict_calls", status: 429 }, "too_many_strict_calls"]];
    const none = [
      null, [], 5, {}, { ...alive, key_id: "key_1111111111111111" }, { ...alive, key_id: 5 }, { ...alive, tenant: 7 + 2 ** 16 }, { ...alive, audience: 258 },
      { ...alive, list: { sequence: 2 ** 64 } }, { ...alive, decision: "perhaps" }, { decision: "deny", reason: "odd", status: 200 }, { decision: "deny", reason: 5, status: 401 },
    ];
    let asked = 0;
    for (const [answer, outcome] of [...told, ...none.map((answer) => [answer, "registry_unavailable"])]) {
      const registry = {
        keySet: async () => ({ bytes: bytes(usual.key_set) }), head: async () => bytes(usual.list.head), state: async () => bytes(usual.list.state),
        confirm: async () => ((asked += 1), answer),
      };
      const verifier = await Verifier.of(instantiate, registry, () => usual.now);
      const judged = await verifier.decide(usual.key, ["invoice:void"]);
      assert.equal(judged.allow ? "allow" : judged.deny.reason, outcome, JSON.stringify(answer));
    }
    assert.equal(asked, told.length + none.length);
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
