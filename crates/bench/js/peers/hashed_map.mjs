// What servers with hashed keys do at best: SHA-256 and a look-up, here in a Map in the same process. Most ask a database instead.

import * as nodeCrypto from "node:crypto";
import { ASKED } from "../claims.mjs";

const { createHash, hash, randomBytes } = nodeCrypto;

// The faster way, where there is one.
const digest =
  typeof hash === "function"
    ? (token) => hash("sha256", token, "base64")
    : (token) => createHash("sha256").update(token).digest("base64");

export default {
  id: "peer.hashed_map",
  what: "SHA-256 and a look-up in a local Map of 100,000 random keys",
  prepare({ good, expired, unscoped }) {
    const records = new Map();
    const made = (claims) => {
      const token = `wk_live_${randomBytes(32).toString("base64url")}`;
      records.set(digest(token), { ...claims, scopes: new Set(claims.scopes) });
      return token;
    };
    for (let number = 0; number < 100_000; number += 1) made(good[0]);
    return {
      tokens: good.map(made),
      refused: {
        forged: `wk_live_${randomBytes(32).toString("base64url")}`,
        expired: made(expired),
        unscoped: made(unscoped),
      },
      verify(token) {
        const record = records.get(digest(token));
        return record !== undefined && record.exp * 1000 > Date.now() && record.scopes.has(ASKED) ? record : undefined;
      },
    };
  },
};
