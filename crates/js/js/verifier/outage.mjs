// What goes wrong between a verifier and its registry: by a code, since when, and said on the console where only its operator can mend it.

import { WardkeyError } from "../errors.mjs";
import { OperatorLine } from "../operator_line.mjs";
import { causeOf } from "./cause.mjs";

/** Of one kind of request; nothing is wrong until one failed, and any more once one succeeded. */
export class Outage {
  /** Why the last one failed. */
  code;
  #message;
  #since;
  #line;
  #now;

  /** `consequence`: what is so as long as it lasts. */
  constructor(consequence, now) {
    this.#line = new OperatorLine(consequence);
    this.#now = now;
  }

  /** One failed by an error, or for a word. */
  failed(error) {
    this.#since ??= this.#now();
    this.code = typeof error === "string" ? error : causeOf(error);
    this.#message = error instanceof WardkeyError ? error.message : undefined;
    // Whatever else there is may pass: a credential is renewed by somebody.
    if (this.code.startsWith("credential_")) this.#line.say(error);
  }

  /** One succeeded. */
  ended() {
    this.code = this.#message = this.#since = undefined;
  }

  /** For the status; nothing while nothing is wrong. */
  get told() {
    return this.code === undefined ? undefined : { code: this.code, message: this.#message, since: this.#since };
  }
}
