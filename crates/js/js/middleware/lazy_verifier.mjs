// One verifier for all routes and requests of a process or an isolate, made at the first of them.

import { waitUntil as waitUntilOfRuntime } from "#platform";
import { compiled } from "#verifier-module";
import { OptionError } from "../errors.mjs";
import { Decision } from "../verifier/decision.mjs";
import { keepAlive } from "../verifier/keep_alive.mjs";
import { checkOptions, transportOf } from "../verifier/options.mjs";
import { checkScopes } from "../verifier/requirements.mjs";
import { Verifier } from "../verifier/verifier.mjs";
import { OperatorLine } from "../operator_line.mjs";

/** Judges by the verifier that is made of what was given: options, a verifier, or a function of what a request brings that gives either. */
export class LazyVerifier {
  #given;
  #made;
  /** Attempts that have not ended, each `{ begunAt, ended }`. */
  #underWay = new Set();
  /** The one that began last. */
  #latest;
  #mayBeginAt = -Infinity;
  #failedAt = -Infinity;
  #line = new OperatorLine("no verifier");

  constructor(given) {
    this.#given = given;
    if (isVerifier(given)) this.#made = given;
  }

  /** The one that is made of `given`, whoever else is given the same: twenty routes have one key set, one list and one refresh. */
  static of(given) {
    if (given === null || !["object", "function"].includes(typeof given)) {
      throw new OptionError("invalid_option", "a middleware is given a verifier, its options, or a function that gives either");
    }
    let shared = SHARED.get(given);
    if (shared === undefined) {
      const isPlain = typeof given === "object" && !isVerifier(given) && typeof given.then !== "function";
      // What stands there already is looked through at start-up; a promise and a function are not.
      if (isPlain) {
        checkOptions(given);
        transportOf(given);
      }
      // As it is now: a route's options do not change with an object that somebody goes on working with.
      shared = new LazyVerifier(isPlain ? Object.freeze({ ...given }) : given);
    }
    SHARED.set(given, shared);
    return shared;
  }

  /** Throws for scopes that the audience does not have, where that can be known: a misspelt one is found at start-up. */
  requires(scopes, options) {
    checkScopes(scopes);
    this.#made?.requires?.(scopes, options);
  }

  /**
   * The decision of `judge(verifier)`, or a promise of it; where there can be no verifier, a denial: nobody reaches what is behind
   * it. `waitUntil`: the request's, where there is one.
   */
  decision(context, judge, waitUntil) {
    // WHY apart: once it is there, nothing is waited for.
    return this.#made === undefined ? this.#firstDecision(context, judge, waitUntil) : judge(this.#made);
  }

  async #firstDecision(context, judge, waitUntil) {
    const end = performance.now() + GIVE_UP_MS;
    let own;
    // WHY its own: in Workers what another request began may have ended with it, and nobody is told.
    for (let now = performance.now(); this.#made === undefined && now < end; now = performance.now()) {
      if (now - this.#failedAt < PAUSE_MS) break;
      if (own === undefined && now >= this.#mayBeginAt) own = this.#begin(context, waitUntil ?? this.#given.waitUntil ?? waitUntilOfRuntime);
      await this.#ended(Math.min(OWN_AFTER_MS, own === undefined ? this.#mayBeginAt - now : OWN_AFTER_MS));
    }
    return this.#made === undefined ? new Decision("deny", "no_key_set") : judge(this.#made);
  }

  /** Waits until an attempt ends that is under way now, or for so many milliseconds. */
  async #ended(ms) {
    let timer;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, Math.ceil(ms))));
    await Promise.race([late, ...Array.from(this.#underWay, ({ ended }) => ended)]);
    clearTimeout(timer);
  }

  #begin(context, waitUntil) {
    const begunAt = performance.now();
    for (const attempt of this.#underWay) if (begunAt - attempt.begunAt >= GIVE_UP_MS) this.#underWay.delete(attempt);
    this.#mayBeginAt = begunAt + (this.#underWay.size === 0 ? OWN_AFTER_MS : PAUSE_MS);
    const attempt = { begunAt };
    this.#latest = attempt;
    attempt.ended = this.#make(context, waitUntil).then((made) => (this.#made ??= made), (error) => this.#failed(error, attempt)).finally(() => this.#underWay.delete(attempt));
    this.#underWay.add(attempt);
    keepAlive(waitUntil, attempt.ended);
    return attempt;
  }

  #failed(error, attempt) {
    if (this.#made !== undefined) return;
    this.#line.say(error);
    // An older one's failure says nothing of one that is under way.
    if (attempt !== this.#latest) return;
    this.#failedAt = performance.now();
    this.#mayBeginAt = this.#failedAt + PAUSE_MS;
  }

  async #make(context, waitUntil) {
    const given = await (typeof this.#given === "function" ? this.#given(context) : this.#given);
    return isVerifier(given) ? given : Verifier.of(compiled, given, waitUntil);
  }
}

/** By the identity of what was given. */
const SHARED = new WeakMap();
/** So long an attempt is waited for before another is begun beside it: its request may be gone, and it with it. */
const OWN_AFTER_MS = 500;
/** After one that failed, and where two are under way: one a second. */
const PAUSE_MS = 1_000;
const GIVE_UP_MS = 6_000;
const isVerifier = (given) => typeof given?.authorizeHeaders === "function";
