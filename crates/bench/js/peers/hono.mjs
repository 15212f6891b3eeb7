import { sign, verify } from "hono/jwt";
import { allowed, jwtClaims } from "../claims.mjs";

export default {
  id: "peer.hono",
  what: "hono/jwt, HS256",
  package: "hono",
  async prepare({ good, expired, unscoped }, secret) {
    const key = secret().toString("base64url");
    const signed = (claims, by = key) => sign(jwtClaims(claims), by, "HS256");
    return {
      tokens: await Promise.all(good.map((claims) => signed(claims))),
      refused: {
        forged: await signed(good[0], secret().toString("base64url")),
        expired: await signed(expired),
        unscoped: await signed(unscoped),
      },
      verify: async (token) => allowed(await verify(token, key, "HS256")),
    };
  },
};
