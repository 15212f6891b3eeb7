import type { Given, MiddlewareOptions } from "./fetch.mjs";

/** Of Hono's context only what is the same for every request: a verifier is one tenant's, and everybody's. */
export interface HonoEnvironment {
  env: any;
}

/**
 * Middleware for Hono: `c.get("wardkey")` is the decision, `c.get("subject")` and `c.get("keyId")` are its. Functions among the options are
 * given Hono's context, and `waitUntil` is taken from it.
 */
export declare function wardkey(given: Given<HonoEnvironment>, scopes: string | string[], options?: MiddlewareOptions<[c: any]>): (c: any, next: () => Promise<void>) => Promise<Response | void>;
