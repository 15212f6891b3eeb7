// For everything that answers a Fetch request: Workers, Deno, Bun.

import { LazyVerifier } from "./lazy_verifier.mjs";

/**
 * Puts a verifier before a handler, which gets the decision as its last argument: `handler(request, env, context, decision)` in
 * Workers, `handler(request, decision)` where only the request is handed in. Whoever is not allowed never reaches it.
 */
export function protect(given, scopes, handler, options = {}) {
  const verifier = new LazyVerifier(given);
  return async (request, ...rest) => {
    const [env, context] = rest;
    const asked = context?.waitUntil === undefined ? options : { waitUntil: (promise) => context.waitUntil(promise), ...options };
    const found = verifier.decision(env, (made) => made.decided(request, scopes, asked));
    const decision = found instanceof Promise ? await found : found;
    return decision.allowed ? handler(request, ...rest, decision) : decision.response();
  };
}
