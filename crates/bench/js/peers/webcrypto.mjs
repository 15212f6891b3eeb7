// A bare HMAC by WebCrypto: no key is parsed, nothing is judged.

import { randomBytes } from "node:crypto";
import { secret } from "../claims.mjs";

export default {
  id: "peer.webcrypto",
  what: "WebCrypto HMAC, subtle.verify over 128 bytes: the bare MAC",
  async prepare() {
    const { subtle } = globalThis.crypto;
    const key = await subtle.importKey("raw", secret(), { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
    const messages = Array.from({ length: 64 }, () => randomBytes(128));
    const tokens = await Promise.all(
      messages.map(async (message) => ({ message, tag: await subtle.sign("HMAC", key, message) })),
    );
    return { tokens, verify: ({ message, tag }) => subtle.verify("HMAC", key, tag, message) };
  },
};
