// What was decided about which key, counted: never a request a call.

/** Counts by generation, scopes and outcome, and says how many decisions it had no room for. */
export class UsageCounts {
  /** When the first decision that is counted here was, in Unix milliseconds; nothing before there is one. */
  since;
  #byGeneration = new Map();
  #size = 0;
  #lost = 0;

  /** Counts a decision about a key whose tag was right. */
  count({ keyId, statusIndex }, scopes, outcome, now) {
    this.since ??= now;
    const second = Math.floor(now / 1_000);
    let kinds = this.#byGeneration.get(statusIndex);
    if (kinds === undefined) {
      if (this.#size >= MOST_ENTRIES) return this.#lose();
      this.#byGeneration.set(statusIndex, (kinds = new Map()));
    }
    const kind = `${outcome} ${scopes}`;
    const entry = kinds.get(kind);
    if (entry !== undefined) {
      entry.count += 1;
      entry.last = Math.max(entry.last, second);
      return;
    }
    if (this.#size >= MOST_ENTRIES) return this.#lose();
    this.#size += 1;
    kinds.set(kind, { key_id: keyId(), status_index: statusIndex, scopes: [scopes].flat(), outcome, count: 1, first: second, last: second });
  }

  /** Whether there is a whole report of them. */
  get isFull() {
    return this.#size >= ENTRIES_A_REPORT;
  }

  /** Takes out what a report may hold; nothing if there is nothing to tell. */
  take() {
    if (this.#size === 0 && this.#lost === 0) return undefined;
    const entries = [];
    for (const [generation, kinds] of this.#byGeneration) {
      for (const [kind, entry] of kinds) {
        if (entries.length === ENTRIES_A_REPORT) break;
        entries.push(entry);
        kinds.delete(kind);
      }
      if (kinds.size === 0) this.#byGeneration.delete(generation);
    }
    this.#size -= entries.length;
    const lost = this.#lost;
    this.#lost = 0;
    if (this.#size === 0) this.since = undefined;
    return { entries, lost };
  }

  /** Counts as lost what a report that was refused for good held. */
  loseAll({ entries, lost }) {
    this.#lost += lost + entries.reduce((sum, { count }) => sum + count, 0);
  }

  #lose() {
    this.#lost += 1;
  }
}

/** As many as one report takes. */
const ENTRIES_A_REPORT = 256;
const MOST_ENTRIES = 8_192;
