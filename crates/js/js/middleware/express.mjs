// For Express: the decision is `req.auth`. Node's own server is protected by node.mjs.

import { MiddlewareOptions } from "./middleware_options.mjs";
import { NodeGuard } from "./node_guard.mjs";

/**
 * Middleware that lets through what is allowed; `next` is called for nobody else. `address`: how the caller's address is found, such
 * as `(req) => req.ip`, which is what Express makes of its setting `trust proxy`.
 */
export function wardkey(given, scopes, options = {}) {
  const told = new MiddlewareOptions(options, "wardkey", ["errorsToNext"]);
  const guard = new NodeGuard(given, scopes, told);
  const { errorsToNext } = told.flags;
  return async (req, res, next) => {
    if (await guard.admits(req, res, errorsToNext ? next : undefined)) next();
  };
}
