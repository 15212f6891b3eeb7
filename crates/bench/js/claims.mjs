// What every key says, ours and the peers': subject, key id, eight scopes, expiry. Each verification asks for one of
// the eight. The secrets are drawn anew in each process.

import { randomBytes } from "node:crypto";

/** Different keys that a row goes round: no engine gets to remember the one string. */
const KEYS = 64;

/** The scope that each verification asks for. */
export const ASKED = "reports:read";

const SCOPES = [
  "accounts:read", "accounts:write", "invoices:read", "invoices:write",
  "payouts:list", "reports:list", ASKED, "status:read",
];

/**
 * The claims of the keys that are good, of one that has expired, and of one that lacks the scope.
 */
export function allClaims(nowSeconds = Math.floor(Date.now() / 1000)) {
  const claims = (number, changes) => ({
    sub: `svc:billing-${String(number).padStart(2, "0")}`,
    jti: `key_${number.toString(16).padStart(16, "0")}`,
    scopes: SCOPES,
    iat: nowSeconds - 3600,
    exp: nowSeconds + 86_400,
    ...changes,
  });
  return {
    good: Array.from({ length: KEYS }, (_, number) => claims(number, {})),
    expired: claims(90, { exp: nowSeconds - 60 }),
    unscoped: claims(91, { scopes: SCOPES.filter((scope) => scope !== ASKED) }),
  };
}

/** A secret for HMAC-SHA-256. */
export const secret = () => randomBytes(32);

/** The claims as a JWT has them: scopes in one string, as RFC 9068 says. */
export const jwtClaims = ({ sub, jti, scopes, iat, exp }) => ({ sub, jti, scope: scopes.join(" "), iat, exp });

/** The claims of a JWT that its library has verified, if they hold the scope that is asked. */
export const allowed = (claims) => (claims.scope.split(" ").includes(ASKED) ? claims : undefined);
