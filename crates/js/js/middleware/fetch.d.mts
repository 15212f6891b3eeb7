import type { Decision, Verifier, VerifierOptions } from "../index.mjs";

/**
 * A verifier, its options, or what gives either of what all requests have in common: in Workers `env`, with Hono `{ env }`, elsewhere
 * nothing. It is called once, and is of one tenant. What is given to several middlewares is made once for all of them: hand in the same
 * object or function, not one like it.
 */
export type Given<Context> = Verifier | VerifierOptions | ((context: Context) => Verifier | VerifierOptions | Promise<Verifier | VerifierOptions>);

/** Of one middleware. `Asked`: what its functions are given. An option that is none is refused when the middleware is made. */
export interface MiddlewareOptions<Asked extends unknown[]> {
  /** Whether one of the scopes is enough. Default false: all of them. */
  any?: boolean;
  /** Whether the registry is asked whatever the scopes' risk levels say. Default false. */
  strict?: boolean;
  /**
   * Where the caller's address is known from, for keys that may be used from some networks only. Default:
   * what the verifier's own option `address` finds. Where it gives nothing the address is not known, and such keys are denied. Name a header only if your own proxy sets it.
   */
  address?: (...asked: Asked) => string | null | undefined;
  /** The request's number, for the log. Default none. */
  requestId?: (...asked: Asked) => string | null | undefined;
  /** Keeps a Worker alive for what goes on beside a request. Default: the context's own, where the middleware is given one. */
  waitUntil?: (promise: Promise<unknown>) => void;
}

/**
 * Puts a verifier before a handler, which is given the decision second, and behind it what the runtime hands in beside the request: in
 * Workers `env` and `context`, whose `waitUntil` is used. The response has the header `Wardkey-Rotate-By` where `decision.rotateBy` is known: a copy
 * of what the handler gives, if its headers cannot be changed. Throws `OptionError` for what no verifier can be made of, for no scope, and for no handler.
 */
export declare function protect<Rest extends any[] = any[]>(
  given: Given<any>,
  scopes: string | string[],
  handler: (request: Request, decision: Decision, ...rest: Rest) => Response | Promise<Response>,
  options?: MiddlewareOptions<[request: Request, ...rest: any[]]>,
): (request: Request, ...rest: Rest extends [] ? any[] : Rest) => Promise<Response>;
