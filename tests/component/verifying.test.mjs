// The component that verifies answers every vector as the core does, through the component model.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { address } from "../harness/address.mjs";
import { alive, component, ipAddress, result } from "../harness/component.mjs";
import { exactly, vectors } from "../harness/vectors.mjs";

const { imports, instantiate } = await component("verifying");
const { verifier: { Verifier, RegistryQuestion } } = instantiate();
const holding = (await component("holding")).instantiate().holder;

const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));
const issuedAt = (head) => Buffer.from(head).readBigUInt64BE(43);
const kebab = (word) => word.replaceAll("_", "-");

/** A key set of another tenant, audience or version, but for that the same. */
function changed(keySet, { audience: [tenant, audience] = [], version }) {
  const copy = Buffer.from(keySet);
  if (tenant !== undefined) copy.writeUInt16BE(tenant, 1);
  if (audience !== undefined) copy[3] = audience;
  if (version !== undefined) copy.writeUInt32BE(version, 4);
  return Uint8Array.from(copy);
}

/** A requirement as a vector states it: by a verifier of its own where it is of another key set. */
function requirementOf(keySet, required) {
  const { scopes, mode, strict = false, of_key_set } = required;
  const verifier = Verifier.new(of_key_set ? bytes(of_key_set) : changed(keySet, required));
  const built = mode === "any_of" ? verifier.anyOf(scopes) : verifier.allOf(scopes);
  return strict ? built.strict() : built;
}

function verifierWith(keySet, list) {
  const verifier = Verifier.new(keySet);
  if (list) {
    const head = bytes(list.head);
    verifier.applyList(head, bytes(list.state), issuedAt(head));
  }
  return verifier;
}

/** Asks the registry about a key as a verification does, and takes the answer. */
function confirmation(keySet, registry, key, required) {
  const requirement = requirementOf(keySet, registry.required ?? required);
  const decision = Verifier.new(keySet).verify(registry.key ?? key, requirement, BigInt(registry.asked_at), undefined, "not-tried", { tag: "not-asked" });
  assert.equal(decision.val.tag, "registry", JSON.stringify(decision));
  const question = decision.val.val;
  const verdict = registry.verdict === "alive" ? alive(question.claims(), holding.inspect(registry.key ?? key), registry.sequence ?? 0) : { tag: kebab(registry.verdict) };
  return RegistryQuestion.answered(question, verdict);
}

/** A decision in the vectors' words. */
function told({ tag, val }) {
  if (tag === "ask") return { ask: val.tag };
  if (tag === "deny") return { deny: val.reason.replaceAll("-", "_") };
  const { subject, keyId, statusIndex, tenant, audience, epoch, scopes, expiresAtS, sequence, ageMs, zone } = val;
  return { allow: { subject, key_id: keyId, status_index: statusIndex, signing_key: [tenant, audience, epoch], scopes: [...scopes], expires_at: expiresAtS, sequence, age_ms: ageMs, zone: zone.replaceAll("-", "_") } };
}

const inBigInts = ({ allow, ...others }) => (allow ? { allow: { ...allow, sequence: BigInt(allow.sequence), age_ms: BigInt(allow.age_ms) } } : others);

