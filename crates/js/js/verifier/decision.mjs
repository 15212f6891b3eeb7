// What a verification comes to: a value, never an exception.

import { answerTo, problem } from "./answers.mjs";

/** Allow, deny, or, from `verifySync` only, what has to be done first. Nothing of the key's text is in it. */
export class Decision {
  /** "allow", "deny"; from `verifySync` also "needs_refresh" and "strict". */
  outcome;
  /** Why a key is denied: for logs. What a caller may be told is in `answer`. */
  reason;
  /** The number of the refusal's request at the registry, where it was asked and said one. */
  requestId;
  #claims;
  #names;

  constructor(outcome, reason, claims, names, requestId) {
    this.outcome = outcome;
    this.reason = reason;
    this.requestId = requestId;
    this.#claims = claims;
    this.#names = names;
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

  /** The list that an allow rests on: its sequence, its age in milliseconds and its zone. */
  get list() {
    if (!this.allowed) return undefined;
    const { sequence, ageMs, zone } = this.#claims ?? {};
    return zone === undefined ? undefined : { sequence, ageMs, zone };
  }

  /** Status, code and seconds to wait, as a caller may be told. */
  get answer() {
    return this.allowed ? undefined : answerTo(ANSWERED_AS[this.outcome] ?? this.reason);
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
    const { outcome, reason, subject, keyId, list, requestId } = this;
    return { outcome, reason, subject, keyId, list, requestId };
  }
}

/** Whoever passes these on as they are answers that it cannot be known now. */
const ANSWERED_AS = { needs_refresh: "list_stale", strict: "registry_unavailable" };
