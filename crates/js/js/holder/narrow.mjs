// Narrowing: whoever holds a key takes something away from it, offline, and hands on what is left.

import { OptionError } from "../errors.mjs";
import { known } from "../options.mjs";
import { scopeNumbers } from "./catalog.mjs";
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
  return narrowed(key, {
    scopes: scopes === undefined ? undefined : scopeNumbers(scopes, catalog),
    expiresAt: secondsFrom("expiresIn", expiresIn, now) ?? unixSeconds("expiresAt", expiresAt, Math.floor),
    notBefore: unixSeconds("notBefore", notBefore, Math.ceil),
    networks: cidr === undefined ? undefined : words("cidr", cidr),
  });
}
