// The holder's side narrows every vector as the core does, takes only what it understands, and never gives anything.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { ALLOW, Instance, REASONS } from "../../crates/js/js/instance.mjs";
import { inspect, KeyTextError, narrow, NarrowingError, OptionError, wardkeyFetch, WardkeyError } from "../../crates/js/js/holder/index.mjs";
import { narrowed } from "../../crates/js/js/holder/instance.mjs";
import { compiled } from "../harness/artefacts.mjs";
import { fromHex } from "../harness/bytes.mjs";
import { Chance } from "../harness/seed.mjs";
import { vectors } from "../harness/vectors.mjs";

const cases = vectors("mint_narrow").filter((each) => each.case.do === "narrow");
const key = cases.find(({ name }) => name === "narrow the worked example").case.key;

/** The vectors have no word for why these are refused. */
const REFUSED = {
  "narrow to 4 blocks: above": "narrowed_too_often", "narrow by 64 bytes: above": "narrowing_too_long", "narrow to 10 networks, the most that fit a block: above": "narrowing_too_long",
  "narrow to 512 characters: above": "key_too_long", "narrow to more than 512 characters": "key_too_long", "narrow by nothing": "narrowing_empty", "narrow to no scope": "narrowing_empty",
  "narrow to no networks": "narrowing_empty",
};

/** What the core gives, and nobody wants: a key that no call would allow. */
const NOTHING_LEFT = { "narrow to scopes that it has not": "narrowing_empty", "narrow to a time before its issue": "narrowed_dead", "narrow to a time after its expiry": "narrowed_dead" };
/** Unix milliseconds, before all times that are named here. */
const NOW = 1_799_999_999_000;

/** What a call throws, as class and code. */
function thrown(call) {
  try {
    call();
  } catch (error) {
    assert.ok(error instanceof WardkeyError, error.stack);
    return error;
  }
  return assert.fail("nothing was thrown");
}

