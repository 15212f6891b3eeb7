// Options by name: one that is misspelt would be one that was not given, and nobody would know.

import { OptionError } from "./errors.mjs";

/** What is said of an option that was named and holds nothing. */
export const unset = (name) => `\`${name}\` is undefined: ${name === "binding" ? "is the service bound under this name?" : "is your environment variable set?"}`;

/** Names in a message: no more than somebody reads. */
export function listed(names) {
  const told = [...names];
  return told.slice(0, MOST_LISTED).join(", ") + (told.length > MOST_LISTED ? ", …" : "");
}

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

const MOST_LISTED = 12;
