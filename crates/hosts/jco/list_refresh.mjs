// Keeping the list fresh: one refresh in flight, a wait of half a second at most, no step back.

import { setTimeout as sleep } from "node:timers/promises";

import { WardkeyError } from "./component.mjs";

/** The list of one instance. */
export class ListRefresh {
  #instance;
  #registry;
  #highWater;
  #now;
  #adopted;
  #latest;
  #startedAt = -Infinity;
  #failedAt = -Infinity;
  /** Why the last refresh failed; nothing since one succeeded. */
  #failure;
  /** When the next refresh begins of itself. */
  #aheadAt = 0;
  #issuedAt;
  #freshFor;

  /** `adopted`: is called when a refresh has ended. */
  constructor({ instance, registry, highWater, now, adopted }) {
    this.#instance = instance;
    this.#registry = registry;
    this.#highWater = highWater;
    this.#now = now;
    this.#adopted = adopted;
    this.#freshFor = instance.keySet.freshForMs;
  }

  /** Brings a head of age ≤ fresh-for into force; answers whether there is one in time. What comes later is there for the next. */
  async refresh() {
    if (this.#isFresh) return true;
    if (this.#hasJustFailed) return false;
    return this.first(WAIT_MS);
  }

  /** The same before anybody is judged: head and state are two calls, and nobody can be answered without them. */
  async first(waitMs = FIRST_WAIT_MS) {
    const late = new AbortController();
    await Promise.race([this.#start(), sleep(waitMs, undefined, { signal: late.signal }).catch(() => {})]);
    late.abort();
    if (this.#isFresh) return true;
    // What takes so long counts as failed: the next second's calls wait no more.
    this.#failedAt = this.#now();
    return false;
  }

  /** Begins a refresh before anybody has to wait for one, if it is about time. */
  ahead(now) {
    if (now >= this.#aheadAt && !this.#isUnderWay && !this.#hasJustFailed) void this.#start();
  }

  get #isFresh() {
    return this.#issuedAt !== undefined && this.#now() - this.#issuedAt <= this.#freshFor;
  }

  get #hasJustFailed() {
    const since = this.#now() - this.#failedAt;
    return since >= 0 && since < FAILED_FOR_MS;
  }

  /** One that hangs holds up no other: from some time on another begins beside it. */
  get #isUnderWay() {
    return this.#latest !== undefined && Math.abs(this.#now() - this.#startedAt) < SUPERSEDED_AFTER_MS;
  }

  #start() {
    if (this.#isUnderWay) return this.#latest;
    this.#startedAt = this.#now();
    const underWay = this.#brought().then((failure) => this.#ended(underWay, failure));
    this.#latest = underWay;
    return underWay;
  }

  /** Why it failed, if it did. */
  async #brought() {
    try {
      if (!(await this.#bring())) return "list_state_needed";
      return this.#isFresh ? undefined : "list_not_fresh";
    } catch (error) {
      return error instanceof WardkeyError ? `${error.code}: ${error.message}` : error?.name ?? "unknown";
    }
  }

  #ended(underWay, failure) {
    const isBrought = failure === undefined;
    const isLatest = this.#latest === underWay;
    if (isLatest) this.#latest = undefined;
    // That one failed which another has superseded says nothing of the other.
    if (isLatest || isBrought) {
      this.#failedAt = isBrought ? -Infinity : this.#now();
      // When it begins and when it is over: a registry that is away for an hour fills no log.
      if (!isBrought && this.#failure === undefined) console.error(`wardkey: the list is not refreshed: ${failure}`);
      if (isBrought && this.#failure !== undefined) console.error("wardkey: the list is refreshed again");
      this.#failure = failure;
    }
    // Drawn anew each time, so that many verifiers do not ask at once.
    this.#aheadAt = (this.#issuedAt ?? 0) + (0.5 + 0.3 * Math.random()) * this.#freshFor;
    this.#adopted();
  }

  async #bring() {
    const { tenant, freshForMs } = this.#instance.keySet;
    const head = await this.#registry.head(tenant);
    if (this.#issuedAt === undefined) this.#highWater.mayBeFirst(head);
    const name = this.#instance.applyList(head, undefined, this.#now());
    const needed = name && this.#instance.applyList(head, await this.#registry.state(tenant, name), this.#now());
    const { list } = this.#instance;
    if (list !== undefined) {
      this.#highWater.listTaken(list);
      this.#issuedAt = list.issuedAtMs;
    }
    this.#freshFor = freshForMs;
    return needed === undefined;
  }
}

const WAIT_MS = 500;
const FIRST_WAIT_MS = 2_000;
/** A failed refresh is not tried again for so long. */
const FAILED_FOR_MS = 1_000;
const SUPERSEDED_AFTER_MS = 1_500;
