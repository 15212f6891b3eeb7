// One verifier for all requests of a process or an isolate, made at the first of them.

import { createVerifier } from "../index.mjs";
import { Decision } from "../verifier/decision.mjs";

/** Judges by the verifier that is made of `given`: options, a verifier, or a function of what a request brings that gives either. */
export class LazyVerifier {
  #given;
  #made;
  #making;

  constructor(given) {
    this.#given = given;
    if (isVerifier(given)) this.#made = given;
  }

  /** The decision of `judge(verifier)`, or a promise of it; where there can be no verifier, a denial: nobody reaches what is behind it. */
  decision(context, judge) {
    // WHY apart: once it is there, nothing is waited for.
    return this.#made === undefined ? this.#firstDecision(context, judge) : judge(this.#made);
  }

  async #firstDecision(context, judge) {
    this.#making ??= this.#make(context);
    let timer;
    // WHY an end of its own: in Workers what one request began ends with it, and nobody is told.
    const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error("no key set in time")), GIVE_UP_MS)));
    try {
      this.#made = await Promise.race([this.#making, late]);
    } catch (error) {
      // The next request tries again: the registry may be away for a moment only.
      this.#making = undefined;
      console.error(`wardkey: no verifier: ${error?.code ?? error?.message}`);
      return new Decision("deny", "no_key_set");
    } finally {
      clearTimeout(timer);
    }
    return judge(this.#made);
  }

  async #make(context) {
    const given = await (typeof this.#given === "function" ? this.#given(context) : this.#given);
    return isVerifier(given) ? given : createVerifier(given);
  }
}

const GIVE_UP_MS = 6_000;
const isVerifier = (given) => typeof given?.authorizeHeaders === "function";
