import type { RedactOptions } from "./redact.mjs";

/**
 * A line of JSON with every credential replaced, and JSON as before. For pino from 9.6 on: `pino({ hooks: { streamWrite: pinoRedact } })`. For
 * older ones, and for all that writes lines: a destination, `pino({}, { write: (line) => stream.write(pinoRedact(line)) })`; as the only
 * argument pino takes it for options, and writes past it. It never throws: a line that cannot be looked through becomes one that says so.
 */
export function pinoRedact(line: string, options?: RedactOptions): string;
