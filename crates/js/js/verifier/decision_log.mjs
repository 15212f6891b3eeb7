// A line for every decision, for whoever wants one. It comes after the decision, and nothing that it does changes it.

import { keepAlive } from "./keep_alive.mjs";
import { unref } from "./unref.mjs";

/** Hands entries to a hook, a batch at a time, when the calls that they are about have been answered. */
export class DecisionLog {
  #hook;
  #waiting = [];
  /** How many the hook was handed last, and has not done with. */
  #inHand = 0;
  #lost = 0;
  /** Who hands over, since when, and for how many milliseconds at most before somebody else does. */
  #turn;
  #turnAt = 0;
  #turnMs = 0;

  /** `hook`: is called with one entry; what it throws or rejects with is dropped. */
  constructor(hook) {
    this.#hook = hook;
  }

  /** Whether anybody wants entries. */
  get isKept() {
    return this.#hook !== undefined;
  }

  /** Keeps an entry; `lost` of the next one that is handed over says how many were dropped that nobody was told of. */
  push(entry, waitUntil) {
    // INVARIANT: what is in hand is less than what is kept, so that something waits behind each loss, and tells of it.
    if (this.#waiting.length + this.#inHand >= MOST_KEPT) {
      this.#lost += 1;
      return;
    }
    this.#waiting.push(entry);
    // WHY by the clock, too: in Workers a timer ends with the request that set it.
    if (this.#turn !== undefined && Math.abs(Date.now() - this.#turnAt) < this.#turnMs) return;
    this.#turn = Symbol("a turn");
    keepAlive(waitUntil, this.#hand(this.#turn));
  }

  async #hand(turn) {
    for (;;) {
      this.#takesUpTo(HANDED_WITHIN_MS);
      // Others have a turn between two batches: requests that wait to be answered.
      await new Promise((next) => setTimeout(next, 0));
      if (this.#turn !== turn) return;
      const batch = this.#waiting.splice(0, A_BATCH);
      this.#inHand = batch.length;
      if (batch.length === 0) break;
      this.#takesUpTo(SETTLED_WITHIN_MS + HANDED_WITHIN_MS);
      await settled(batch.map((entry) => this.#tell(entry)));
      if (this.#turn !== turn) return;
    }
    this.#turn = undefined;
  }

  async #tell(entry) {
    const lost = this.#lost;
    this.#lost = 0;
    try {
      await this.#hook(Object.freeze(lost > 0 ? { ...entry, lost } : entry));
    } catch {
      // A log that cannot be written stops no request.
    }
  }

  #takesUpTo(ms) {
    this.#turnAt = Date.now();
    this.#turnMs = ms;
  }
}

/** Ends with all of them, or when it has taken so long that one of them may never end. */
async function settled(promises) {
  let timer;
  const late = new Promise((end) => (timer = unref(setTimeout(end, SETTLED_WITHIN_MS))));
  await Promise.race([Promise.all(promises), late]);
  clearTimeout(timer);
}

const MOST_KEPT = 10_000;
const A_BATCH = 1_000;
const HANDED_WITHIN_MS = 1_000;
const SETTLED_WITHIN_MS = 3_000;
