import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Authorized } from "./express.mjs";
import type { Given, MiddlewareOptions } from "./fetch.mjs";

export type { Authorized } from "./express.mjs";

/**
 * Puts a verifier before a handler of `node:http` or `node:http2`; in it `req.auth` is the decision. Whoever is not allowed never reaches it, nor
 * whoever could not be judged (500, `verifier_failed`). Throws `OptionError` for a scope that the verifier's audience does not have.
 */
export declare function protect<Request extends IncomingMessage | Http2ServerRequest = IncomingMessage, Response extends ServerResponse | Http2ServerResponse = ServerResponse>(
  given: Given<any>,
  scopes: string | string[],
  handler: (req: Authorized<Request>, res: Response) => unknown,
  options?: MiddlewareOptions<[req: Request]>,
): (req: Request, res: Response) => Promise<void>;
