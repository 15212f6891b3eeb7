// A console that shows no credential. What is printed is made a text first: a key inside an object, an error or a Map is one of its
// parts, and nothing is seen of it that was not looked through.

import { isBytes, sizeOf, withoutBytes } from "./bytes.mjs";
import { LINE_BUDGET_US } from "./pino.mjs";
import { redactOptions, redactWithin } from "./redact.mjs";

/** Methods whose arguments are what is shown. */
const SHOWING = ["log", "info", "warn", "error", "debug", "trace", "group", "groupCollapsed", "dirxml"];
/** What stands in for what cannot be looked through. */
const NOT_SHOWN = "[not shown: it could not be redacted]";

/** A console like `target` that replaces every credential in what it is given. */
export function redactingConsole(target = globalThis.console, options) {
  const shown = (values) => {
    try {
      return redactWithin({ left: LINE_BUDGET_US }, withoutBytes(asText(values)), options);
    } catch {
      return NOT_SHOWN;
    }
  };
  // A mistake in the options is told now, and not by a console that shows nothing.
  redactOptions(options);
  const own = new Map();
  for (const name of SHOWING) {
    if (typeof target[name] === "function") own.set(name, (...values) => (values.length === 0 ? target[name]() : target[name](shown(values))));
  }
  for (const name of ["dir", "table"]) own.set(name, (value) => target.log(shown([value])));
  own.set("assert", (holds, ...values) => {
    if (!holds) target.assert(false, ...(values.length === 0 ? [] : [shown(values)]));
  });
  own.set("timeLog", (label = "default", ...values) => target.timeLog(shown([label]), ...(values.length === 0 ? [] : [shown(values)])));
  // Not over `target` itself: of a frozen one a proxy must give the methods that it has.
  return new Proxy(Object.create(target), {
    get(_, name) {
      if (own.has(name)) return own.get(name);
      const value = target[name];
      if (typeof value !== "function") return value;
      // Labels of counters and timers; what else there may be is shown nothing but text.
      return (...values) => value.apply(target, values.map((each) => (each === undefined ? each : shown([each]))));
    },
  });
}

/** As the platform's console would print it, or as plainly as can be where that is not to be had. */
function asText(values) {
  const format = globalThis.process?.getBuiltinModule?.("node:util")?.formatWithOptions;
  // Without the colours that a program may have made the default: a list of bytes is none with them.
  if (format) return format({ colors: false }, ...values.map((value) => (isBytes(value) ? sizeOf(value) : value)));
  return values.map((value) => plain(value)).join(" ");
}

function plain(value) {
  if (typeof value === "string") return value;
  if (value instanceof Error) return `${value.stack ?? value}${value.cause === undefined ? "" : `\ncause: ${plain(value.cause)}`}`;
  if (value === null || typeof value !== "object") return String(value);
  if (isBytes(value)) return sizeOf(value);
  const seen = new Set();
  const text = JSON.stringify(value, function (name, each) {
    // A Buffer has been made a list when it is handed in.
    if (isBytes(this[name])) return sizeOf(this[name]);
    if (typeof each === "bigint") return `${each}n`;
    if (each instanceof Error) return `${each.stack ?? each}`;
    // A text that is an object would be a list of its characters.
    if (each instanceof String) return String(each);
    if (each === null || typeof each !== "object") return each;
    if (seen.has(each)) return "[seen above]";
    seen.add(each);
    if (typeof each[Symbol.iterator] === "function" && !Array.isArray(each)) return [...each];
    return each;
  }, 2);
  return text ?? String(value);
}
