import type { IncomingMessage, ServerResponse } from "node:http";
import type { Decision } from "../index.mjs";
import type { Given, MiddlewareOptions } from "./fetch.mjs";

/** A request that was let through. */
export type Authorized<Request = IncomingMessage> = Request & { auth: Decision };

export interface ExpressOptions extends MiddlewareOptions<[req: any]> {
  /**
   * Whether an error of judging goes to Express's error handlers, by `next(error)`. Default false: it is answered with 500
   * (`verifier_failed`) and said on the console. Whoever calls the middleware by hand leaves it: a `next` that does not look at what it is given would let everybody in.
   */
  errorsToNext?: boolean;
}

/** Middleware for Express: `req.auth` is the decision. Throws `OptionError` for a scope that the verifier's audience does not have. */
export declare function wardkey(given: Given<any>, scopes: string | string[], options?: ExpressOptions): (req: any, res: ServerResponse, next: (error?: unknown) => void) => Promise<void>;
