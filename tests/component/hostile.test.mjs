// A host that is careless or hostile gets clear refusals: nothing is allowed by it, nothing stays wrong, nothing grows.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { alive, component, result } from "../harness/component.mjs";
import { parseKeySet } from "../harness/key_set.mjs";
import { midstates } from "../harness/midstates.mjs";
import { Chance } from "../harness/seed.mjs";
import { vectors } from "../harness/vectors.mjs";

const { instantiate, core } = await component("verifying");
const holding = (await component("holding")).instantiate().holder;
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));
const usual = vectors("verify").find(({ expect, case: { list, required, caller } }) => expect.allow?.zone === "fresh" && list && required.scopes.length === 1 && caller === undefined).case;
const keySet = bytes(usual.key_set);
const head = bytes(usual.list.head);
const state = bytes(usual.list.state);
const issuedAt = Buffer.from(head).readBigUInt64BE(43);
const now = BigInt(usual.now);
const NOT_ASKED = { tag: "not-asked" };

/** An instance, and a verifier in it that is ready to allow the usual key. */
function ready({ verifier: { Verifier, RegistryQuestion }, memory } = instantiate()) {
  const verifier = Verifier.new(keySet);
  verifier.applyList(head, state, issuedAt);
  const requirement = verifier.allOf(usual.required.scopes);
  const verify = (key = usual.key, at = now, required = requirement, refresh = "not-tried", registry = NOT_ASKED) => verifier.verify(key, required, at, undefined, refresh, registry);
  const isReady = () => assert.equal(verify().tag, "allow");
  isReady();
  return { Verifier, RegistryQuestion, memory, verifier, requirement, verify, isReady };
}

/** The core module without a runtime for components around it: handles are addresses. */
function bare() {
  const offered = ["verifier", "requirement", "registry-question", "confirmation"].flatMap((name) => [[`[resource-new]${name}`, (place) => place], [`[resource-rep]${name}`, (place) => place], [`[resource-drop]${name}`, () => {}]]);
  const { exports } = new WebAssembly.Instance(core, { "[export]wardkey:verify/verifier@0.1.0": Object.fromEntries(offered) });
  const put = (bytes, align = 1) => {
    const start = exports.cabi_realloc(0, 0, align, bytes.length);
    new Uint8Array(exports.memory.buffer).set(bytes, start);
    return [start, bytes.length];
  };
  return { exports, put, call: (name, ...values) => exports[`wardkey:verify/verifier@0.1.0#${name}`](...values) };
}

