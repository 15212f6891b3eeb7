// Every row of JavaScript. A row is a file's default export, or several of them:
//
//   id       the row's name behind its environment
//   what     a line for people
//   package  the npm package whose version is told; none for what the runtime brings
//   base     the row that its ratio is to; the unit unless it says otherwise, and none where it is null
//   unit     "ns" unless it says "ms"
//   only     the one runtime that it is for, "node" or "workerd"; both unless it says
//   prepare  (claims, secret, fixture) → { tokens, verify, refused? }, or a promise of it; `fixture` is ours (src/fixture.rs)
//
// `verify` takes one of `tokens` and returns the claims with `sub` and `jti`, or a promise of them; for what it refuses it
// throws, or returns nothing. `refused` holds texts that it must refuse: forged, expired and without the scope. Rows without
// `refused` are no verification: bare MACs, starts.

import biscuit from "./peers/biscuit.mjs";
import biscuitStart from "./peers/biscuit_start.mjs";
import createHmac from "./peers/create_hmac.mjs";
import fastJwt from "./peers/fast_jwt.mjs";
import hashedMap from "./peers/hashed_map.mjs";
import hono from "./peers/hono.mjs";
import jose from "./peers/jose.mjs";
import jsonwebtoken from "./peers/jsonwebtoken.mjs";
import macaroons from "./peers/macaroons.mjs";
import wardkey from "./peers/wardkey.mjs";
import wardkeyPackage from "./peers/wardkey_package.mjs";
import webcrypto from "./peers/webcrypto.mjs";

/** The rows of a runtime. */
export const rowsOf = (runtime) => ROWS.filter(({ only }) => only === undefined || only === runtime);

const ROWS = [
  createHmac, wardkey, wardkeyPackage, webcrypto, hashedMap, fastJwt, jsonwebtoken, jose, hono, macaroons, biscuit, biscuitStart,
].flat();
