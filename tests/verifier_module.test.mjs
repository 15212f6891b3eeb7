// The raw module answers every vector as the core does, with SIMD and without, and is not led astray by its host.

import assert from "node:assert/strict";
import { isIP } from "node:net";
import { describe, it } from "node:test";

import { ALLOW, ASK_REFRESH, ASK_REGISTRY, CALLER_IPV4, CALLER_IPV6, Instance, MISUSE, REASONS, REFRESH_FAILED, REGISTRY_ANSWERED, REGISTRY_FAILED, words } from "../crates/js/js/instance.mjs";
import { address } from "./harness/address.mjs";
import { compiled } from "./harness/artefacts.mjs";
import { vectors } from "./harness/vectors.mjs";
import { parseKeySet } from "./harness/key_set.mjs";
import { midstates } from "./harness/midstates.mjs";

const VERDICTS = ["alive", "revoked", "suspended", "retired", "expired", "never_issued", "tenant_gone"];
const ADOPTIONS = { adopted: 0, in_force: 1, state_needed: 2, clock_behind: 16, older: 17, other_state: 18, other_audience: 19, "head:tenant": 33, "head:audience": 33, "head:tag": 34 };

const bytes = (hex) => Buffer.from(hex, "hex");
const issuedAt = (head) => Number(head.readBigUInt64BE(43));

/** What the module cannot even be asked: requirements and lists that it has not built itself, times that are no f64. */
function isAskable({ case: { required, list, now, registry } }) {
  const own = (each) => !["audience", "version", "of_key_set"].some((field) => field in each);
  const asked = typeof registry === "object" && registry !== null ? registry : undefined;
  const times = [now, asked?.asked_at ?? 0, list ? issuedAt(bytes(list.head)) : 0];
  return own(required) && own(asked?.required ?? {}) && list?.key_set === undefined && times.every(Number.isSafeInteger);
}

const requirementOf = (instance, { scopes, mode, strict = false }) => instance.require(scopes, { any: mode === "any_of", strict });

/** Asks the registry about a key as a verification does, and takes the answer. */
function answered(instance, registry, key, required) {
  const about = registry.key ?? key;
  const requirement = requirementOf(instance, registry.required ?? required);
  const verdict = instance.verify(about, requirement, registry.asked_at, 0, 0);
  assert.equal(verdict & 255, ASK_REGISTRY);
  const question = verdict >>> 8;
  assert.ok(instance.answer(question, instance.claims().base, VERDICTS.indexOf(registry.verdict), registry.sequence ?? 0));
  return question;
}

function told(instance, verdict) {
  const outcome = verdict & 255;
  if (outcome === ASK_REFRESH) return { ask: "refresh" };
  if (outcome === ASK_REGISTRY) return { ask: "registry" };
  if (outcome !== ALLOW) return { deny: REASONS[outcome - 1] };
  const { subject, keyId, statusIndex, tenant, audience, epoch, scopes, expiresAt, sequence, ageMs, zone } = instance.claims();
  return { allow: { subject, key_id: keyId, status_index: statusIndex, signing_key: [tenant, audience, epoch], scopes, expires_at: expiresAt, sequence, age_ms: ageMs, zone } };
}

