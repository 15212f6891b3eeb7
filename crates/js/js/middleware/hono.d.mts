import type { VerifyOptions } from "../index.mjs";
import type { Given } from "./fetch.mjs";

/** Hono's context, as far as it is used: no version of Hono is bound. */
export interface HonoContext {
  env: any;
  req: { raw: Request };
  set(name: string, value: unknown): void;
}

/** Middleware for Hono: `c.get("wardkey")` is the decision, `c.get("subject")` and `c.get("keyId")` are its. */
export declare function wardkey(given: Given<HonoContext>, scopes: string | string[], options?: VerifyOptions): (c: any, next: () => Promise<void>) => Promise<Response | void>;
