import { AuthorizerBuilder, Biscuit, KeyPair, Policy, Rule, SignatureAlgorithm } from "@biscuit-auth/biscuit-wasm";
import { ASKED } from "../claims.mjs";

const pair = () => new KeyPair(SignatureAlgorithm.Ed25519);

/** Its own limit of 1 ms is met by the first verifications, which the engine has not compiled yet. */
const LIMITS = { max_facts: 1000, max_iterations: 100, max_time_micro: 1_000_000 };

export default {
  id: "peer.biscuit",
  what: "biscuit-wasm, Ed25519: facts, a check of the time, one policy, one query",
  package: "@biscuit-auth/biscuit-wasm",
  prepare({ good, expired, unscoped }) {
    const root = pair();
    const publicKey = root.getPublicKey();
    const made = ({ sub, jti, scopes, exp }, by = root) => {
      const builder = Biscuit.builder();
      const until = new Date(exp * 1000).toISOString();
      builder.addCode(`subject("${sub}"); key("${jti}"); check if time($now), $now < ${until};`);
      builder.addCode(scopes.map((scope) => `scope("${scope}");`).join(" "));
      return builder.build(by.getPrivateKey()).toBase64();
    };
    // Parsed once: what does not change from one verification to the next.
    const policy = Policy.fromString(`allow if scope("${ASKED}")`);
    const claims = Rule.fromString("claims($sub, $jti) <- subject($sub), key($jti)");
    return {
      tokens: good.map((each) => made(each)),
      refused: { forged: made(good[0], pair()), expired: made(expired), unscoped: made(unscoped) },
      verify(token) {
        const biscuit = Biscuit.fromBase64(token, publicKey);
        const builder = new AuthorizerBuilder();
        builder.addCode(`time(${new Date().toISOString()});`);
        builder.addPolicy(policy);
        const authorizer = builder.buildAuthenticated(biscuit);
        try {
          authorizer.authorizeWithLimits(LIMITS);
          const [fact] = authorizer.queryWithLimits(claims, LIMITS);
          const [sub, jti] = fact.terms();
          fact.free();
          return { sub, jti };
        } finally {
          // wasm's memory is the caller's to give back.
          authorizer.free();
          biscuit.free();
        }
      },
    };
  },
};
