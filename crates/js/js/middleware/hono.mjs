// For Hono: the decision is `c.get("wardkey")`, its subject and key id `c.get("subject")` and `c.get("keyId")`.

import { LazyVerifier } from "./lazy_verifier.mjs";
import { MiddlewareOptions } from "./middleware_options.mjs";
import { ROTATE_BY, rotateByDate } from "./rotate_by.mjs";

/** Middleware that lets through what is allowed. `given`: options, a verifier, or a function of Hono's context that gives either. */
export function wardkey(given, scopes, options = {}) {
  const asked = new MiddlewareOptions(options, "wardkey");
  const verifier = LazyVerifier.of(given);
  verifier.requires(scopes, asked.constant);
  return async (c, next) => {
    const those = asked.of(waitUntilOf(c), c);
    const decision = await verifier.decision(c, (made) => made.decided(c.req.raw, scopes, those), those.waitUntil);
    if (!decision.allowed) return decision.response();
    c.set("wardkey", decision);
    c.set("subject", decision.subject);
    c.set("keyId", decision.keyId);
    await next();
    const date = rotateByDate(decision);
    // WHY only now: what a handler gives as a whole response would have none.
    if (date !== undefined) c.header(ROTATE_BY, date);
  };
}

/** Hono throws for an execution context that there is none of, as on Node. */
function waitUntilOf(c) {
  try {
    const { executionCtx } = c;
    return (promise) => executionCtx.waitUntil(promise);
  } catch {
    return undefined;
  }
}
