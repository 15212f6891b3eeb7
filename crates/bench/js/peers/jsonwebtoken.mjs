import { createSecretKey } from "node:crypto";
import jwt from "jsonwebtoken";
import { allowed, jwtClaims } from "../claims.mjs";

export default {
  id: "peer.jsonwebtoken",
  what: "jsonwebtoken, HS256, with a KeyObject",
  package: "jsonwebtoken",
  prepare({ good, expired, unscoped }, secret) {
    const key = createSecretKey(secret());
    const signed = (claims, by = key) => jwt.sign(jwtClaims(claims), by, { algorithm: "HS256" });
    const options = { algorithms: ["HS256"] };
    return {
      tokens: good.map((claims) => signed(claims)),
      refused: {
        forged: signed(good[0], createSecretKey(secret())),
        expired: signed(expired),
        unscoped: signed(unscoped),
      },
      verify: (token) => allowed(jwt.verify(token, key, options)),
    };
  },
};
