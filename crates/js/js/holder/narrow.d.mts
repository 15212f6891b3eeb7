/** Where scopes have their numbers: a policy's `audiences[].scopes`, or names with numbers as an object or a `Map`. */
export type Catalog = Readonly<Record<string, number>> | ReadonlyMap<string, number> | ReadonlyArray<{ readonly name: string; readonly number: number }>;

export interface NarrowOptions {
  /**
   * Only these scopes, of those that the key has: numbers (0 to 255), or names if `catalog` is given. At least one. Scopes that the
   * key does not have are no error beside one that it has, and it does not get them. Default: all that it has.
   */
  scopes?: ReadonlyArray<number | string>;
  /** What scopes of this key's audience are called. A key holds numbers only, so that names cannot do without. Default: none. */
  catalog?: Catalog;
  /** Seconds from now (by this machine's clock), whole, at least 1, after which it is dead: more than the key has left changes nothing. Not beside `expiresAt`. Default: as long as the key. */
  expiresIn?: number;
  /** The first second in which it is dead: a `Date` (rounded down) or whole Unix seconds. Default: as long as the key. */
  expiresAt?: Date | number;
  /** The first second in which it is valid: a `Date` (rounded up) or whole Unix seconds. Default: as the key. */
  notBefore?: Date | number;
  /** Only from these networks, in CIDR notation, such as `["192.0.2.0/24", "2001:db8::/32"]`. At least one. Default: as the key. */
  cidr?: readonly string[];
  /** What `expiresIn` counts from, in Unix milliseconds. Default: `Date.now()`. */
  now?: number;
}

/**
 * Gives a key that may do what `key` may, less what the options take away: offline, and without asking anybody. It lives as long as the
 * key at most, and dies when that is revoked. A key can be narrowed four times, each time by 64 bytes: ten IPv4 networks, say.
 *
 * Whether `key` is authentic is not known here.
 *
 * @throws {KeyTextError} the text is no key.
 * @throws {NarrowingError} nothing is taken away, or nothing is left: no scope (`narrowing_empty`), or no time by this machine's clock
 * (`narrowed_dead`); or a limit of the format is passed.
 * @throws {OptionError} an option is none, or outside its bounds; `unknown_option` for one that there is not: it would take nothing away.
 * @throws {ModuleError} in browsers: `await ready` first.
 */
export function narrow(key: string, options: NarrowOptions): string;
