// For everything that answers a Fetch request: Workers, Deno, Bun, service workers of a server.

import { Decision } from "../verifier/decision.mjs";
import { lazily, NO_VERIFIER } from "./lazy_verifier.mjs";

/**
 * Puts a verifier before a handler, which gets the decision as its last argument: `handler(request, env, context, decision)` in
 * Workers, `handler(request, decision)` where only the request is handed in. Whoever is not allowed never reaches it.
 */
export function protect(given, scopes, handler, options = {}) {
  const verifier = lazily(given);
  return async (request, ...rest) => {
    const [env, context] = rest;
    const waitUntil = context?.waitUntil?.bind(context);
    const decision = await decided(() => verifier(env), (found) => found.authorize(request, scopes, { waitUntil, ...options }));
    return decision.allowed ? handler(request, ...rest, decision) : decision.response();
  };
}

/** A decision, also where there is no verifier yet. */
export async function decided(verifier, judge) {
  let found;
  try {
    found = await verifier();
  } catch (error) {
    console.error(`wardkey: no verifier: ${error?.code ?? error?.message}`);
    return new Decision("deny", NO_VERIFIER);
  }
  return judge(found);
}
