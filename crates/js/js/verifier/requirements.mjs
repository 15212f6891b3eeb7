// What calls need: each set of scopes is looked up once and has a number in the module.

import { OptionError } from "../errors.mjs";

/** The requirements of one instance. */
export class Requirements {
  #instance;
  #numbers = new Map();
  /** Of one scope, the usual case. */
  #usual = new Map();

  constructor(instance) {
    this.#instance = instance;
  }

  /** The number of a requirement: one scope, or all of several, or any of them. Throws `OptionError` for an unknown one. */
  number(scopes, any, strict) {
    if (!any && !strict && typeof scopes === "string") {
      const usual = this.#usual.get(scopes);
      if (usual !== undefined) return usual;
    }
    if (typeof scopes !== "string" && !Array.isArray(scopes)) throw new OptionError("scope_malformed", "a call needs one scope or a list of them");
    const names = typeof scopes === "string" ? scopes : scopes.join(" ");
    const name = MODES[(any ? 1 : 0) + (strict ? 2 : 0)] + names;
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const list = typeof scopes === "string" ? [scopes] : scopes;
    // Not by `some`, which leaves out what an array has holes for.
    for (const scope of list) if (typeof scope !== "string" || !SCOPE.test(scope)) throw new OptionError("scope_malformed", "a scope is written as `resource:action`");
    const number = this.#instance.require(list, { any, strict });
    if (number === NONE) return NONE;
    // The same ones in another order, or twice, are not worth a place.
    if (this.#numbers.size < MOST) this.#numbers.set(name, number);
    if (!any && !strict && typeof scopes === "string") this.#usual.set(scopes, number);
    return number;
  }

  /** After a newer key set: numbers mean nothing any more. */
  forget() {
    this.#numbers.clear();
    this.#usual.clear();
  }
}

/** No key set: `verify` says so. */
const NONE = 0;
const MOST = 512;
const MODES = ["all ", "any ", "strict all ", "strict any "];
const SCOPE = /^[a-z0-9][a-z0-9._-]*:[a-z0-9][a-z0-9._-]*$/;
