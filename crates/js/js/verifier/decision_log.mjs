// A line for every decision, for whoever wants one. It comes after the decision, and nothing that it does changes it.

/** Hands entries to a hook, a batch at a time, when the call that they are about has been answered. */
export class DecisionLog {
  #hook;
  #entries = [];
  #lost = 0;
  #scheduledAt = -Infinity;

  /** `hook`: is called with one entry; what it throws is dropped. */
  constructor(hook) {
    this.#hook = hook;
  }

  /** Whether anybody wants entries. */
  get isKept() {
    return this.#hook !== undefined;
  }

  /** Keeps an entry; `lost` of the next one that is kept says how many were dropped before it. */
  push(entry, keepAlive) {
    if (this.#entries.length >= MOST_WAITING) {
      this.#lost += 1;
      return;
    }
    this.#entries.push(Object.freeze(this.#lost > 0 ? { ...entry, lost: this.#lost } : entry));
    this.#lost = 0;
    // WHY by the clock, too: in Workers a timer ends with the request that set it.
    const now = Date.now();
    if (this.#entries.length > 1 && Math.abs(now - this.#scheduledAt) < HANDED_WITHIN_MS) return;
    this.#scheduledAt = now;
    const handed = new Promise((resolve) => setTimeout(resolve, 0)).then(() => this.#hand());
    keepAlive?.(handed);
  }

  async #hand() {
    const entries = this.#entries;
    this.#entries = [];
    for (const entry of entries) {
      try {
        await this.#hook(entry);
      } catch {
        // A log that cannot be written stops no request.
      }
    }
  }
}

const MOST_WAITING = 10_000;
const HANDED_WITHIN_MS = 1_000;