describe("the component that verifies", () => {
  it("needs nothing from its host", () => {
    assert.deepEqual(imports, []);
  });

  it("decides every key as its vector says, and says over HTTP what the table does", () => {
    const cases = vectors("verify", exactly);
    const http = new Map(vectors("http").map(({ expect, case: { reason } }) => [reason, expect.ok]));
    // What no host can do: hand one audience's verifier the list of another one's, or make one of the administration.
    const askable = cases.filter(({ case: { list, required } }) => list?.key_set === undefined && required.audience?.[1] !== 0);
    const denied = new Set();
    let claimed = 0;
    for (const { name, expect, case: { key_set, list, key, required, now, caller, refresh, registry } } of askable) {
      const keySet = bytes(key_set);
      const built = result(() => requirementOf(keySet, required));
      if (expect.error !== undefined) {
        assert.equal(built.error, required.scopes.length === 0 ? "empty" : "unknown-scope", name);
        continue;
      }
      assert.equal(built.error, undefined, name);
      const isAnswer = typeof registry === "object" && registry !== null;
      const asked = isAnswer ? { tag: "answered", val: confirmation(keySet, registry, key, required) } : { tag: registry === "failed" ? "failed" : "not-asked" };
      const from = address(caller);
      const decision = verifierWith(keySet, list).verify(key, built.ok, BigInt(now), from && ipAddress(from), refresh === "failed" ? "failed" : "not-tried", asked);
      assert.deepEqual(told(decision), inBigInts(expect), name);
      if (decision.tag !== "deny") continue;
      denied.add(expect.deny);
      const { answer, claims } = decision.val;
      const { status, code, retry_after } = http.get(expect.deny);
      assert.deepEqual([answer.status, answer.code, answer.retryAfterS !== undefined], [status, code, retry_after], name);
      assert.equal(answer.error, { 401: "invalid_token", 403: "insufficient_scope" }[status], name);
      if (claims !== undefined) {
        claimed += 1;
        assert.deepEqual(claims, holding.inspect(key).claims, name);
      }
    }
    console.log(`${askable.length} of ${cases.length} cases of verify.json, ${denied.size} reasons, ${claimed} denials with claims`);
    assert.deepEqual([cases.length - askable.length, denied.size], [18, 23]);
    assert.ok(askable.length >= 811 && claimed >= 100);
  });

  it("judges every head as its vector says", () => {
    const OUTCOMES = { adopted: "ok", in_force: "ok", clock_behind: "clock-behind", older: "older", other_state: "wrong-state", other_audience: "foreign-head", "head:tenant": "foreign-head", "head:audience": "foreign-head", "head:tag": "forged-head", state_needed: "state-needed" };
    const cases = vectors("adopt", exactly).filter(({ expect, case: { in_force } }) => expect.outcomes !== undefined && in_force?.key_set === undefined);
    for (const { name, expect, case: { key_set, in_force, heads } } of cases) {
      const verifier = verifierWith(bytes(key_set), in_force);
      const outcomes = heads.map(({ head, state, now }) => {
        const { error } = result(() => verifier.applyList(bytes(head), state === null ? undefined : bytes(state), BigInt(now)));
        return error?.tag ?? "ok";
      });
      const stated = expect.outcomes.map((word) => OUTCOMES[word] ?? "malformed-head");
      // A state that cannot be read is another case here.
      assert.deepEqual(outcomes.map((outcome, place) => (outcome === "malformed-state" ? stated[place] : outcome)), stated, name);
      assert.equal(verifier.listInForce()?.sequence, expect.sequence === null ? undefined : BigInt(expect.sequence), name);
    }
    console.log(`${cases.length} cases of adopt.json`);
    assert.ok(cases.length >= 190, `${cases.length}`);
  });

  it("reads every key set as its vector says", () => {
    const cases = vectors("key_set");
    for (const { name, expect, case: { bytes: keySet } } of cases) {
      const { ok, error } = result(() => Verifier.new(bytes(keySet)));
      if (expect.ok === undefined) {
        assert.ok(["malformed", "administration"].includes(error), name);
        continue;
      }
      const { tenant, audience, version, fresh_for, scopes } = expect.ok;
      assert.deepEqual(ok.keySet(), { tenant, audience, version, freshForMs: BigInt(fresh_for) }, name);
      if (scopes.length > 0) ok.allOf(scopes.map((scope) => scope.name));
    }
    console.log(`${cases.length} cases of key_set.json`);
    assert.ok(cases.length >= 156);
  });

  it("renews a key set of its own audience that is no older, and keeps the list", () => {
    const { case: { key_set, list, key, required, now } } = vectors("verify").find(({ expect, case: { list } }) => expect.allow?.zone === "fresh" && list);
    const keySet = bytes(key_set);
    const verifier = verifierWith(keySet, list);
    const requirement = requirementOf(keySet, required);
    const { version } = verifier.keySet();
    const { sequence } = verifier.listInForce();
    const verify = (requirement) => verifier.verify(key, requirement, BigInt(now), undefined, "not-tried", { tag: "not-asked" });
    for (const [other, word] of [[{ version: version - 1 }, "other-key-set"], [{ audience: [7, 9] }, "other-key-set"], [{ audience: [7, 0] }, "administration"]]) {
      assert.equal(result(() => verifier.renew(changed(keySet, other))).error, word);
    }
    assert.equal(result(() => verifier.renew(keySet.subarray(1))).error, "malformed");
    assert.equal(verify(requirement).tag, "allow");
    verifier.renew(changed(keySet, { version: version + 1 }));
    assert.equal(verify(requirement).val.reason, "requirement-outdated");
    assert.equal(verify(verifier.allOf(required.scopes)).tag, "allow");
    assert.equal(verifier.listInForce().sequence, sequence);
  });
});