describe("narrowing a key", () => {
  it("gives the text that each vector says, or refuses as it says", () => {
    for (const { name, expect, case: { key, fields } } of cases) {
      const options = { scopes: fields.scopes, expiresAt: fields.expires_at, notBefore: fields.not_before, cidr: fields.networks, now: NOW };
      if (NOTHING_LEFT[name] !== undefined) {
        assert.equal(narrowed(key, { ...options, networks: options.cidr }), expect.ok, name);
        assert.equal(thrown(() => narrow(key, options)).code, NOTHING_LEFT[name], name);
      } else if (expect.ok !== undefined) assert.equal(narrow(key, options), expect.ok, name);
      else {
        const { code } = thrown(() => narrow(key, options));
        if (expect.error !== "refused") assert.equal(code, expect.error, name);
        else assert.equal(code, REFUSED[name] ?? "invalid_option", name);
      }
    }
    assert.equal(cases.length, 48);
  });

  it("says what is wrong: nothing left, a name that there is not, what surrounds a key in a file", () => {
    const message = (call) => thrown(call).message;
    assert.equal(message(() => narrow(key, { scopes: [200] })), `nothing is left: the key has none of these scopes (it has ${inspect(key).unproven.scopes.length})`);
    // One that it has is enough: the others it does not get.
    assert.deepEqual(inspect(narrow(key, { scopes: [0, 200] })).unproven.scopes, [0]);
    for (const expiresAt of [1_000, new Date(NOW)]) assert.match(message(() => narrow(key, { expiresAt, now: NOW })), /^expiresAt: .* dead already$/);
    assert.match(message(() => narrow(key, { scopes: ["a:wirte"], catalog: { "a:read": 0, "a:write": 1 } })), /"a:wirte" is not in the catalog; there are a:read, a:write$/);
    assert.match(message(() => narrow(key, { scopes: ["a:read"], catalog: {} })), /there are none$/);
    assert.match(message(() => narrow(key, { scopes: ["a:b"], catalog: { [key]: 1 } })), /there are none$/);
    for (const call of [() => narrow(`${key}\n`, { scopes: [0] }), () => inspect(` ${key}`), () => wardkeyFetch({ key: `${key}\r\n`, origins: ["https://api.test"] })]) assert.match(message(call), /begins or ends with a space or a line break$/);
    assert.match(message(() => wardkeyFetch({ origins: ["https://api.test"] })), /`key` is a string/);
  });

  it("takes scopes by name with a catalog, of each form", () => {
    const wanted = narrow(key, { scopes: [0, 9] });
    for (const catalog of [{ "a:read": 0, "b:read": 9 }, new Map([["a:read", 0], ["b:read", 9]]), [{ number: 0, name: "a:read", risk: "low" }, { number: 9, name: "b:read" }]]) {
      assert.equal(narrow(key, { scopes: ["a:read", "b:read"], catalog }), wanted);
      assert.equal(narrow(key, { scopes: [0, "b:read"], catalog }), wanted);
      assert.equal(thrown(() => narrow(key, { scopes: ["c:read"], catalog })).code, "unknown_scope");
    }
    assert.equal(thrown(() => narrow(key, { scopes: ["a:read"] })).code, "catalog_needed");
    assert.equal(thrown(() => narrow(key, { scopes: ["toString"], catalog: {} })).code, "unknown_scope");
    for (const catalog of [null, 3, "a:read", { "a:read": "0" }, { "a:read": 256 }, [{ name: "a:read" }], [{ name: "a:read", number: 0 }, { name: "a:read", number: 1 }], [null]]) {
      assert.equal(thrown(() => narrow(key, { scopes: ["a:read"], catalog })).code, "invalid_option");
    }
  });

  it("counts times in seconds, and takes a Date to the side that leaves less", () => {
    const expiry = (options) => inspect(narrow(key, options)).unproven.narrowings[0].expiresAt;
    assert.equal(expiry({ expiresIn: 600, now: 1_800_000_000_999 }), 1_800_000_600);
    assert.equal(expiry({ expiresAt: new Date(1_800_000_600_999) }), 1_800_000_600);
    assert.equal(inspect(narrow(key, { notBefore: new Date(1_800_000_600_001) })).unproven.notBefore, 1_800_000_601);
    const soon = expiry({ expiresIn: 60 }) - Date.now() / 1000;
    assert.ok(soon > 50 && soon <= 60, `${soon}`);
    for (const options of [
      { expiresAt: 1_800_000_600_000 }, { expiresIn: 0 }, { expiresIn: -5 }, { expiresIn: 1.5 }, { expiresIn: NaN }, { expiresIn: "600" }, { expiresIn: 2 ** 32 },
      { expiresAt: "2027-01-01" }, { expiresAt: new Date(NaN) }, { expiresAt: new Date(-1) }, { notBefore: 2 ** 32 }, { expiresIn: 5, expiresAt: 1_800_000_600 },
      { expiresIn: 5, now: NaN }, { expiresIn: 5, now: Infinity }, { expiresAt: null },
    ]) {
      assert.equal(thrown(() => narrow(key, options)).code, "invalid_option", JSON.stringify(options));
    }
  });

  it("refuses what is no option, and what is no value of one", () => {
    for (const options of [
      { scopes: 0 }, { scopes: [-1] }, { scopes: [0.5] }, { scopes: [null] }, { scopes: [[0]] }, { cidr: "10.0.0.0/8" }, { cidr: [7] },
      { cidr: ["10.0.0.0/8 11.0.0.0/8"] }, { cidr: [""] }, { cidr: ["10.0.0.0/08"] }, { cidr: ["\ud800/8"] }, { cidr: ["10.0.0.0/8\0"] }, null, 7,
    ]) {
      const error = thrown(() => narrow(key, options));
      assert.ok(error instanceof OptionError && error.code === "invalid_option", JSON.stringify(options));
    }
    assert.equal(thrown(() => narrow(key, { cidr: Array(10_000).fill("10.0.0.0/8") })).code, "narrowing_too_long");
    for (const options of [undefined, {}, { scopes: [] }, { cidr: [] }]) {
      assert.ok(thrown(() => narrow(key, options)) instanceof NarrowingError);
    }
  });

  it("refuses what is no key, whatever it is, and shows nothing of it", () => {
    const long = key.repeat(1_000_000 / key.length);
    for (const other of [undefined, null, 7, {}, [key], new String(key), "", "\ud800", `${key} `, ` ${key}`, `${key}\0`, key.toUpperCase(), key.replace("e", "\u0435"), key.replace("_", "\uff3f"), long]) {
      const error = thrown(() => narrow(other, { scopes: [0] }));
      assert.ok(error instanceof KeyTextError && error.code === "malformed", String(other).slice(0, 40));
    }
    const mistyped = `${key.slice(0, 40)}${key[40] === "A" ? "B" : "A"}${key.slice(41)}`;
    const errors = [() => narrow(mistyped, { scopes: [0] }), () => narrow(key, { [key]: 1 }), () => narrow(key, { scopes: [key], catalog: {} }), () => narrow(key, { cidr: [key] })].map(thrown);
    assert.deepEqual(errors.map(({ code }) => code), ["bad_checksum", "unknown_option", "unknown_scope", "invalid_option"]);
    for (const { message, stack } of errors) assert.ok(!`${message}${stack}`.includes(key.slice(20, 32)) && !message.includes(mistyped.slice(41)), message);
    assert.equal(narrow(key, { scopes: [0, 1], expiresAt: 1_800_000_600, now: NOW }), cases.find(({ name }) => name === "narrow the worked example").expect.ok, "and goes on");
  });
});