for (const form of ["", ".scalar"]) {
  const module = compiled(`verifier${form}`);
  describe(`the module ${form === "" ? "with SIMD" : "without SIMD"}`, () => {
    it("needs nothing from its host", () => {
      assert.deepEqual(WebAssembly.Module.imports(module), []);
    });

    it("decides every key as its vector says", () => {
      const cases = vectors("verify");
      const askable = cases.filter((each) => each.expect.error === undefined && isAskable(each));
      for (const { name, expect, case: { key_set, list, key, required, now, caller, refresh, registry } } of askable) {
        const instance = new Instance(module, bytes(key_set));
        let done = refresh === "failed" ? REFRESH_FAILED : 0;
        let question = 0;
        if (registry === "failed") done |= REGISTRY_FAILED;
        if (typeof registry === "object" && registry !== null) {
          question = answered(instance, registry, key, required);
          done |= REGISTRY_ANSWERED;
        }
        if (list) {
          const head = bytes(list.head);
          assert.equal(instance.adopt(head, bytes(list.state), issuedAt(head)), 0, name);
        }
        const from = address(caller);
        if (from) done |= from.length === 4 ? CALLER_IPV4 : CALLER_IPV6;
        const verdict = instance.verify(key, requirementOf(instance, required), now, done, question, ...words(from ?? []));
        assert.deepEqual(told(instance, verdict), expect, name);
      }
      console.log(`${askable.length} of ${cases.length} cases of verify.json`);
      assert.ok(askable.length >= 760, `${askable.length}`);
    });

    it("judges every head as its vector says", () => {
      const cases = vectors("adopt").filter(({ expect, case: { in_force, heads } }) => expect.outcomes !== undefined && in_force?.key_set === undefined && heads.every(({ now }) => Number.isSafeInteger(now)));
      let judged = 0;
      for (const { name, expect, case: { key_set, in_force, heads } } of cases) {
        const instance = new Instance(module, bytes(key_set));
        if (in_force) {
          const head = bytes(in_force.head);
          if (instance.adopt(head, bytes(in_force.state), issuedAt(head)) !== 0) continue;
        }
        const answers = heads.map(({ head, state, now }) => instance.adopt(bytes(head), state === null ? undefined : bytes(state), now));
        const stated = expect.outcomes.map((word) => ADOPTIONS[word] ?? (word.startsWith("head:") ? 32 : word));
        // A state that cannot be read has a number of its own.
        assert.deepEqual(answers.map((answer) => (answer === 48 ? 2 : answer)), stated, name);
        assert.equal(instance.figure(4), expect.sequence ?? -1, name);
        judged += 1;
      }
      console.log(`${judged} of ${cases.length} cases of adopt.json`);
      assert.ok(judged >= 150, `${judged}`);
    });

    const usual = () => vectors("verify").find(({ expect, case: { list, required, caller } }) => expect.allow?.zone === "fresh" && list && required.scopes.length === 1 && caller === undefined).case;
    const ready = () => {
      const { key_set, list, key, required, now } = usual();
      const instance = new Instance(module, bytes(key_set));
      const head = bytes(list.head);
      assert.equal(instance.adopt(head, bytes(list.state), issuedAt(head)), 0);
      const requirement = requirementOf(instance, required);
      assert.equal(instance.verify(key, requirement, now, 0, 0), ALLOW);
      return { instance, key, requirement, now };
    };

    it("takes no other character for one of a key's", () => {
      const { instance, key, requirement, now } = ready();
      for (const shift of [0x80, 0x100, 0x2000, 0xff00]) {
        for (const place of [0, 20, key.length - 1]) {
          const other = key.slice(0, place) + String.fromCharCode(key.charCodeAt(place) + shift) + key.slice(place + 1);
          assert.equal(instance.verify(other, requirement, now, 0, 0), 1, `${shift} at ${place}`);
        }
      }
      for (const other of ["", key + key, "\ud800", `${key}\0`, key.repeat(1_000)]) {
        assert.equal(instance.verify(other, requirement, now, 0, 0), 1);
      }
      assert.equal(instance.verify(key, requirement, now, 0, 0), ALLOW);
    });

    it("allows nothing by a clock that is none", () => {
      const { instance, key, requirement, now } = ready();
      for (const [absurd, reason] of [[NaN, "clock_behind"], [-1, "clock_behind"], [-Infinity, "clock_behind"], [0, "clock_behind"], [Infinity, "expired"], [2 ** 64, "expired"]]) {
        assert.equal(REASONS[instance.verify(key, requirement, absurd, 0, 0) - 1], reason, `${absurd}`);
      }
      assert.equal(instance.verify(key, requirement, now, 0, 0), ALLOW);
    });

    it("tells nothing of a key whose tag is wrong, and nothing of the one before", () => {
      const { instance, key, requirement, now } = ready();
      assert.equal(instance.claims().subject, "svc:billing");
      assert.equal(instance.verify("no key", requirement, now, 0, 0), 1);
      assert.equal(instance.claims(), undefined);
      assert.equal(instance.verify(key, 200, now, 0, 0), MISUSE);
      assert.equal(instance.claims(), undefined);
    });

    it("spends an answer of the registry once, on its own key, and forgets the oldest of too many questions", () => {
      const { instance, key, now } = ready();
      const strict = instance.require(["invoice:void"]);
      const ask = () => {
        const verdict = instance.verify(key, strict, now, 0, 0);
        assert.equal(verdict & 255, ASK_REGISTRY);
        return verdict >>> 8;
      };
      const first = ask();
      const { base } = instance.claims();
      const other = Uint8Array.from(base);
      other[13] ^= 1;
      assert.equal(instance.answer(first, other, 0, 9), false, "another base");
      assert.ok(instance.answer(first, base, 0, 9), "which has changed nothing");
      assert.equal(instance.answer(first, base, 0, 9), false, "twice");
      assert.equal(instance.verify(key, strict, now, REGISTRY_ANSWERED, first), ALLOW);
      const second = ask();
      assert.equal(instance.verify(key, strict, now, REGISTRY_ANSWERED, second) & 255, ASK_REGISTRY, "before it was answered");
      assert.ok(instance.answer(second, base, 0, 9), "which has changed nothing");
      assert.equal(instance.verify(key, strict, now, REGISTRY_ANSWERED, second), ALLOW);
      assert.deepEqual([instance.claims().zone, instance.claims().sequence], ["registry", 9]);
      assert.equal(instance.verify(key, strict, now, REGISTRY_ANSWERED, second) & 255, ASK_REGISTRY, "spent");
      const slow = ask();
      for (let count = 0; count < 200; count++) {
        const quick = ask();
        assert.ok(instance.answer(quick, base, 0, 9));
        assert.equal(instance.verify(key, strict, now, REGISTRY_ANSWERED, quick), ALLOW);
      }
      assert.ok(instance.answer(slow, base, 0, 9), "those that are done push none out");
      const old = ask();
      for (let count = 0; count < 512; count++) ask();
      assert.equal(instance.answer(old, base, 0, 9), false, "512 more under way at once");
    });

    it("keeps a requirement's number, and builds no requirement of nothing or of what nobody knows", () => {
      const { instance } = ready();
      assert.equal(instance.require(["invoice:read"]), instance.require(["invoice:read"]));
      assert.notEqual(instance.require(["invoice:read"]), instance.require(["invoice:read"], { strict: true }));
      assert.throws(() => instance.require([]), { code: "scope_malformed" });
      assert.throws(() => instance.require(["invoice:burn"]), { code: "unknown_scope" });
    });

    it("does not step back to an older key set, nor to another audience's", () => {
      const { key_set } = usual();
      const { instance, key, requirement, now } = ready();
      const changed = (place, to) => {
        const copy = bytes(key_set);
        copy[place] = to;
        return copy;
      };
      assert.throws(() => instance.renew(changed(7, 2)), /older/);
      assert.throws(() => instance.renew(changed(3, 5)), /another audience's/);
      assert.throws(() => instance.renew(Buffer.alloc(20)), /malformed/);
      assert.equal(instance.verify(key, requirement, now, 0, 0), ALLOW);
      instance.renew(changed(7, 4));
      assert.equal(instance.figure(2), 4);
      assert.equal(REASONS[instance.verify(key, requirement, now, 0, 0) - 1], "requirement_outdated");
      // What is built next has the place of what was built first, and not its number.
      const next = instance.require(["invoice:void"]);
      assert.equal(REASONS[instance.verify(key, requirement, now, 0, 0) - 1], "requirement_outdated");
      assert.equal(instance.verify(key, next, now, 0, 0) & 255, ASK_REGISTRY);
    });

    it("keeps nothing of a key set that it refused or that was replaced", () => {
      const { key_set } = usual();
      /** A key set of this edition and audience whose secrets are all this byte. */
      const made = (secret, version, audience = 1) => {
        const set = Buffer.from(key_set, "hex");
        const { signingKeys: [first], scopes } = parseKeySet(set);
        const front = Buffer.from(set.subarray(0, 28));
        front[3] = audience;
        front.writeUInt32BE(version, 4);
        const windows = [first.mintFrom, first.mintUntil, first.verifyUntil].map((second) => Buffer.from(second.toString(16).padStart(8, "0"), "hex"));
        const names = scopes.map(({ number, risk, name }) => Buffer.from([number, ["low", "standard", "high", "strict"].indexOf(risk), name.length, ...Buffer.from(name)]));
        const parts = [front, Buffer.alloc(32, secret), Buffer.from([1, 1]), Buffer.alloc(32, secret + 1), Buffer.from([first.prefix.length, ...Buffer.from(first.prefix)]), ...windows, Buffer.from([0, scopes.length]), ...names];
        return Buffer.concat(parts);
      };
      const secrets = (secret) => [0, 1].flatMap((more) => {
        const key = Buffer.alloc(32, secret + more);
        return [key, ...midstates(key)];
      });
      const memory = (exports) => Buffer.from(exports.memory.buffer);
      const traces = (exports, secret) => secrets(secret).filter((trace) => [trace.subarray(0, 16), trace.subarray(16)].some((half) => memory(exports).includes(half))).length;
      const { exports } = new WebAssembly.Instance(module);
      const set = (bytes) => {
        memory(exports).set(bytes, exports.input());
        return exports.set_keys(bytes.length);
      };
      assert.equal(set(made(0x21, 5)), 0);
      // Positive control: of the one in force there are both states of both keys, and no key.
      assert.equal(traces(exports, 0x21), 4);
      for (const [refused, answer] of [[made(0x41, 5, 2), 3], [made(0x41, 4), 3], [made(0x41, 6).subarray(0, -1), 1], [made(0x41, 6, 0), 2]]) {
        assert.equal(set(refused), answer);
        assert.equal(traces(exports, 0x41), 0, `refused: ${answer}`);
      }
      assert.equal(set(made(0x61, 6)), 0);
      assert.deepEqual([traces(exports, 0x61), traces(exports, 0x21)], [4, 0]);
    });

    it("takes no answer to a question of before a renewal for one of after it", () => {
      const { key_set } = usual();
      const { instance, key, now } = ready();
      const strict = instance.require(["invoice:void"]);
      const early = instance.verify(key, strict, now, 0, 0) >>> 8;
      const { base } = instance.claims();
      instance.renew(bytes(key_set));
      const again = instance.require(["invoice:void"]);
      const late = instance.verify(key, again, now + 4_000, 0, 0) >>> 8;
      assert.notEqual(early, late);
      assert.ok(instance.answer(early, base, 0, 9));
      assert.equal(instance.verify(key, again, now + 9_000, REGISTRY_ANSWERED, late) & 255, ASK_REGISTRY, "it was not answered");
      assert.equal(instance.verify(key, again, now + 9_000, REGISTRY_ANSWERED, early) & 255, ASK_REGISTRY, "nine seconds old");
    });

    it("takes a number of nothing, and what JavaScript makes of nothing, for misuse", () => {
      const { instance, key, now } = ready();
      for (const nothing of [undefined, null, NaN, 0, 2 ** 32, 129, 255, -1]) {
        assert.notEqual(instance.verify(key, nothing, now, 0, 0), ALLOW, `${nothing}`);
      }
      assert.equal(instance.verify(key, undefined, now, 0, 0), MISUSE);
    });

    it("is the caller's address of its own call that a key is bound to", () => {
      const named = vectors("verify").filter(({ case: { caller } }) => caller && isIP(caller) === 4);
      const allowed = named.filter(({ expect }) => expect.allow);
      const denied = named.filter(({ expect }) => expect.deny === "address_not_allowed");
      const bound = allowed.find((each) => denied.some((other) => other.case.key === each.case.key));
      const { key_set, list, key, required, now, caller } = bound.case;
      const elsewhere = words(address(denied.find((other) => other.case.key === key).case.caller));
      const instance = new Instance(module, bytes(key_set));
      const head = bytes(list.head);
      instance.adopt(head, bytes(list.state), issuedAt(head));
      const requirement = requirementOf(instance, required);
      assert.equal(instance.verify(key, requirement, now, CALLER_IPV4, 0, ...words(address(caller))), ALLOW, bound.name);
      // The call after it comes from elsewhere, or does not say from where.
      assert.equal(REASONS[instance.verify(key, requirement, now, CALLER_IPV4, 0, ...elsewhere) - 1], "address_not_allowed");
      assert.equal(REASONS[instance.verify(key, requirement, now, 0, 0, ...words(address(caller))) - 1], "address_not_allowed");
    });

    it("tells of one key for as long as its claims are kept", () => {
      const { instance, key, requirement, now } = ready();
      const claims = instance.claims();
      const { subject, keyId, scopes, zone } = claims;
      instance.verify("no key", requirement, now, 0, 0);
      instance.renew(bytes(usual().key_set));
      assert.deepEqual([claims.subject, claims.keyId, claims.scopes, claims.zone], [subject, keyId, scopes, zone]);
      assert.equal(subject, "svc:billing");
      assert.ok(key.length > 0);
    });
  });

  describe(`the raw exports ${form === "" ? "with SIMD" : "without SIMD"}`, () => {
    const raw = () => {
      const exports = new WebAssembly.Instance(module).exports;
      const put = (bytes) => (new Uint8Array(exports.memory.buffer).set(bytes, exports.input()), bytes.length);
      return { exports, put };
    };

    it("answer misuse to lengths past the input and before there is a key set", () => {
      const { exports, put } = raw();
      const past = exports.input_len() + 1;
      const { key_set } = vectors("verify")[0].case;
      assert.deepEqual([exports.require(0, 0), exports.adopt(0, 0), exports.verify(0, 1, 0, 0, 0, 0, 0, 0, 0), exports.claims(), exports.figure(0)], [255, 255, 255, 0, -1]);
      assert.equal(exports.set_keys(past), 255);
      assert.equal(exports.set_keys(put(bytes(key_set))), 0);
      for (const length of [past, 2 ** 31, -1]) {
        assert.deepEqual([exports.set_keys(length), exports.require(length, 0), exports.adopt(length, 0), exports.verify(length, 257, 0, 0, 0, 0, 0, 0, 0), exports.answer(1, length, 0, 0)].map((answer) => answer & 255), [255, 255, 255, 255, 255]);
      }
    });

    it("have room for one state at a time, and for none that is too long", () => {
      const { exports } = raw();
      assert.notEqual(exports.state(1_000), 0);
      assert.equal(exports.state(1_000), 0, "one is waiting");
      assert.equal(exports.state(0), 0);
      assert.notEqual(exports.state(1_000), 0);
      exports.state(0);
      assert.equal(exports.state(2 ** 29 + 10), 0);
      assert.equal(exports.state(0xf000_0000), 0);
    });

    it("are spent when one of them did not come back", () => {
      const { key_set, list, key, required, now } = vectors("verify").find(({ expect, case: { list } }) => expect.allow?.zone === "fresh" && list).case;
      let [spent, cut] = [0, 0];
      for (let shift = 0; shift < 64; shift++) {
        const { exports, put } = raw();
        assert.equal(exports.set_keys(put(bytes(key_set))), 0);
        const requirement = exports.require(put(Buffer.from(required.scopes.join(" "))), 0);
        put(bytes(list.head));
        const length = bytes(list.head).length;
        // At the end of the host's own stack, on the way up: some of these calls are cut off in their middle.
        const down = (...padding) => {
          try {
            down(...padding);
          } catch {
            // That was the end.
          }
          try {
            exports.adopt(length, now);
          } catch {
            cut += 1;
          }
        };
        down(...Array(shift).fill(0));
        const verdict = exports.verify(put(Buffer.from(key)), requirement, now, 0, 0, 0, 0, 0, 0);
        assert.ok([64, MISUSE].includes(verdict), `${verdict}`);
        if (verdict === MISUSE) {
          spent += 1;
          assert.deepEqual([exports.set_keys(0), exports.require(0, 0), exports.claims(), exports.figure(0), exports.state(8)], [255, 255, 0, -1, 0]);
        }
      }
      console.log(`${cut} calls were cut off by the end of the stack, and ${spent} of 64 instances spent by it`);
      assert.ok(cut > 0 && spent > 0);
    });
  });
}
