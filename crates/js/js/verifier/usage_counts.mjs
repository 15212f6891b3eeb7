// What was decided about which key, counted: never a request a call.

/** Counts by day, generation, scopes and outcome, and says how many decisions it had no room or no words for. */
export class UsageCounts {
  /** When the first decision that is counted here was, in Unix milliseconds; nothing before there is one. */
  since;
  #byGeneration = new Map();
  #size = 0;
  #lost = 0;

  /** Counts a decision about a key whose tag was right. */
  count({ keyId, statusIndex }, scopes, outcome, now) {
    const second = Math.floor(now / 1_000);
    if (!(second >= 0 && second < 2 ** 32)) return this.lose(now);
    this.since ??= now;
    // By day, as the registry keeps them: a period within one day is never longer than it takes.
    const kind = `${dayOf(second)} ${outcome} ${scopes}`;
    const kinds = this.#byGeneration.get(statusIndex);
    const entry = kinds?.get(kind);
    if (entry !== undefined && entry.count < MOST_OF_A_KIND) {
      entry.count += 1;
      entry.first = Math.min(entry.first, second);
      entry.last = Math.max(entry.last, second);
      return undefined;
    }
    const named = [...new Set([scopes].flat())];
    // WHY lost, and not told by the first 16: whoever reads that a scope was never used takes it away.
    if (entry !== undefined || this.#size >= MOST_ENTRIES || named.length > MOST_SCOPES) return this.lose(now);
    this.#size += 1;
    const told = { key_id: keyId(), status_index: statusIndex, scopes: named, outcome, count: 1, first: second, last: second };
    if (kinds === undefined) this.#byGeneration.set(statusIndex, new Map([[kind, told]]));
    else kinds.set(kind, told);
    return undefined;
  }

  /** Counts a decision that cannot be told otherwise. */
  lose(now) {
    if (Number.isFinite(now)) this.since ??= now;
    this.#lost += 1;
  }

  /** Whether there is a whole report of them. */
  get isFull() {
    return this.#size >= ENTRIES_A_REPORT;
  }

  /** Whether there is nothing to tell. */
  get isEmpty() {
    return this.#size === 0 && this.#lost === 0;
  }

  /**
   * Takes out what a report may hold, all of one day, and when it was; nothing if there is nothing to tell. `now`: Unix seconds.
   */
  take(now) {
    const entries = [];
    let day;
    for (const [generation, kinds] of this.#byGeneration) {
      for (const [kind, entry] of kinds) {
        if (entries.length === ENTRIES_A_REPORT) break;
        // What was counted while the clock was ahead has been decided by now.
        entry.first = Math.min(entry.first, now);
        entry.last = Math.min(entry.last, now);
        const isTooOld = entry.last < oldest(now);
        if (!isTooOld && dayOf(entry.last) !== (day ??= dayOf(entry.last))) continue;
        if (isTooOld) this.#lost += entry.count;
        else entries.push(entry);
        kinds.delete(kind);
        this.#size -= 1;
      }
      if (kinds.size === 0) this.#byGeneration.delete(generation);
    }
    const lost = this.#lost;
    this.#lost = 0;
    if (this.#size === 0) this.since = undefined;
    if (entries.length === 0 && lost === 0) return undefined;
    return { period: periodOf(entries, now), entries, lost };
  }

  /** Counts as lost what a report held that nobody takes. */
  loseAll({ entries, lost }, now) {
    this.since ??= now;
    this.#lost += lost + entries.reduce((sum, { count }) => sum + count, 0);
  }
}

/** From the first of the entries' seconds to the last one; now if there is none. */
export function periodOf(entries, now) {
  if (entries.length === 0) return { from: now, until: now };
  return { from: Math.min(...entries.map(({ first }) => first)), until: Math.max(...entries.map(({ last }) => last)) };
}

/** The first second of which the registry still takes what was decided, and a minute for the way. */
export function oldest(now) {
  return now - MAX_AGE_S + 60;
}

function dayOf(second) {
  return Math.floor(second / DAY_S);
}

// What the registry takes: crates/registry/src/usage/report.rs.
const ENTRIES_A_REPORT = 256;
const MOST_SCOPES = 16;
const MOST_OF_A_KIND = 1_000_000_000;
const DAY_S = 86_400;
const MAX_AGE_S = 7 * DAY_S;
const MOST_ENTRIES = 8_192;
