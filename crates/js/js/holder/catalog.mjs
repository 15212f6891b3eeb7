// Scope numbers by name. A key holds numbers, and only its audience's catalog says what they are called.

import { OptionError } from "../errors.mjs";
import { listed } from "../options.mjs";

/** The numbers of scopes that are given as numbers or, with a catalog, as names. */
export function scopeNumbers(scopes, catalog) {
  if (!Array.isArray(scopes)) throw new OptionError("invalid_option", "scopes: an array of numbers, or of names beside a catalog");
  let named;
  // WHY not `map`: a hole is no element to it, and would be scope 0 to who writes bits.
  return Array.from(scopes, (scope) => {
    if (typeof scope === "number") return number(scope, "scopes");
    if (typeof scope !== "string") throw new OptionError("invalid_option", "scopes: numbers or names");
    if (catalog === undefined) throw new OptionError("catalog_needed", "scopes by name take a catalog: a key holds numbers only");
    named ??= numbersByName(catalog);
    if (!named.has(scope)) throw unknown(scope, named);
    return named.get(scope);
  });
}

function unknown(scope, named) {
  // What is no scope's name is not told: it may be a key that was passed by mistake.
  const name = NAME.test(scope) ? `"${scope}"` : "a name";
  const known = [...named.keys()].filter((each) => NAME.test(each));
  return new OptionError("unknown_scope", `scopes: ${name} is not in the catalog; there are ${known.length === 0 ? "none" : listed(known)}`);
}

const NAME = /^[a-z0-9._-]{1,31}:[a-z0-9._-]{1,31}$/;

/** A policy's `audiences[].scopes`, an object or a `Map` from name to number. */
function numbersByName(catalog) {
  const entries = () => {
    if (catalog instanceof Map) return [...catalog];
    if (Array.isArray(catalog)) return Array.from(catalog, (scope) => [scope?.name, scope?.number]);
    if (catalog !== null && typeof catalog === "object") return Object.entries(catalog);
    throw new OptionError("invalid_option", "catalog: an object or a Map from name to number, or an array of { name, number }");
  };
  const named = new Map();
  for (const [name, each] of entries()) {
    if (typeof name !== "string" || named.has(name)) throw new OptionError("invalid_option", "catalog: each scope has a name of its own");
    named.set(name, number(each, "catalog"));
  }
  return named;
}

function number(value, option) {
  if (!Number.isInteger(value) || value < 0 || value > 255) throw new OptionError("invalid_option", `${option}: a scope's number is 0 to 255`);
  return value;
}