describe("a narrowed key at a verifier", () => {
  const usual = vectors("verify").find(({ expect, case: { list, required, caller } }) => expect.allow?.zone === "fresh" && list && required.scopes.length === 1 && caller === undefined).case;
  const head = fromHex(usual.list.head);
  const verifier = new Instance(compiled("verifier"), fromHex(usual.key_set));
  assert.equal(verifier.adopt(head, fromHex(usual.list.state), Number(new DataView(head.buffer).getBigUint64(43))), 0);
  const requirement = verifier.require(usual.required.scopes);
  const verdict = (text, now = usual.now, done = 0, ...caller) => {
    const outcome = verifier.verify(text, requirement, now, done, 0, ...caller) & 255;
    return outcome === ALLOW ? "allow" : REASONS[outcome - 1];
  };
  const { unproven } = inspect(usual.key);
  const second = Math.floor(usual.now / 1000);

  it("is allowed what is left, and denied what was taken away", () => {
    assert.equal(verdict(usual.key), "allow");
    assert.equal(verdict(narrow(usual.key, { scopes: unproven.scopes })), "allow");
    const without = unproven.scopes.filter((number) => verdict(narrow(usual.key, { scopes: [number] })) !== "allow");
    assert.equal(without.length, unproven.scopes.length - 1, "the one that is required is the only one that will do");
    assert.equal(verdict(narrow(usual.key, { scopes: without })), "narrowed");
    assert.equal(verdict(narrow(usual.key, { expiresIn: 1, now: usual.now })), "allow");
    assert.equal(verdict(narrow(usual.key, { expiresAt: second, now: usual.now - 5_000 })), "expired");
    assert.equal(verdict(narrow(usual.key, { notBefore: second + 1 })), "not_yet_valid");
    const office = narrow(usual.key, { cidr: ["192.0.2.0/24"] });
    assert.equal(verdict(office), "address_not_allowed");
    assert.equal(verdict(office, usual.now, 8, 0xc0000207), "allow");
    assert.equal(verdict(office, usual.now, 8, 0xc0000307), "address_not_allowed");
  });

  it("is never allowed more, whatever is taken away in whatever order", () => {
    const chance = new Chance("narrowings");
    let [allowed, denied] = [0, 0];
    for (let count = 0; count < 2_000; count++) {
      let text = usual.key;
      for (let block = chance.between(1, 4); block > 0; block--) {
        const options = {};
        if (chance.next() < 0.5) options.scopes = Array.from({ length: chance.between(1, 6) }, () => chance.of([...unproven.scopes, chance.between(0, 255)]));
        if (chance.next() < 0.4) options.expiresAt = second + chance.between(-5, 2 ** 20);
        if (chance.next() < 0.3 || Object.keys(options).length === 0) options.notBefore = second - chance.between(-5, 100);
        const before = inspect(text).unproven;
        // Also to nothing, which `narrow` would not hand on.
        text = narrowed(text, options);
        const after = inspect(text).unproven;
        assert.ok(after.scopes.every((number) => before.scopes.includes(number)), text);
        assert.ok(after.expiresAt <= before.expiresAt && (after.notBefore ?? 0) >= (before.notBefore ?? 0), text);
        if (options.scopes) assert.ok(after.scopes.every((number) => options.scopes.includes(number)), text);
      }
      const outcome = verdict(text);
      if (outcome === "allow") {
        allowed += 1;
        const { subject, keyId, scopes, expiresAt, narrowed } = verifier.claims();
        const left = inspect(text).unproven;
        assert.deepEqual({ subject, keyId, scopes, expiresAt, narrowed }, { subject: unproven.subject, keyId: unproven.keyId, scopes: left.scopes, expiresAt: left.expiresAt, narrowed: true });
      } else {
        denied += 1;
        assert.ok(["narrowed", "expired", "not_yet_valid"].includes(outcome), outcome);
      }
    }
    console.log(`${allowed} allowed, ${denied} denied`);
    assert.ok(allowed > 100 && denied > 100);
  });
});
