// A row made ready, and shown to tell good from bad before it is measured.

import { allClaims, secret } from "./claims.mjs";

/** Prepares a row; throws where it does not do the job. */
export async function prepared(row, fixture) {
  const claims = allClaims();
  const { tokens, verify, refused } = await row.prepare(claims, secret, fixture);
  if (refused) await check(row, claims, { tokens, verify, refused });
  if (tokens.length & (tokens.length - 1)) throw new Error(`${row.id}: the number of keys is no power of two`);
  const isAsync = verify(tokens[0]) instanceof Promise;
  return { tokens, verify, isAsync };
}

async function check(row, { good }, { tokens, verify, refused }) {
  for (const [number, token] of tokens.entries()) {
    const found = await verify(token);
    const { sub, jti } = good[number];
    if (found?.sub !== sub || found?.jti !== jti) throw new Error(`${row.id}: a good key is not what it was made as`);
  }
  for (const wrong of ["forged", "expired", "unscoped"]) {
    if (typeof refused[wrong] !== "string") throw new Error(`${row.id}: no ${wrong} key to try`);
    if (await passes(verify, refused[wrong])) throw new Error(`${row.id}: the ${wrong} key is not refused`);
  }
}

async function passes(verify, token) {
  try {
    return Boolean(await verify(token));
  } catch {
    return false;
  }
}

/** Verifies so many keys, one after the other; asynchronous ones are awaited one by one, as they are used. */
export async function times({ tokens, verify, isAsync }, count) {
  const mask = tokens.length - 1;
  let last;
  if (isAsync) for (let n = 0; n < count; n += 1) last = await verify(tokens[n & mask]);
  else for (let n = 0; n < count; n += 1) last = verify(tokens[n & mask]);
  return last;
}
