// What calls need: each set of scopes is looked up once and has a number in the module.

import { OptionError } from "../errors.mjs";
import { listed } from "../options.mjs";

/** Throws `OptionError` for what is no scope, whatever the audience: one, or a list of them. */
export function checkScopes(scopes) {
  if (typeof scopes !== "string" && !Array.isArray(scopes)) throw new OptionError("scope_malformed", "a call needs one scope or a list of them");
  const list = typeof scopes === "string" ? [scopes] : scopes;
  if (list.length === 0) throw new OptionError("scope_malformed", "a call needs one scope at least");
  // Not by `some`, which leaves out what an array has holes for.
  for (const scope of list) if (typeof scope !== "string" || !SCOPE.test(scope)) throw new OptionError("scope_malformed", "a scope is written as `resource:action`");
}

/** The requirements of one instance. */
export class Requirements {
  #instance;
  #numbers = new Map();
  /** Of one scope, the usual case. */
  #usual = new Map();
  #catalog;

  /** `catalog`: gives the names of the scopes that there are. */
  constructor(instance, catalog) {
    this.#instance = instance;
    this.#catalog = catalog;
  }

  /** The number of a requirement: one scope, or all of several, or any of them. Throws `OptionError` for an unknown one. */
  number(scopes, any, strict) {
    if (!any && !strict && typeof scopes === "string") {
      const usual = this.#usual.get(scopes);
      if (usual !== undefined) return usual;
    }
    if (typeof scopes !== "string" && !Array.isArray(scopes)) checkScopes(scopes);
    const names = typeof scopes === "string" ? scopes : scopes.join(" ");
    const name = MODES[(any ? 1 : 0) + (strict ? 2 : 0)] + names;
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    checkScopes(scopes);
    const number = this.#required([scopes].flat(), { any, strict });
    if (number === NONE) return NONE;
    // The same ones in another order, or twice, are not worth a place.
    if (this.#numbers.size < MOST) this.#numbers.set(name, number);
    if (!any && !strict && typeof scopes === "string") this.#usual.set(scopes, number);
    return number;
  }

  #required(scopes, modes) {
    try {
      return this.#instance.require(scopes, modes);
    } catch (error) {
      const known = [...this.#catalog()];
      const unknown = scopes.find((scope) => !known.includes(scope));
      if (error?.code !== "unknown_scope" || unknown === undefined) throw error;
      throw new OptionError("unknown_scope", `"${unknown.slice(0, MAX_NAME_LEN)}" is no scope of this audience; there are ${listed(known)}`);
    }
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
const MAX_NAME_LEN = 64;
const MODES = ["all ", "any ", "strict all ", "strict any "];
const SCOPE = /^[a-z0-9][a-z0-9._-]*:[a-z0-9][a-z0-9._-]*$/;
