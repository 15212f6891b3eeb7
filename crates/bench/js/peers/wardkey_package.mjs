// Ours as the npm package has it: what an application calls, with its decision and a request that is there already.

import { protect } from "../../../js/js/middleware/fetch.mjs";
import { Verifier } from "../../../js/js/verifier/verifier.mjs";
import { simd } from "../wardkey_modules.mjs";

const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

/** A verifier over the fixture, whose clock stands still with its list. */
function made({ key_set, head, state, now, caller }) {
  const files = { keySet: () => bytes(key_set), head: () => bytes(head), state: () => bytes(state) };
  return Verifier.of(simd, { files, now: () => now, address: () => caller });
}

const row = (id, what, verified) => ({
  id: `package.${id}`,
  what,
  async prepare(_claims, _secret, fixture) {
    const verifier = await made(fixture);
    const [keys] = fixture.keys;
    const { tokens, verify } = verified(verifier, keys, fixture);
    const allowed = await verify(tokens[0]);
    if (allowed !== true) throw new Error(`${id}: the key is not allowed`);
    return { tokens, verify };
  },
});

export default [
  row("verify_sync_bare", "verifySync without claims", (verifier, keys, { scope, caller }) => {
    const options = { claims: false, address: caller };
    return { tokens: keys, verify: (key) => verifier.verifySync(key, scope, options).allowed };
  }),
  row("verify_sync", "verifySync, with a decision that keeps what is known of the key", (verifier, keys, { scope, caller }) => {
    const options = { address: caller };
    return { tokens: keys, verify: (key) => verifier.verifySync(key, scope, options).allowed };
  }),
  row("verify", "verify, awaited", (verifier, keys, { scope, caller }) => {
    const options = { address: caller };
    return { tokens: keys, verify: (key) => verifier.verify(key, scope, options).then(({ allowed }) => allowed) };
  }),
  row("protect", "middleware: from a built Request to the handler's answer, awaited", (verifier, keys, { scope }) => {
    const handler = protect(verifier, scope, (_request, decision) => decision.allowed);
    const request = (key) => new Request("https://api.example/reports?page=1", { headers: { Authorization: `Bearer ${key}` } });
    return { tokens: keys.map(request), verify: handler };
  }),
];
