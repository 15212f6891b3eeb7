// A line of JSON, as pino writes it, without its credentials.

import { redactWithin } from "./redact.mjs";

/** About how many microseconds one line may take: nobody makes a server stand still by what it logs. */
export const LINE_BUDGET_US = 20_000;
const NOT_SHOWN = "[not shown: it could not be redacted]";

/** The line with every credential replaced: JSON as before. For pino's `hooks.streamWrite`, and whatever else writes lines. */
export function pinoRedact(line, options) {
  const budget = { left: LINE_BUDGET_US };
  const redact = (text) => redactWithin(budget, text, options);
  try {
    const redacted = redact(line);
    if (redacted === line || isJson(redacted) || !isJson(line)) return redacted;
    // A credential that began in the middle of an escape, or that is a list of bytes: its parts are looked through as they are.
    const clean = redact(JSON.stringify(inside(JSON.parse(line), redact)));
    if (!isJson(clean)) throw new Error("the line would be no JSON");
    return `${clean}\n`;
  } catch {
    return `${JSON.stringify({ level: levelOf(line), msg: NOT_SHOWN })}\n`;
  }
}

function inside(value, each) {
  if (typeof value === "string") return each(value);
  if (value === null || typeof value !== "object") return value;
  const parts = Array.isArray(value) ? value : Object.values(value);
  if (parts.every((part) => isByte(part) || (typeof part === "string" && part.length === 1))) {
    // As a `Uint8Array` or a `Buffer` is written, or the characters of a text.
    const list = JSON.stringify(parts);
    if (each(list) !== list) return `[${parts.length} bytes]`;
  }
  if (Array.isArray(value)) return value.map((item) => inside(item, each));
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [each(name), inside(item, each)]));
}

function isByte(value) {
  return Number.isInteger(value) && value >= 0 && value <= 255;
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
