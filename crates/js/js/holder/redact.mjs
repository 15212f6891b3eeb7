// Texts without their credentials.

import { OptionError } from "../errors.mjs";
import { known } from "../options.mjs";
import { found } from "./instance.mjs";
import { scanCost } from "./scan_cost.mjs";
import { unspelt } from "./spelt.mjs";
import { words } from "./text.mjs";

/** The text with every key and bootstrap token replaced; all else stays as it is. */
export function redact(text, options) {
  return redactWithin({ left: Infinity }, text, options);
}

/**
 * The same, for whoever has no time for a text that was made to be dear: about `budget.left` microseconds, which are taken off it. Throws
 * without having read where that is too little.
 */
export function redactWithin(budget, text, options) {
  let at = 0;
  let kept = "";
  for (const { start, end, label } of credentials(text, options, budget)) {
    kept += text.slice(at, start) + label;
    at = end;
  }
  return at === 0 ? text : kept + text.slice(at);
}

/** Where the credentials in a text stand, and what they are. */
export function findCredentials(text, options) {
  return credentials(text, options, { left: Infinity }).map(({ start, end, kind, base64, label }) => {
    const [, prefix, keyId] = /^([a-z0-9_]*)\[redacted(?: (key_[0-9a-f]{16}))?/.exec(label);
    return { start, end, kind, base64, ...(prefix && { prefix }), ...(keyId && { keyId }) };
  });
}

/** The options with their defaults; throws what is wrong with them, but for a brand outside the grammar. */
export function redactOptions(options = {}) {
  const { brands = [], deep = true } = known(options, OPTIONS, "redact");
  if (typeof deep !== "boolean") throw new OptionError("invalid_option", "deep: true or false");
  return { brands: words("brands", brands), deep };
}

function credentials(text, options, budget) {
  if (typeof text !== "string") throw new OptionError("invalid_option", "text: a string");
  const { brands, deep } = redactOptions(options);
  const spend = (microseconds) => {
    budget.left -= microseconds;
    if (budget.left < 0) throw new Error("the text takes too long to read");
  };
  const scan = (each) => {
    if (budget.left !== Infinity) spend(scanCost(each, brands));
    return found(each, { brands, deep });
  };
  const plain = scan(text);
  const view = unspelt(text, spend);
  if (view === undefined) return plain;
  return united(plain, scan(view.text).map((each) => ({ ...each, ...view.origin(each) })));
}

/** Findings of both readings, in order; those that overlap are one: what is whole, then what was found as it stands. */
function united(plain, hidden) {
  const all = [...plain.map((each) => ({ ...each, isPlain: true })), ...hidden].sort((one, other) => one.start - other.start);
  const rank = ({ kind, isPlain }) => (kind === "damaged_key" ? 0 : 2) + (isPlain ? 1 : 0);
  const apart = [];
  for (const each of all) {
    const last = apart.at(-1);
    if (last === undefined || each.start >= last.end) apart.push(each);
    else apart[apart.length - 1] = { ...(rank(last) >= rank(each) ? last : each), start: last.start, end: Math.max(last.end, each.end) };
  }
  return apart.map(({ isPlain: _, ...each }) => each);
}

const OPTIONS = ["brands", "deep"];
