// What was decided about which key, counted: never a request a call.

/** Counts by generation, scopes and outcome, and says how many decisions it had no room for. */
export class UsageCounts {
  /** When the first decision that is counted here was, in Unix milliseconds; nothing before there is one. */
  since;
  /** Of the day that is counted. */
  #byGeneration = new Map();
  #day;
  /** Of days before: a report is of one day. */
  #earlier = [];
  #size = 0;
  #lost = 0;

  /** Counts a decision about a key whose tag was right. */
  count({ keyId, statusIndex }, scopes, outcome, now) {
    this.since ??= now;
    const second = Math.floor(now / 1_000);
    const day = Math.floor(second / DAY_S);
    if (day !== this.#day) {
      if (this.#byGeneration.size > 0) this.#earlier.push(this.#byGeneration);
      this.#byGeneration = new Map();
      this.#day = day;
    }
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
    kinds.set(kind, { key_id: keyId(), status_index: statusIndex, scopes: [scopes].flat().slice(0, SCOPES_AN_ENTRY), outcome, count: 1, first: second, last: second });
  }

  /** Whether there is a whole report of them. */
  get isFull() {
    return this.#size >= ENTRIES_A_REPORT;
  }

  /** Takes out what a report may hold; nothing if there is nothing to tell. */
  take() {
    if (this.#size === 0 && this.#lost === 0) return undefined;
    const entries = [];
    const ofADay = this.#earlier[0] ?? this.#byGeneration;
    let length = 0;
    for (const [generation, kinds] of ofADay) {
      for (const [kind, entry] of kinds) {
        length += ENTRY_LENGTH + JSON.stringify(entry.scopes).length;
        if (entries.length === ENTRIES_A_REPORT || length > REPORT_LENGTH) break;
        entries.push(entry);
        kinds.delete(kind);
      }
      if (kinds.size === 0) ofADay.delete(generation);
    }
    if (ofADay.size === 0 && ofADay === this.#earlier[0]) this.#earlier.shift();
    this.#size -= entries.length;
    const lost = Math.min(this.#lost, MOST_LOST);
    this.#lost -= lost;
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

/** As many as one report takes, as bytes of JSON and as a number; a requirement of more scopes is told by the first of them. */
const ENTRIES_A_REPORT = 256;
const REPORT_LENGTH = 60_000;
const SCOPES_AN_ENTRY = 16;
const MOST_LOST = 1_000_000_000_000;
/** An entry without its scopes is no longer. */
const ENTRY_LENGTH = 200;
const DAY_S = 86_400;
const MOST_ENTRIES = 8_192;
