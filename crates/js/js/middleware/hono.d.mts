import type { Given, MiddlewareOptions } from "./fetch.mjs";

/** Hono's context, as far as it is used: no version of Hono is bound. */
export interface HonoContext {
  env: any;
  req: { raw: Request };
  set(name: string, value: unknown): void;
}

/**
 * Middleware for Hono: `c.get("wardkey")` is the decision, `c.get("subject")` and `c.get("keyId")` are its. Functions among the options are
 * given Hono's context, and `waitUntil` is taken from it.
 */
export declare function wardkey(given: Given<HonoContext>, scopes: string | string[], options?: MiddlewareOptions<[c: any]>): (c: any, next: () => Promise<void>) => Promise<Response | void>;
