// Options by name: one that is misspelt would be one that was not given, and nobody would know.

import { OptionError } from "./errors.mjs";

/**
 * Gives `options` back if it is an object that names nothing but `names`; throws `OptionError` otherwise. `what` says whose they are:
 * "narrow", or "usage" for an option's own.
 */
export function known(options, names, what) {
  if (options === null || typeof options !== "object") throw new OptionError("invalid_option", `${what}: options are an object`);
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown === undefined) return options;
  // A name that is no identifier is not told: it may be a key that was passed by mistake.
  const name = /^[A-Za-z]{1,24}$/.test(unknown) ? `"${unknown}"` : "one";
  throw new OptionError("unknown_option", `${what}: there is no option ${name}; there are ${names.join(", ")}`);
}
