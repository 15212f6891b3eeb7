// The component by jco, as the example of crates/hosts/jco takes it: every vector through its files, and what a careless host makes of it.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Instance } from "../../crates/hosts/jco/component.mjs";
import { credentialOf } from "../../crates/hosts/jco/credential.mjs";
import { alive as aliveOf, component } from "../harness/component.mjs";
import { bytes, issuedAt, request, transpiled, usual } from "../harness/jco.mjs";
import { exactly, vectors } from "../harness/vectors.mjs";

const { instantiate } = await transpiled();
const holding = (await component("holding")).instantiate().holder;

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
