// A line of JSON, as pino writes it, without its credentials.

import { redact } from "./redact.mjs";

const NOT_SHOWN = "[not shown: it could not be redacted]";

/** The line with every credential replaced: JSON as before. For pino's `hooks.streamWrite`, and whatever else writes lines. */
export function pinoRedact(line, options) {
  try {
    const redacted = redact(line, options);
    if (redacted === line || isJson(redacted) || !isJson(line)) return redacted;
    // A credential that began in the middle of an escape: its strings are looked through as they are.
    return `${redact(JSON.stringify(inside(JSON.parse(line), (text) => redact(text, options))), options)}\n`;
  } catch {
    return `${JSON.stringify({ level: levelOf(line), msg: NOT_SHOWN })}\n`;
  }
}

function inside(value, each) {
  if (typeof value === "string") return each(value);
  if (Array.isArray(value)) return value.map((item) => inside(item, each));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [each(name), inside(item, each)]));
}

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A level is a number: all else of the line stays away. */
function levelOf(line) {
  const [, level] = /^\{"level":(\d{1,3}),/.exec(line) ?? [];
  return level === undefined ? undefined : Number(level);
}
