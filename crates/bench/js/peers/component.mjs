// The component through jco, beside the raw module of the same core in the same process. Node only: jco's output reads files.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { compiled, Instance } from "../../../hosts/jco/component.mjs";
import { transpile } from "../../../hosts/jco/transpile.mjs";

const COMPONENT = new URL("../../../../target/wardkey.verifying.component.wasm", import.meta.url);
const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

/** What jco makes of the component; its files are only read at the start. */
async function transpiled(use) {
  const folder = mkdtempSync(join(tmpdir(), "wardkey-bench-jco-"));
  try {
    await transpile(COMPONENT, folder);
    return use(await compiled(folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function ready(instantiate, { key_set, head, state, scope, now, caller }) {
  const instance = new Instance(instantiate, bytes(key_set));
  if (instance.applyList(bytes(head), bytes(state), now) !== undefined) throw new Error("the list was not adopted");
  const requirement = instance.requirement([scope]);
  return (key) => instance.verify(key, requirement, now, { address: caller });
}

const claimed = ({ allow }) => allow && { sub: allow.subject, jti: allow.keyId };

export default [
  {
    id: "component.jco",
    what: "the component through jco, as crates/hosts/jco calls it: a decision with all that is known of the key",
    base: "verify",
    async prepare(_claims, _secret, fixture) {
      const judge = await transpiled((instantiate) => ready(instantiate, fixture));
      return { tokens: fixture.keys[0], refused: fixture.refused, verify: (key) => claimed(judge(key)) };
    },
  },
  {
    id: "component.jco_garbage",
    what: "refused through jco: random base64url behind the right prefix",
    base: "component.jco",
    async prepare(_claims, _secret, fixture) {
      const judge = await transpiled((instantiate) => ready(instantiate, fixture));
      const { keys } = fixture.refusals.garbage;
      return { tokens: keys, verify: judge };
    },
  },
  {
    id: "component.jco_instance_ms",
    what: "an instance of the component, compiled before, with its key set",
    base: null,
    unit: "ms",
    async prepare(_claims, _secret, { key_set }) {
      const instantiate = await transpiled((found) => (found(), found));
      return { tokens: [bytes(key_set)], verify: (keySet) => new Instance(instantiate, keySet) };
    },
  },
];
