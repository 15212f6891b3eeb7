// Narrowing: whoever holds a key takes something away from it, offline, and hands on what is left.

import { NarrowingError, OptionError } from "../errors.mjs";
import { known } from "../options.mjs";
import { scopeNumbers } from "./catalog.mjs";
import { inspect } from "./inspect.mjs";
import { narrowed } from "./instance.mjs";
import { secondsFrom, unixSeconds } from "./seconds.mjs";
import { keyText, words } from "./text.mjs";

const OPTIONS = ["scopes", "catalog", "expiresIn", "expiresAt", "notBefore", "cidr", "now"];

/** Gives a key that may do what `key` may, less what the options take away. */
export function narrow(key, options = {}) {
  keyText(key);
  // A misspelt option would hand on more than was meant.
  const { scopes, catalog, expiresIn, expiresAt, notBefore, cidr, now = Date.now() } = known(options, OPTIONS, "narrow");
  if (expiresIn !== undefined && expiresAt !== undefined) throw new OptionError("invalid_option", "expiresIn, expiresAt: one of them");
  const handedOn = narrowed(key, {
    scopes: scopes === undefined ? undefined : scopeNumbers(scopes, catalog),
    expiresAt: secondsFrom("expiresIn", expiresIn, now) ?? unixSeconds("expiresAt", expiresAt, Math.floor),
    notBefore: unixSeconds("notBefore", notBefore, Math.ceil),
    networks: cidr === undefined ? undefined : words("cidr", cidr),
  });
  // WHY: whoever is handed it would be denied, and look for the mistake at the API.
  const { unproven } = inspect(handedOn);
  if (scopes !== undefined && unproven.scopes.length === 0) {
    throw new NarrowingError("narrowing_empty", `nothing is left: the key has none of these scopes (it has ${inspect(key).unproven.scopes.length})`);
  }
  if (expiresAt !== undefined && unproven.expiresAt <= now / 1_000) throw new NarrowingError("narrowed_dead", "expiresAt: the narrowed key would be dead already");
  if (notBefore !== undefined && unproven.notBefore >= unproven.expiresAt) throw new NarrowingError("narrowed_dead", "notBefore: the narrowed key would be dead before it is valid");
  return handedOn;
}
