// What must be a text. Whatever else it is, is not shown: it may hold a key.

import { KeyTextError, OptionError } from "../errors.mjs";

/** A key, as far as that is known before it is read. */
export function keyText(key) {
  if (typeof key !== "string") throw new KeyTextError("malformed", "a key is a string");
  noBlanks(key);
  return key;
}

/** Throws for a key that came with what surrounds it in a file. */
export function noBlanks(key) {
  if (/^\s|\s$/.test(key)) throw new KeyTextError("malformed", "the text is no key: it begins or ends with a space or a line break");
}

/** An array of strings without blanks. */
export function words(name, value) {
  // WHY a copy: a hole is no element to `every`, and nothing else may be read than what was looked at.
  const list = Array.isArray(value) ? Array.from(value) : [undefined];
  if (!list.every((word) => typeof word === "string" && /^\S+$/.test(word))) throw new OptionError("invalid_option", `${name}: an array of strings`);
  return list;
}
