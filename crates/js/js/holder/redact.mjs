// Texts without their credentials.

import { OptionError } from "../errors.mjs";
import { found } from "./instance.mjs";
import { words } from "./text.mjs";

/** The text with every key and bootstrap token replaced; all else stays as it is. */
export function redact(text, options) {
  let at = 0;
  let kept = "";
  for (const { start, end, label } of credentials(text, options)) {
    kept += text.slice(at, start) + label;
    at = end;
  }
  return at === 0 ? text : kept + text.slice(at);
}

/** Where the credentials in a text stand, and what they are. */
export function findCredentials(text, options) {
  return credentials(text, options).map(({ start, end, kind, base64, label }) => {
    const [, prefix, keyId] = /^([a-z0-9_]*)\[redacted(?: (key_[0-9a-f]{16}))?/.exec(label);
    return { start, end, kind, base64, ...(prefix && { prefix }), ...(keyId && { keyId }) };
  });
}

function credentials(text, { brands = [], deep = true } = {}) {
  if (typeof text !== "string") throw new OptionError("invalid_option", "text: a string");
  return found(text, { brands: words("brands", brands), deep });
}
