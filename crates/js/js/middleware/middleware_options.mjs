// What a middleware is told when it is made: looked through once, so that a mistake shows at start-up.

import { OptionError } from "../errors.mjs";
import { known } from "../options.mjs";

/** The options of one middleware. */
export class MiddlewareOptions {
  /** The same for every request. */
  constant;
  /** Booleans that this kind of middleware alone has, by name. */
  flags;
  #address;
  #requestId;

  /** `what`: whose they are; `flags`: names of booleans that it alone has. */
  constructor(options, what, flags = []) {
    known(options, [...FLAGS, ...FUNCTIONS, ...flags], what);
    // What somebody has put on every object was told by nobody.
    const own = { __proto__: null, ...options };
    for (const name of [...FLAGS, ...flags]) {
      if (!["undefined", "boolean"].includes(typeof own[name])) throw new OptionError("invalid_option", `${what}: ${name} is true or false`);
    }
    for (const name of FUNCTIONS) {
      if (!["undefined", "function"].includes(typeof own[name])) throw new OptionError("invalid_option", `${what}: ${name} is a function: what is constant would be every request's`);
    }
    const { any, strict, waitUntil, address, requestId } = own;
    this.constant = Object.freeze({ any, strict, waitUntil, address: undefined, requestId: undefined });
    this.flags = Object.fromEntries(flags.map((name) => [name, own[name] ?? false]));
    this.#address = address;
    this.#requestId = requestId;
  }

  /** Those of one verification. `waitUntil`: what the request brings; `asked`: what `address` and `requestId` are given. */
  of(waitUntil, ...asked) {
    const { constant } = this;
    if (waitUntil === undefined && this.#address === undefined && this.#requestId === undefined) return constant;
    const { any, strict } = constant;
    // Whoever says how the address is found has the last word: where it is none, it is not known.
    const address = this.#address === undefined ? undefined : (this.#address(...asked) ?? "");
    const requestId = this.#requestId?.(...asked) ?? undefined;
    return { any, strict, waitUntil: constant.waitUntil ?? waitUntil, address, requestId };
  }
}

/** Scopes as they are now: nobody's later change to a list is a route's. */
export function fixed(scopes) {
  return Array.isArray(scopes) ? Object.freeze(Array.from(scopes)) : scopes;
}

/** Gives a handler back; throws `OptionError` for one that cannot be called: whoever left it out meant `wardkey/hono` or `wardkey/express`. */
export function handlerOf(handler) {
  if (typeof handler !== "function") throw new OptionError("invalid_option", "protect: the handler is a function");
  return handler;
}

const FLAGS = ["any", "strict"];
const FUNCTIONS = ["address", "requestId", "waitUntil"];
