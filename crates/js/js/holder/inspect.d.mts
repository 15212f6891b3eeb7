/** What was said at once, by the issuer or by a holder. What is not there was not said. */
export interface UnprovenStep {
  /** Scope numbers, ascending. */
  scopes?: number[];
  /** The first Unix second in which it is dead. */
  expiresAt?: number;
  /** The first Unix second in which it is valid. */
  notBefore?: number;
  /** The networks that a caller must be in one of, in CIDR notation. */
  networks?: string[];
}

/** What a key says of itself. **Anyone can write a key that says this**: nothing may be decided by it. */
export interface UnprovenKey {
  /** Such as `wk_live_`. */
  prefix: string;
  /** `key_` and 16 hexadecimal digits. */
  keyId: string;
  subject: string;
  /** The tenant's number. */
  tenant: number;
  /** The audience's number. */
  audience: number;
  /** Which of the audience's signing keys has signed it. */
  epoch: number;
  /** Its number in the revocation list. */
  statusIndex: number;
  /** Unix seconds. */
  issuedAt: number;
  /** The first Unix second in which it is dead, by its issuer or by a narrowing. */
  expiresAt: number;
  /** The first Unix second in which it is valid, if any was named. */
  notBefore?: number;
  /** The numbers of the scopes that issuer and narrowings leave, ascending. */
  scopes: number[];
  /** Sets of networks: a caller must be in one of each set. From everywhere if there is no set. */
  networks: string[][];
  /** What its issuer said. */
  issued: UnprovenStep & { scopes: number[]; expiresAt: number };
  /** What holders have taken away since, oldest first. */
  narrowings: UnprovenStep[];
}

/**
 * Reads what a key says of itself, without a key set. It holds nothing secret, and may be shown and logged.
 *
 * @throws {KeyTextError} the text is no key.
 * @throws {ModuleError} in browsers: `await ready` first.
 */
export function inspect(key: string): { unproven: UnprovenKey };
