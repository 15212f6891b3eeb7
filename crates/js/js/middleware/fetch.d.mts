import type { Decision, Verifier, VerifierOptions, VerifyOptions } from "../index.mjs";

/** A verifier, its options, or what gives either of what the first request brings (in Workers its `env`). */
export type Given<Context> = Verifier | VerifierOptions | ((context: Context) => Verifier | VerifierOptions | Promise<Verifier | VerifierOptions>);

/** Puts a verifier before a Worker's handler. */
export declare function protect<Env, Context extends { waitUntil(promise: Promise<unknown>): void }>(
  given: Given<Env>,
  scopes: string | string[],
  handler: (request: Request, env: Env, context: Context, decision: Decision) => Response | Promise<Response>,
  options?: VerifyOptions,
): (request: Request, env: Env, context: Context) => Promise<Response>;
/** Puts a verifier before a handler of requests. */
export declare function protect(
  given: Given<undefined>,
  scopes: string | string[],
  handler: (request: Request, decision: Decision) => Response | Promise<Response>,
  options?: VerifyOptions,
): (request: Request) => Promise<Response>;
