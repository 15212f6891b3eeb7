import type { RedactOptions } from "./redact.mjs";

/**
 * A console like `target` that replaces every credential in what it is given, also inside objects, errors and Maps: each call is made one
 * text, which is looked through. So nothing that it shows can be unfolded, and `dir` and `table` print as `log` does. What cannot be looked
 * through (in browsers, before `ready`) is not shown.
 *
 * @param target Default: the global console.
 */
export function redactingConsole(target?: Console, options?: RedactOptions): Console;
