// Keeping the list fresh: one refresh in flight, a wait of half a second at most, no step back.

import { endsWithRequest } from "#platform";
import { TransportError } from "../errors.mjs";
import { keepAlive } from "./keep_alive.mjs";
import { stateName } from "./list_head.mjs";
import { Outage } from "./outage.mjs";

/** The list of one instance. */
export class ListRefresh {
  /** Refreshes that fail. */
  outage;
  /** How many refreshes began, and how many verifications waited for one. */
  refreshes = 0;
  waits = 0;
  #instance;
  #transport;
  #now;
  #waitMs;
  #underWay;
  #startedAt = -Infinity;
  #failedAt = -Infinity;
  #adopted;
  /** When the next refresh begins of itself: after a part of fresh-for, drawn anew each time, so that many verifiers do not ask at once. */
  #aheadAt = -Infinity;

  /**
   * `waitMs`: how long a verification waits for a refresh, in milliseconds; `adopted`: is called when a head is in force, with what
   * keeps a Worker alive.
   */
  constructor({ instance, transport, now, waitMs, adopted }) {
    this.#instance = instance;
    this.#transport = transport;
    this.#now = now;
    this.#waitMs = waitMs;
    this.#adopted = adopted;
    this.outage = new Outage("the list is not refreshed", now);
  }

  /** Milliseconds since the head in force was made; nothing without one. */
  get ageMs() {
    const issuedAt = this.#instance.figure(LIST_ISSUED_AT);
    return issuedAt < 0 ? undefined : Math.max(0, this.#now() - issuedAt);
  }

  get #isFresh() {
    return this.ageMs <= this.#instance.figure(FRESH_FOR);
  }

  /** Brings a head of age ≤ fresh-for into force; answers whether there is one in time. What comes later is there for the next. */
  async refresh(waitUntil) {
    if (this.#isFresh) return true;
    if (this.#hasJustFailed) return false;
    this.waits += 1;
    return this.first(waitUntil, this.#waitMs);
  }

  /** The same before anybody verifies. `waitMs`: how long. */
  async first(waitUntil, waitMs = Math.max(this.#waitMs, FIRST_WAIT_MS)) {
    const brought = this.#start(waitUntil);
    let timer;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, waitMs)));
    await Promise.race([brought, late]);
    clearTimeout(timer);
    if (this.#isFresh) return true;
    // What takes so long counts as failed: the next second's calls wait no more.
    this.#failedAt = this.#now();
    return false;
  }

  /** Begins a refresh before anybody has to wait for one, if it is about time. */
  ahead(now, waitUntil) {
    if (!(now >= this.#aheadAt)) return;
    // WHY: it would end with the request that did not wait for it, and hold up those that do.
    if (endsWithRequest && waitUntil === undefined) return;
    if (!this.#isUnderWay && !this.#hasJustFailed) this.#start(waitUntil);
  }

  /** WHY by the clock, too: in Workers what one request began ends with it, and nobody is told. */
  get #isUnderWay() {
    return this.#underWay !== undefined && Math.abs(this.#now() - this.#startedAt) < Math.max(SUPERSEDED_AFTER_MS, this.#waitMs);
  }

  get #hasJustFailed() {
    const since = this.#now() - this.#failedAt;
    return since >= 0 && since < FAILED_FOR_MS;
  }

  #start(waitUntil) {
    if (this.#isUnderWay) return this.#underWay;
    this.#startedAt = this.#now();
    this.refreshes += 1;
    // WHY not at once: a transport that judges a key itself would begin another, and that one another.
    const underWay = Promise.resolve().then(() => this.#bring()).then(
      () => this.#ended(underWay, this.#isFresh ? undefined : "list_not_fresh", waitUntil),
      (error) => this.#ended(underWay, error ?? "failed", waitUntil),
    );
    this.#underWay = underWay;
    keepAlive(waitUntil, underWay);
    return underWay;
  }

  #ended(underWay, error, waitUntil) {
    const isLatest = this.#underWay === underWay;
    if (isLatest) this.#underWay = undefined;
    // That one failed which another has superseded says nothing of the other.
    if (isLatest || error === undefined) {
      if (error === undefined) this.outage.ended();
      else this.outage.failed(error);
      this.#failedAt = error === undefined ? -Infinity : this.#now();
    }
    this.#aheadAt = this.#instance.figure(LIST_ISSUED_AT) + (0.5 + 0.3 * Math.random()) * this.#instance.figure(FRESH_FOR);
    this.#adopted(waitUntil);
  }

  async #bring() {
    const end = AbortSignal.timeout(GIVE_UP_MS);
    const tenant = this.#instance.figure(TENANT);
    const head = await within(this.#transport.head(tenant, end), end);
    let adoption = this.#instance.adopt(head, undefined, this.#now());
    const name = stateName(head);
    if (adoption === STATE_NEEDED && name !== undefined) {
      const state = await within(this.#transport.state(tenant, name, end), end);
      adoption = this.#instance.adopt(head, state, this.#now());
    }
    if (adoption > IN_FORCE) throw Object.assign(new Error(`adopt: ${adoption}`), { code: ADOPTIONS[adoption] ?? "list_refused" });
  }
}

/** What a transport gives, or an end: not every one listens to its signal. */
export function within(given, end) {
  return new Promise((resolve, reject) => {
    end.addEventListener("abort", () => reject(new TransportError("registry_unreachable", "no answer in time")), { once: true });
    given.then(resolve, reject);
  });
}

/** Figures of ABI.md. */
const TENANT = 0, FRESH_FOR = 3, LIST_ISSUED_AT = 5;
/** What `adopt` answers. */
const IN_FORCE = 1, STATE_NEEDED = 2;
const ADOPTIONS = {
  16: "clock_behind", 17: "list_older", 18: "list_other_state", 19: "list_other_audience", 32: "list_malformed",
  33: "list_other_audience", 34: "list_forged", 48: "list_state_malformed",
};
/** Head and state are two calls, and nobody can be answered without them. */
const FIRST_WAIT_MS = 2_000;
/** A failed refresh is not tried again for so long. */
const FAILED_FOR_MS = 1_000;
/** From then on another one may begin beside it. */
const SUPERSEDED_AFTER_MS = 1_500;
/** Longest that a refresh may take; nobody waits for it as long. */
const GIVE_UP_MS = 5_000;
