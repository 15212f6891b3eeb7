// Ours: the raw module through the same lines of JavaScript that the package will have. String in, verdict out; claims are read
// from the module's memory when somebody asks for them, as our rows' self-check does.

import { ALLOW, CALLER_IPV4, Instance, REASONS, words } from "../../../js/js/instance.mjs";
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

const refusal = (name) => ({
  id: `reject.${name}`,
  what: `refused: ${name}`,
  base: "verify",
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
  accepts("verify_1_block", "the same, narrowed once", simd, 1),
  accepts("verify_4_blocks", "the same, narrowed four times", simd, 4),
  refusal("garbage"),
  refusal("bad_checksum"),
  refusal("forged"),
  refusal("expired"),
  refusal("inactive"),
  refusal("scope_missing"),
  start,
];
