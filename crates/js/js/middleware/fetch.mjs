// For everything that answers a Fetch request: Workers, Deno, Bun.

import { LazyVerifier } from "./lazy_verifier.mjs";
import { fixed, handlerOf, MiddlewareOptions } from "./middleware_options.mjs";
import { withRotateBy } from "./rotate_by.mjs";

/**
 * Puts a verifier before a handler: `handler(request, decision, ...rest)`, where the rest is what this runtime hands in beside the
 * request (in Workers `env` and `context`). Whoever is not allowed never reaches it.
 */
export function protect(given, scopes, handler, options = {}) {
  handlerOf(handler);
  const asked = new MiddlewareOptions(options, "protect");
  const verifier = LazyVerifier.of(given);
  const wanted = fixed(scopes);
  verifier.requires(wanted, asked.constant);
  return async (request, ...rest) => {
    const [env, context] = rest;
    const waitUntil = context?.waitUntil === undefined ? undefined : (promise) => context.waitUntil(promise);
    const those = asked.of(waitUntil, request, ...rest);
    // Only what is the same for every request: a verifier is one tenant's, and everybody's.
    const found = verifier.decision(waitUntil === undefined ? undefined : env, (made) => made.decided(request, wanted, those), those.waitUntil);
    const decision = found instanceof Promise ? await found : found;
    if (!decision.allowed) return decision.response();
    if (decision.rotateBy === undefined) return handler(request, decision, ...rest);
    return withRotateBy(await handler(request, decision, ...rest), decision);
  };
}
