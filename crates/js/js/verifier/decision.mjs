// What a verification comes to: a value, never an exception.

import { answerTo, problem } from "./answers.mjs";

/** Allow, deny, or, from `verifySync` only, what has to be done first. Nothing of the key's text is in it. */
export class Decision {
  /** "allow", "deny"; from `verifySync` also "needs_refresh" and "strict". */
  outcome;
  /** Why a key is denied: for logs. What a caller may be told is in `answer`. */
  reason;
  #claims;
  #names;
  #more;

  /** `more`: what few decisions have: `requestId`, `rotateBy` and `retryAfterS` of the registry's, `scopes` that were asked for, `inUrl`. */
  constructor(outcome, reason, claims, names, more) {
    this.outcome = outcome;
    this.reason = reason;
    this.#claims = claims;
    this.#names = names;
    this.#more = more;
  }

  /** Whether the call may go on. */
  get allowed() {
    return this.outcome === "allow";
  }

  /** Who calls; like all that follows only where the key's tag was right, also of a key that is denied. */
  get subject() {
    return this.#claims?.subject;
  }

  /** The key's stable name, `key_` and 16 hexadecimal digits. */
  get keyId() {
    return this.#claims?.keyId;
  }

  /** The generation's number. */
  get statusIndex() {
    return this.#claims?.statusIndex;
  }

  /** Every scope that the key has left, by name; one that the catalog does not name by its number. */
  get scopes() {
    return this.#claims?.scopes.map((number) => this.#names.get(number) ?? String(number));
  }

  /** The first Unix second in which it is dead. */
  get expiresAt() {
    return this.#claims?.expiresAt;
  }

  /** Whether its holder narrowed it. */
  get narrowed() {
    return this.#claims?.narrowed;
  }

  /** The Unix second in which it is retired, as its successor was seen: where that is so and the registry was asked. */
  get rotateBy() {
    return this.#more?.rotateBy;
  }

  /** The number of the refusal's request at the registry, where it was asked and said one. */
  get requestId() {
    return this.#more?.requestId;
  }

  /** The list that an allow rests on: its sequence, its age in milliseconds and its zone. */
  get list() {
    if (!this.allowed) return undefined;
    const { sequence, ageMs, zone } = this.#claims ?? {};
    return zone === undefined ? undefined : { sequence, ageMs, zone };
  }

  /** Status, code and seconds to wait, as a caller may be told. */
  get answer() {
    return this.allowed ? undefined : answerTo(ANSWERED_AS[this.outcome] ?? this.reason, this.#more);
  }

  /** The refusal as a Fetch response; throws for an allow. */
  response() {
    const { status, headers, body } = this.problem();
    return new Response(body, { status, headers });
  }

  /** The same as status, headers and body, for frameworks without one. */
  problem() {
    if (this.allowed) throw new TypeError("an allow is no refusal");
    return problem(this.answer);
  }

  /** For logs: no key, and nothing that is not known. */
  toJSON() {
    const { outcome, reason, subject, keyId, rotateBy, list, requestId } = this;
    return { outcome, reason, subject, keyId, rotateBy, list, requestId };
  }

  /** What Node, Deno and Bun print: what is known stands in getters, which they pass over. */
  [Symbol.for("nodejs.util.inspect.custom")](_depth, options, inspect) {
    const { scopes, expiresAt, narrowed } = this;
    const told = Object.entries({ ...this.toJSON(), scopes, expiresAt, narrowed }).filter(([, value]) => value !== undefined);
    return `Decision ${inspect(Object.fromEntries(told), options)}`;
  }
}

/** Whoever passes these on as they are answers that it cannot be known now. */
const ANSWERED_AS = { needs_refresh: "list_stale", strict: "registry_unavailable" };
