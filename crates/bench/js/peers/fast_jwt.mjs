import { createSigner, createVerifier } from "fast-jwt";
import { allowed, jwtClaims } from "../claims.mjs";

const peer = (id, what, cache) => ({
  id,
  what,
  package: "fast-jwt",
  prepare({ good, expired, unscoped }, secret) {
    const key = secret();
    const sign = createSigner({ algorithm: "HS256", key });
    const check = createVerifier({ algorithms: ["HS256"], key, cache });
    return {
      tokens: good.map((claims) => sign(jwtClaims(claims))),
      refused: {
        forged: createSigner({ algorithm: "HS256", key: secret() })(jwtClaims(good[0])),
        expired: sign(jwtClaims(expired)),
        unscoped: sign(jwtClaims(unscoped)),
      },
      verify: (token) => allowed(check(token)),
    };
  },
});

export default [
  peer("peer.fast_jwt", "fast-jwt, HS256, its cache off", false),
  peer("peer.fast_jwt_cached", "fast-jwt, HS256, every key in its cache", true),
];
