// What whoever operates an API reads on its console when something needs mending: once a minute, and never a key.

/** Lines of one kind. */
export class OperatorLine {
  #what;
  #saidAt = -Infinity;

  /** `what`: what such a line begins with. */
  constructor(what) {
    this.#what = what;
  }

  /** Says what went wrong, unless that was said within the minute. */
  say(error) {
    const now = performance.now();
    if (now - this.#saidAt < EVERY_MS) return;
    this.#saidAt = now;
    console.error(`wardkey: ${this.#what}: ${withoutKeys(told(error))}`);
  }
}

/** Name and message, whatever was thrown: it may be no error, and a message may have lines of its own, or no end. */
function told(error) {
  try {
    const name = error?.code ?? error?.name ?? "error";
    return `${name}: ${error?.message ?? error}`.slice(0, MAX_LENGTH).replace(LINE_END, " ");
  } catch {
    return "error";
  }
}

/** WHY: the message may be of a function of the user's, which has read headers and may repeat them. */
function withoutKeys(text) {
  return text.replace(KEY, "[redacted]").replace(SECRET, (found, told) => told ?? "[redacted]");
}

const EVERY_MS = 60_000;
const MAX_LENGTH = 500;
const LINE_END = /[\u0000-\u001f\u007f\u0085\u2028\u2029]+/g;
/** A key, also one that was cut short. */
const KEY = /[a-z][a-z0-9]{0,11}_(?:live|test)_[A-Za-z0-9_-]*/gi;
/** What is as long as a piece of one that tells something; but for what its reader needs: a request's number at the registry, and a host. */
const SECRET = /((?<=\brequest )req_[0-9a-f]{32}\b|https?:\/\/[a-z0-9.-]+)|[A-Za-z0-9_+=-]{24,}/g;
