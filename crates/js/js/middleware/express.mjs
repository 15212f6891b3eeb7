// For Express, and whatever else hands on Node's request and response: the decision is `req.auth`.

import { LazyVerifier } from "./lazy_verifier.mjs";

/**
 * Middleware that lets through what is allowed. `address`: how the caller's address is found; `req.ip` is what Express makes of
 * its setting `trust proxy`.
 */
export function wardkey(given, scopes, { address = (req) => req.ip ?? req.socket?.remoteAddress, ...options } = {}) {
  const verifier = new LazyVerifier(given);
  return async (req, res, next) => {
    try {
      const judge = (found) => found.authorizeHeaders(req.originalUrl ?? req.url, (name) => header(req, name), scopes, { address: address(req), ...options });
      const decision = await verifier.decision(req, judge);
      if (decision.allowed) {
        req.auth = decision;
        next();
        return;
      }
      const { status, headers, body } = decision.problem();
      res.writeHead(status, headers);
      res.end(body);
    } catch (error) {
      next(error);
    }
  };
}

/** All values of a header, as they came: `req.headers` drops a second `Authorization`. */
function header({ rawHeaders }, name) {
  const values = rawHeaders.filter((_, place) => place % 2 === 1 && rawHeaders[place - 1].toLowerCase() === name.toLowerCase());
  return values.length === 0 ? undefined : values.join(", ");
}
