// For Node's own server, by http, https or http2: the decision is `req.auth`.

import { handlerOf, MiddlewareOptions } from "./middleware_options.mjs";
import { NodeGuard } from "./node_guard.mjs";

/** Puts a verifier before a handler `(req, res) => …`. Whoever is not allowed, or cannot be judged, never reaches it. */
export function protect(given, scopes, handler, options = {}) {
  handlerOf(handler);
  const guard = new NodeGuard(given, scopes, new MiddlewareOptions(options, "protect"));
  return async (req, res) => {
    if (await guard.admits(req, res)) await handler(req, res);
  };
}