describe("a hostile host", () => {
  it("gets nothing allowed by a clock that is none", () => {
    const { verify, isReady, verifier } = ready();
    for (const [absurd, reason] of [[0n, "clock-behind"], [1n, "clock-behind"], [2n ** 32n, "clock-behind"], [2n ** 63n, "expired"], [2n ** 64n - 1n, "expired"]]) {
      assert.equal(verify(usual.key, absurd).val.reason, reason, `${absurd}`);
    }
    for (const absurd of [0n, issuedAt - 3_600_000n]) assert.equal(result(() => verifier.applyList(head, undefined, absurd)).error.tag, "clock-behind");
    isReady();
  });

  it("gets refusals for what is empty, huge or none of a key, a head, a state or a key set", () => {
    const { verify, isReady, verifier, Verifier } = ready();
    for (const key of ["", "\0", "\ud800", "\u{1f511}".repeat(100), `${usual.key} `, usual.key.repeat(3), "x".repeat(10_000_000), `wk_live_${"A".repeat(1_000_000)}`]) {
      assert.equal(verify(key).val.reason, "malformed", `${key.length} characters`);
      assert.deepEqual(verify(key).val.claims, undefined);
    }
    const lengths = [0, 1, 42, 4_096, 4_097, 1_000_000, 50_000_000];
    for (const length of lengths) {
      for (const fill of [0, 1, 255]) {
        const other = new Uint8Array(length).fill(fill);
        assert.equal(result(() => Verifier.new(other)).error, "malformed", `${length} times ${fill}`);
        assert.equal(result(() => verifier.renew(other)).error, "malformed");
        assert.equal(result(() => verifier.applyList(other, undefined, now)).error.tag, "malformed-head");
        assert.equal(result(() => Verifier.new(keySet).applyList(head, other, now)).error.tag, "malformed-state");
      }
    }
    for (const scopes of [[""], ["invoice:burn"], [" invoice:read"], ["x".repeat(1_000_000)], Array(10_000).fill("invoice:burn")]) {
      assert.equal(result(() => verifier.allOf(scopes)).error, "unknown-scope");
    }
    assert.equal(result(() => verifier.anyOf([])).error, "empty");
    verifier.anyOf(Array(10_000).fill(usual.required.scopes[0]));
    isReady();
  });

  it("gets nothing from one tenant's verifier for another one's", () => {
    const { Verifier, verify, isReady, verifier, requirement } = ready();
    const other = Uint8Array.from(keySet);
    other[2] ^= 1;
    const stranger = Verifier.new(other);
    const theirs = stranger.allOf(usual.required.scopes);
    assert.equal(stranger.verify(usual.key, theirs, now, undefined, "not-tried", NOT_ASKED).val.reason, "unknown-signing-key");
    assert.equal(stranger.verify(usual.key, requirement, now, undefined, "not-tried", NOT_ASKED).val.reason, "wrong-audience");
    assert.equal(verify(usual.key, now, theirs).val.reason, "wrong-audience");
    assert.equal(result(() => stranger.applyList(head, state, issuedAt)).error.tag, "foreign-head");
    assert.equal(stranger.listInForce(), undefined);
    assert.equal(result(() => verifier.renew(other)).error, "other-key-set");
    isReady();
  });

  it("gets one verification from an answer of the registry, and none from another key's", () => {
    const { RegistryQuestion, verify, isReady, requirement } = ready();
    const strict = requirement.strict();
    const { expiresAtS } = holding.inspect(usual.key);
    const narrowed = holding.narrow(usual.key, { expiresAtS: expiresAtS - 1 });
    const narrowest = holding.narrow(narrowed, { scopes: holding.inspect(usual.key).claims.scopes });
    const ask = (key = usual.key) => verify(key, now, strict).val.val;
    const repeated = (question, changes = {}, key = usual.key) => {
      const { tag, val } = alive(question.claims(), holding.inspect(key), 9);
      return { tag, val: { ...val, ...changes } };
    };
    const refuses = (question, answer, of) => {
      assert.equal(result(() => RegistryQuestion.answered(question, answer)).error, "another-key", JSON.stringify(of));
      assert.throws(() => RegistryQuestion.answered(question, { tag: "revoked" }), "the question is spent");
    };
    const { keyId, statusIndex, subject } = ask().claims();
    for (const changes of [
      { tenant: 0 }, { audience: 255 }, { keyId: `${keyId.slice(0, -1)}${keyId.endsWith("7") ? "8" : "7"}` }, { keyId: keyId.toUpperCase() }, { keyId: "" }, { keyId: "x".repeat(1_000_000) },
      { statusIndex: statusIndex + 1 }, { statusIndex: 0 }, { subject: "" }, { subject: `${subject}2` }, { subject: subject.slice(1) }, { subject: "x".repeat(1_000_000) },
      { expiresAtS: expiresAtS + 1 }, { expiresAtS: 0 }, { narrowed: true },
    ]) {
      const question = ask();
      refuses(question, repeated(question, changes), changes);
    }
    // The same generation, narrowed otherwise than it was asked about.
    for (const [asked, told] of [[narrowed, usual.key], [usual.key, narrowed], [narrowest, usual.key]]) {
      const question = ask(asked);
      refuses(question, repeated(question, {}, told), [asked === narrowed, told === narrowed]);
    }
    const less = ask(narrowed);
    const known = RegistryQuestion.answered(less, repeated(less, {}, narrowed));
    assert.equal(verify(narrowed, now, strict, "not-tried", { tag: "answered", val: known }).tag, "allow");
    const question = ask();
    const confirmation = RegistryQuestion.answered(question, repeated(question));
    assert.equal(verify(usual.key, now, requirement, "not-tried").tag, "allow", "not asked for");
    const answered = verify(usual.key, now, strict, "not-tried", { tag: "answered", val: confirmation });
    assert.deepEqual([answered.tag, answered.val.zone, answered.val.sequence], ["allow", "registry", 9n]);
    assert.throws(() => verify(usual.key, now, strict, "not-tried", { tag: "answered", val: confirmation }));
    const late = ask();
    const old = RegistryQuestion.answered(late, repeated(late));
    assert.equal(verify(usual.key, now + 5_001n, strict, "failed", { tag: "answered", val: old }).val.tag, "registry");
    isReady();
  });

  it("calls in any order, and is never allowed what nobody has shown to be so", () => {
    const chance = new Chance("calls in any order");
    const { Verifier, RegistryQuestion } = ready();
    const verifiers = [Verifier.new(keySet)];
    const lists = new Map();
    const requirements = [verifiers[0].allOf(usual.required.scopes)];
    const questions = [];
    const confirmations = [];
    let [allowed, calls] = [0, 0];
    const pick = (items) => chance.of(items);
    const acts = [
      () => verifiers.length < 20 && verifiers.push(Verifier.new(keySet)),
      () => requirements.push(pick(verifiers)[pick(["allOf", "anyOf"])](usual.required.scopes)),
      () => requirements.push(pick(requirements).strict()),
      () => {
        const verifier = pick(verifiers);
        if (result(() => verifier.applyList(head, pick([state, undefined]), pick([0n, issuedAt, now]))).error === undefined) lists.set(verifier, true);
      },
      () => pick(verifiers).renew(keySet),
      () => questions.length > 0 && confirmations.push(RegistryQuestion.answered(questions.pop(), { tag: pick(["revoked", "suspended", "never-issued"]) })),
      () => {
        const verifier = pick(verifiers);
        const registry = confirmations.length > 0 && pick([true, false]) ? { tag: "answered", val: confirmations.pop() } : { tag: pick(["not-asked", "failed"]) };
        const decision = verifier.verify(pick([usual.key, "", usual.key.slice(1)]), pick(requirements), pick([0n, now]), undefined, pick(["not-tried", "failed"]), registry);
        if (decision.tag === "allow") {
          assert.ok(lists.has(verifier), "by a list");
          allowed += 1;
        }
        if (decision.val.tag === "registry") questions.push(decision.val.val);
      },
    ];
    for (; calls < 20_000; calls++) pick(acts)();
    console.log(`${calls} calls in any order, ${allowed} allows`);
    assert.ok(allowed > 50);
  });

  it("makes ten thousand instances, of which none is larger than the first", () => {
    const first = ready().memory.buffer.byteLength;
    for (let count = 0; count < 10_000; count++) {
      const { memory } = ready();
      assert.equal(memory.buffer.byteLength, first, `${count}`);
    }
    const { rss } = process.memoryUsage();
    console.log(`10,000 instances of ${first} bytes, ${rss >> 20} MiB in this process`);
    assert.ok(rss < 2 ** 30, `${rss}`);
    assert.ok(first <= 512 * 1024, `${first}`);
  });

  it("makes and drops ten thousand of each resource in one instance, whose memory stays as it is", () => {
    const instance = instantiate();
    const { RegistryQuestion, memory, isReady, verify } = ready(instance);
    const round = () => {
      for (let count = 0; count < 2_000; count++) {
        const { verifier, requirement } = ready(instance);
        const strict = requirement.strict();
        const question = verify(usual.key, now, strict).val.val;
        const confirmation = RegistryQuestion.answered(question, { tag: "revoked" });
        assert.equal(verify(usual.key, now, strict, "not-tried", { tag: "answered", val: confirmation }).val.reason, "revoked");
        const unasked = verify(usual.key, now, strict).val.val;
        for (const resource of [verifier, requirement, strict, unasked]) resource[Symbol.dispose]();
      }
      return memory.buffer.byteLength;
    };
    const first = round();
    for (let more = 0; more < 4; more++) assert.equal(round(), first);
    console.log(`10,000 of each resource in ${first} bytes`);
    isReady();
  });

  it("has one verifier's memory grow with its list, and gives that back", () => {
    const instance = instantiate();
    const { Verifier, memory, isReady } = ready(instance);
    const huge = new Uint8Array(20_000_009);
    huge[0] = 1;
    new DataView(huge.buffer).setUint32(5, 160_000_000);
    const tried = () => assert.equal(result(() => Verifier.new(keySet).applyList(head, huge, now)).error.tag, "wrong-state");
    tried();
    const once = memory.buffer.byteLength;
    for (let more = 0; more < 3; more++) tried();
    assert.equal(memory.buffer.byteLength, once);
    isReady();
  });

  it("has spent an instance in which a call did not come back", () => {
    let [cut, spent] = [0, 0];
    for (let shift = 0; shift < 64; shift++) {
      const { verify, verifier } = ready();
      // At the end of the host's own stack, on the way up: some of these calls are cut off in their middle.
      const down = (...padding) => {
        try {
          down(...padding);
        } catch {
          // That was the end.
        }
        try {
          verifier.applyList(head, state, issuedAt);
        } catch (error) {
          if (error instanceof RangeError) cut += 1;
        }
      };
      down(...Array(shift).fill(0));
      const after = (() => {
        try {
          return verify();
        } catch {
          return undefined;
        }
      })();
      if (after === undefined) {
        spent += 1;
        assert.throws(() => verify());
        assert.throws(() => verifier.renew(keySet));
      } else assert.equal(after.tag, "allow");
    }
    console.log(`${cut} calls were cut off by the end of the stack, and ${spent} of 64 instances spent by it`);
    assert.ok(cut > 0 && spent > 0);
  });

  it("gets nothing more from the code of such an instance, even where the runtime lets it in", () => {
    let spent = 0;
    for (let shift = 0; shift < 64; shift++) {
      const { call, put, exports } = bare();
      const handle = (answer) => new DataView(exports.memory.buffer).getUint32(answer + 4, true);
      const verifier = handle(call("[static]verifier.new", ...put(keySet)));
      const [names] = put(new Uint8Array(Uint32Array.from(put(Buffer.from(usual.required.scopes[0]))).buffer), 4);
      const requirement = handle(call("[method]verifier.all-of", verifier, names, 1));
      // Low in the stack, where no call comes and nothing is wiped.
      const place = 4_096;
      new Uint8Array(exports.memory.buffer).set(head, place);
      const apply = () => call("[method]verifier.apply-list", verifier, place, head.length, 0, 0, 0, issuedAt);
      const down = (...padding) => {
        try {
          down(...padding);
        } catch {
          // That was the end.
        }
        try {
          apply();
        } catch {
          // Cut off, or spent.
        }
      };
      down(...Array(shift).fill(0));
      try {
        call("[method]verifier.key-set", verifier);
      } catch (error) {
        assert.ok(error instanceof WebAssembly.RuntimeError, error);
        spent += 1;
        for (const [name, ...values] of [["[static]verifier.new", 0, 0], ["[method]verifier.list-in-force", verifier], ["[method]requirement.strict", requirement]]) {
          assert.throws(() => call(name, ...values), WebAssembly.RuntimeError);
        }
        assert.throws(apply, WebAssembly.RuntimeError);
      }
    }
    console.log(`${spent} of 64 core instances spent by the end of the stack`);
    assert.ok(spent > 0);
  });

  it("finds nothing in memory of a key set but where it is in force", () => {
    const { Verifier, memory } = ready();
    /** A key set of this audience whose secrets are all this byte. */
    const made = (secret, version = 3) => {
      const set = Buffer.from(keySet);
      const { signingKeys: [first], scopes } = parseKeySet(set);
      const front = Buffer.from(set.subarray(0, 28));
      front.writeUInt32BE(version, 4);
      const windows = [first.mintFrom, first.mintUntil, first.verifyUntil].map((second) => Buffer.from(second.toString(16).padStart(8, "0"), "hex"));
      const names = scopes.map(({ number, risk, name }) => Buffer.from([number, ["low", "standard", "high", "strict"].indexOf(risk), name.length, ...Buffer.from(name)]));
      return Uint8Array.from(Buffer.concat([front, Buffer.alloc(32, secret), Buffer.from([1, 1]), Buffer.alloc(32, secret + 1), Buffer.from([first.prefix.length, ...Buffer.from(first.prefix)]), ...windows, Buffer.from([0, scopes.length]), ...names]));
    };
    const traces = (secret) => [0, 1].flatMap((more) => {
      const key = Buffer.alloc(32, secret + more);
      return [key, ...midstates(key)];
    }).filter((trace) => [trace.subarray(0, 16), trace.subarray(16)].some((half) => Buffer.from(memory.buffer).includes(half))).length;
    const verifier = Verifier.new(made(0x21));
    // Positive control: of the one in force there are both states of both keys, and no key.
    assert.equal(traces(0x21), 4);
    for (const refused of [made(0x41).subarray(0, -1), made(0x41, 2), Uint8Array.from([...made(0x41), 0])]) {
      assert.ok(result(() => verifier.renew(refused)).error);
      assert.equal(traces(0x41), 0);
    }
    verifier.renew(made(0x61, 4));
    assert.deepEqual([traces(0x61), traces(0x21)], [4, 0]);
    verifier[Symbol.dispose]();
    assert.equal(traces(0x61), 0, "when it is dropped");
  });
});
