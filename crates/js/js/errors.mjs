// What goes wrong on our side or by the caller's mistake. A bad key is no error: it is a decision.

/** Of every error of this package; `code` is stable, the message is for people. No message holds a key. */
export class WardkeyError extends Error {
  /** @param {string} code @param {string} message @param {ErrorOptions} [options] */
  constructor(code, message, options) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** An option, an argument or a scope that cannot be. */
export class UsageError extends WardkeyError {}

/** A key set that is none, is another audience's, or cannot be had. */
export class KeySetError extends WardkeyError {}

/** The registry or the file behind a transport did not give what was asked for. */
export class TransportError extends WardkeyError {}
