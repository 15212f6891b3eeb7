export interface RedactOptions {
  /**
   * Brands of keys beside Wardkey's own, `wk` and `wkadmin`: what stands before `_live_` and `_test_`. Whole keys of any brand are found
   * without; damaged ones better with it. At most 16. Default: none.
   */
  brands?: readonly string[];
  /** Whether to look into base64, too. Default: true. */
  deep?: boolean;
}

/** A credential in a text; no byte of its secret part. */
export interface FoundCredential {
  /** Where it begins in the text, and where it has ended, in UTF-16 units, as `slice` counts. */
  start: number;
  end: number;
  /** `key`: its checksum fits; `damaged_key`: cut short, mistyped, or of version 2. */
  kind: "key" | "damaged_key" | "bootstrap_token";
  /** Whether it stands there as base64. */
  base64: boolean;
  /** Its prefix, as far as it is certain. */
  prefix?: string;
  /** The id that a whole key shows, unproven. */
  keyId?: string;
}

/**
 * The text with every key and bootstrap token in it replaced, such as by `wk_live_[redacted key_00112233445566aa]`. All else stays as it is. It
 * errs on the side of taking away.
 *
 * Found are keys as they are, damaged ones, those broken over lines or coloured, and those in base64. So are keys of which any or every
 * character is written as `\u0041`, `\u{41}`, `\x41`, `%41`, `&#65;` or `&#x41;`, also escaped once more (`\\u0041`, `%2541`), and lists of bytes
 * or characters: `[119, 107, …]`, `{"0":119, …}`, `["w", "k", …]`; also where `util.inspect` has broken a string into lines of code (`'…\n' +`).
 *
 * **Not found** are a key in two calls' texts or in two strings of a list, one without its prefix, a damaged one of a brand that
 * is not named, one reversed or in other letters, in hexadecimal digits, in UTF-16, in base64 of base64, compressed or encrypted.
 *
 * The time is linear in the text: some 10 ms for a million characters of what anybody writes, and 3 s for what was made to be dear. For texts
 * of strangers take `pinoRedact` or `redactingConsole`, which give up after some 20 ms.
 *
 * @throws {OptionError} the text is no string, or an option is none; `unknown_option` for one that there is not.
 * @throws {ModuleError} in browsers: `await ready` first.
 */
export function redact(text: string, options?: RedactOptions): string;

/** Where the credentials in a text stand, in order, none overlapping another; throws as `redact`. */
export function findCredentials(text: string, options?: RedactOptions): FoundCredential[];
