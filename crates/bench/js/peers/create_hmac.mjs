// The unit of every ratio: what node:crypto takes for one HMAC, with its key set up before. No key is parsed, nothing is judged.

import { createHmac, createSecretKey, randomBytes } from "node:crypto";
import { secret } from "../claims.mjs";

export default {
  id: "unit",
  what: "createHmac (node:crypto) with a KeyObject over 128 bytes: the unit",
  prepare() {
    const key = createSecretKey(secret());
    return {
      tokens: Array.from({ length: 64 }, () => randomBytes(128)),
      verify: (message) => createHmac("sha256", key).update(message).digest(),
    };
  },
};
