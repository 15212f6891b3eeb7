import type { RedactOptions } from "./redact.mjs";

/**
 * A console like `target` that replaces every credential in what it is given, also inside objects, errors and Maps: each call is made one
 * text, which is looked through. So nothing that it shows can be unfolded, and `dir` and `table` print as `log` does. What cannot be looked
 * through (in browsers, before `ready`) is not shown, and neither is what would take longer than some 20 ms to look through.
 *
 * Values are printed as `util.inspect` prints them where there is one, without colours. Of typed arrays, Buffers and ArrayBuffers only the size
 * is shown, also within other values: `[87 bytes]`. What `redact` does not find is shown, such as a key of which each call has a half.
 *
 * @param target Default: the global console.
 * @throws {OptionError} an option is none.
 */
export function redactingConsole(target?: Console, options?: RedactOptions): Console;
