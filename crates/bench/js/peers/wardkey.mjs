// Ours: the raw module through the same lines of JavaScript that the package will have. String in, verdict out; claims are read
// from the module's memory when somebody asks for them, as our rows' self-check does.

import { ALLOW, CALLER_IPV4, Instance, MISUSE, REASONS, words } from "../../../js/js/instance.mjs";
import { scalar, simd, wasm } from "../wardkey_modules.mjs";
import { unseen } from "../unseen_wasm.mjs";

const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

/** An instance with its list, and what it takes to verify by it. */
function ready(module, { key_set, head, state, scope, now, caller }) {
  const instance = new Instance(module, bytes(key_set));
  const adopted = instance.adopt(bytes(head), bytes(state), now);
  if (adopted !== 0) throw new Error(`the list was not adopted: ${adopted}`);
  const requirement = instance.require([scope]);
  const [address] = words(caller.split(".").map(Number));
  return { instance, verdict: (key) => instance.verify(key, requirement, now, CALLER_IPV4, 0, address, 0, 0, 0) };
}

/** What the module knows of the key that was verified last, under a JWT's names. */
class Lazily {
  constructor(instance) {
    this.instance = instance;
  }

  get sub() {
    return this.instance.claims().subject;
  }

  get jti() {
    return this.instance.claims().keyId;
  }
}

const accepts = (id, what, module, blocks) => ({
  id,
  what,
  prepare(_claims, _secret, fixture) {
    const { instance, verdict } = ready(module, fixture);
    const allowed = new Lazily(instance);
    return {
      tokens: fixture.keys[blocks],
      refused: fixture.refused,
      verify: (key) => (verdict(key) === ALLOW ? allowed : undefined),
    };
  },
});

/** An accept of a key that was narrowed so often. */
const acceptOf = (blocks) => ["verify", "verify_1_block", "verify_2_blocks", "verify_3_blocks", "verify_4_blocks"][blocks];

const refusal = (name, what, blocks = 0) => ({
  id: `reject.${name}`,
  what: `refused: ${what}`,
  base: acceptOf(blocks),
  prepare(_claims, _secret, fixture) {
    const { instance, verdict } = ready(simd, fixture);
    const { keys, reason } = fixture.refusals[name];
    for (const key of keys) {
      const found = REASONS[verdict(key) - 1];
      if (found !== reason) throw new Error(`${name}: ${found} instead of ${reason}`);
    }
    return { tokens: keys, instance, verify: verdict };
  },
});

const crossing = {
  id: "crossing",
  what: "the same key handed over, and not looked at: what verifying many in one call could save",
  base: "verify",
  prepare(_claims, _secret, fixture) {
    const { instance } = ready(simd, fixture);
    // Of no requirement there is nothing to verify.
    const verify = (key) => instance.verify(key, 0, fixture.now, 0, 0, 0, 0, 0, 0);
    if (verify(fixture.keys[0][0]) !== MISUSE) throw new Error("the module looked at the key");
    return { tokens: fixture.keys[0], verify };
  },
};

const start = {
  id: "start.compile_ms",
  what: "our module, compiled and instantiated",
  base: null,
  unit: "ms",
  only: "node",
  prepare: () => ({
    tokens: [wasm],
    verify: (module) => new WebAssembly.Instance(new WebAssembly.Module(unseen(module))).exports,
  }),
};

export default [
  accepts("verify", "verify, allowed, one of eight scopes, list consulted", simd, 0),
  accepts("verify_scalar", "the same without SIMD", scalar, 0),
  accepts(acceptOf(1), "the same, narrowed once", simd, 1),
  accepts(acceptOf(2), "the same, narrowed twice", simd, 2),
  accepts(acceptOf(3), "the same, narrowed three times", simd, 3),
  accepts(acceptOf(4), "the same, narrowed four times", simd, 4),
  crossing,
  refusal("garbage", "random base64url behind the right prefix"),
  refusal("empty", "no character"),
  refusal("other_prefix", "no prefix of a key"),
  refusal("other_character", "the last character is none of base64url"),
  refusal("too_long", "600 characters"),
  refusal("bad_checksum", "a letter in the other case"),
  refusal("unknown_signing_key", "of a signing key that is not in the set"),
  refusal("prefix_mismatch", "another prefix than its signing key's"),
  refusal("forged", "a wrong tag under a right checksum"),
  refusal("forged_1_block", "a wrong tag behind a block", 1),
  refusal("forged_2_blocks", "a wrong tag behind two blocks", 2),
  refusal("forged_3_blocks", "a wrong tag behind three blocks", 3),
  refusal("forged_4_blocks", "a wrong tag behind four blocks", 4),
  refusal("outside_window", "signed outside its signing key's window"),
  refusal("expired", "expired"),
  refusal("not_yet_valid", "not yet valid"),
  refusal("inactive", "dead by the list"),
  refusal("scope_missing", "without the scope"),
  refusal("narrowed", "the scope taken away by a narrowing", 1),
  refusal("address_not_allowed", "from another network"),
  start,
];
