// For Hono: the decision is `c.get("wardkey")`, its subject and key id `c.get("subject")` and `c.get("keyId")`.

import { decided } from "./fetch.mjs";
import { lazily } from "./lazy_verifier.mjs";

/** Middleware that lets through what is allowed. `given`: options, a verifier, or a function of Hono's context that gives either. */
export function wardkey(given, scopes, options = {}) {
  const verifier = lazily(given);
  return async (c, next) => {
    const waitUntil = waitUntilOf(c);
    const decision = await decided(() => verifier(c), (found) => found.authorize(c.req.raw, scopes, { waitUntil, ...options }));
    if (!decision.allowed) return decision.response();
    c.set("wardkey", decision);
    c.set("subject", decision.subject);
    c.set("keyId", decision.keyId);
    await next();
  };
}

/** Hono throws for an execution context that there is none of, as on Node. */
function waitUntilOf(c) {
  try {
    const { executionCtx } = c;
    return executionCtx.waitUntil.bind(executionCtx);
  } catch {
    return undefined;
  }
}
