// For Hono: the decision is `c.get("wardkey")`, its subject and key id `c.get("subject")` and `c.get("keyId")`.

import { LazyVerifier } from "./lazy_verifier.mjs";
import { fixed, MiddlewareOptions } from "./middleware_options.mjs";
import { ROTATE_BY, rotateByDate } from "./rotate_by.mjs";

/** Middleware that lets through what is allowed. `given`: options, a verifier, or a function of `{ env }` that gives either. */
export function wardkey(given, scopes, options = {}) {
  const asked = new MiddlewareOptions(options, "wardkey");
  const verifier = LazyVerifier.of(given);
  const wanted = fixed(scopes);
  verifier.requires(wanted, asked.constant);
  const contexts = new Contexts();
  return async (c, next) => {
    const those = asked.of(contexts.waitUntil(c), c);
    const decision = await verifier.decision({ env: c.env }, (made) => made.decided(c.req.raw, wanted, those), those.waitUntil);
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

/** Execution contexts, which Workers have and Node has not. */
class Contexts {
  #hasNone = false;

  waitUntil(c) {
    if (this.#hasNone) return undefined;
    try {
      const { executionCtx } = c;
      return (promise) => executionCtx.waitUntil(promise);
    } catch {
      // Hono throws where there is none: an error for each request would be dearer than the verification.
      this.#hasNone = true;
      return undefined;
    }
  }
}
