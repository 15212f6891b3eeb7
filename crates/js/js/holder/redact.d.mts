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
 * The text with every key and bootstrap token in it replaced, such as by `wk_live_[redacted key_00112233445566aa]`: also broken over lines,
 * escaped or damaged. All else stays as it is. It errs on the side of taking away.
 *
 * @throws {OptionError} the text is no string, or a brand is none.
 * @throws {ModuleError} in browsers: `await ready` first.
 */
export function redact(text: string, options?: RedactOptions): string;

/** Where the credentials in a text stand, in order, none overlapping another; throws as `redact`. */
export function findCredentials(text: string, options?: RedactOptions): FoundCredential[];
