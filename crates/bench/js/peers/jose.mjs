import { generateKeyPair, importJWK, exportJWK, jwtVerify, SignJWT } from "jose";
import { allowed, jwtClaims } from "../claims.mjs";

const peer = (id, what, algorithm, keys) => ({
  id,
  what,
  package: "jose",
  async prepare({ good, expired, unscoped }, secret) {
    const { signing, verifying, another } = await keys(secret);
    const signed = (claims, key = signing) =>
      new SignJWT(jwtClaims(claims)).setProtectedHeader({ alg: algorithm, typ: "JWT" }).sign(key);
    const options = { algorithms: [algorithm] };
    return {
      tokens: await Promise.all(good.map((claims) => signed(claims))),
      refused: {
        forged: await signed(good[0], another),
        expired: await signed(expired),
        unscoped: await signed(unscoped),
      },
      verify: async (token) => allowed((await jwtVerify(token, verifying, options)).payload),
    };
  },
});

async function hmacKey(bytes) {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign", "verify"]);
}

export default [
  peer("peer.jose", "jose, jwtVerify, HS256", "HS256", async (secret) => {
    const key = await hmacKey(secret());
    return { signing: key, verifying: key, another: await hmacKey(secret()) };
  }),
  peer("peer.jose_eddsa", "jose, jwtVerify, EdDSA: a verifier that cannot mint", "EdDSA", async () => {
    const pair = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
    const verifying = await importJWK(await exportJWK(pair.publicKey), "EdDSA");
    const another = await generateKeyPair("EdDSA", { crv: "Ed25519" });
    return { signing: pair.privateKey, verifying, another: another.privateKey };
  }),
];
