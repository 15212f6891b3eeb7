// For everything that answers a Fetch request: Workers, Deno, Bun.

import { LazyVerifier } from "./lazy_verifier.mjs";
import { handlerOf, MiddlewareOptions } from "./middleware_options.mjs";
import { withRotateBy } from "./rotate_by.mjs";

/**
 * Puts a verifier before a handler: `handler(request, decision, ...rest)`, where the rest is what this runtime hands in beside the
 * request (in Workers `env` and `context`). Whoever is not allowed never reaches it.
 */
export function protect(given, scopes, handler, options = {}) {
  handlerOf(handler);
  const asked = new MiddlewareOptions(options, "protect");
  const verifier = LazyVerifier.of(given);
  verifier.requires(scopes, asked.constant);
  return async (request, ...rest) => {
    const [env, context] = rest;
    const waitUntil = context?.waitUntil === undefined ? undefined : (promise) => context.waitUntil(promise);
    const those = asked.of(waitUntil, request, ...rest);
    const found = verifier.decision(env, (made) => made.decided(request, scopes, those), those.waitUntil);
    const decision = found instanceof Promise ? await found : found;
    if (!decision.allowed) return decision.response();
    if (decision.rotateBy === undefined) return handler(request, decision, ...rest);
    return withRotateBy(await handler(request, decision, ...rest), decision);
  };
}
