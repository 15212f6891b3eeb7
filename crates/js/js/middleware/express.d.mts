import type { IncomingMessage, ServerResponse } from "node:http";
import type { Decision, VerifyOptions } from "../index.mjs";
import type { Given } from "./fetch.mjs";

/** A request that was let through. */
export type Authorized<Request = IncomingMessage> = Request & { auth: Decision };

/** Middleware for Express and for Node's own server: `req.auth` is the decision. */
export declare function wardkey(
  given: Given<IncomingMessage>,
  scopes: string | string[],
  options?: Omit<VerifyOptions, "address"> & {
    /** Where the caller's address is known from. Default `req.ip`, which obeys Express's `trust proxy`, or the socket's. */
    address?: (req: any) => string | undefined;
  },
): (req: any, res: ServerResponse, next: (error?: unknown) => void) => Promise<void>;
