import type { RedactOptions } from "./redact.mjs";

/**
 * A line of JSON with every credential replaced, and JSON as before. For pino from 9.6 on: `pino({ hooks: { streamWrite: pinoRedact } })`. For
 * older ones, and for all that writes lines: a destination, `pino({}, { write: (line) => stream.write(pinoRedact(line)) })`; as the only
 * argument pino takes it for options, and writes past it. It never throws: a line that cannot be looked through becomes one that says so, and so
 * does one that would take longer than some 20 ms: hardly any that people write (one with a `Buffer` of 40 KB does), but one that was made to keep
 * the process busy. A `Buffer` or an array whose bytes are a key becomes `"[87 bytes]"`. What `redact` does not find stays, such as a key of which
 * two lines have a half each.
 */
export function pinoRedact(line: string, options?: RedactOptions): string;
