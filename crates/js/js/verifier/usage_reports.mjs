// Telling the registry what was decided: once a minute at most, the same report again until it is taken, losses declared.

import { endsWithRequest } from "#platform";
import { OptionError, TransportError } from "../errors.mjs";
import { known } from "../options.mjs";
import { keepAlive } from "./keep_alive.mjs";
import { within } from "./list_refresh.mjs";
import { Outage } from "./outage.mjs";
import { unref } from "./unref.mjs";
import { oldest, periodOf, UsageCounts } from "./usage_counts.mjs";

/** The reports of one verifier. */
export class UsageReports {
  /** Reports that are not taken. */
  outage;
  #counts = new UsageCounts();
  #transport;
  #name;
  #everyMs;
  #now;
  /** What was sent and not answered, or is to be sent in halves: each is sent again as it was, so that it counts once. */
  #unanswered = [];
  #sending;
  #startedAt = -Infinity;
  #triedAt = -Infinity;
  #timer;

  /** `usage`: the option of that name. */
  constructor({ transport, usage, now }) {
    const { verifier: name, everyMs = 60_000 } = checkUsage(usage);
    if (transport.report === undefined) throw new OptionError("no_registry", "usage is reported to a registry, and there is none");
    this.#transport = transport;
    this.#name = name;
    this.#everyMs = everyMs;
    this.#now = now;
    this.outage = new Outage("usage is not reported", now);
  }

  /** Counts a decision, and begins a report if it is time; nobody waits for it. */
  count(claims, scopes, outcome, waitUntil) {
    const now = this.#now();
    if (TOLD.has(outcome)) this.#counts.count({ keyId: () => claims.keyId, statusIndex: claims.statusIndex }, scopes, outcome, now);
    else this.#counts.lose(now);
    const isFull = this.outage.code === undefined && this.#counts.isFull && hasPassed(now - this.#triedAt, FULL_EVERY_MS);
    if (!isFull && !this.#isDue(now)) this.#wake();
    else if (!this.#isSending) keepAlive(waitUntil, this.#begin());
  }

  /** Sends what is counted by now; ends when it is taken, or was not. */
  async send() {
    // What is under way was taken out before.
    if (this.#isSending) await this.#sending;
    await this.#begin();
  }

  #begin() {
    if (this.#isSending) return this.#sending;
    this.#triedAt = this.#now();
    const sending = this.#sendAll().finally(() => {
      if (this.#sending === sending) this.#sending = undefined;
      if (this.#hasMore) this.#wake();
    });
    this.#sending = sending;
    return sending;
  }

  /** WHY by the clock, too: in Workers what one request began ends with it, and nobody is told. */
  get #isSending() {
    return this.#sending !== undefined && Math.abs(this.#now() - this.#startedAt) < 2 * GIVE_UP_MS;
  }

  #isDue(now) {
    if (!hasPassed(now - this.#triedAt, this.#everyMs)) return false;
    return this.#unanswered.length > 0 || hasPassed(now - this.#counts.since, this.#everyMs);
  }

  get #hasMore() {
    return this.#unanswered.length > 0 || !this.#counts.isEmpty;
  }

  /** Sends without a further call, where something can go on without one. */
  #wake() {
    if (endsWithRequest || this.#timer !== undefined) return;
    const wake = () => {
      this.#timer = undefined;
      if (this.#isDue(this.#now())) this.#begin();
      else if (this.#hasMore) this.#wake();
    };
    this.#timer = unref(setTimeout(wake, this.#everyMs + AFTER_DUE_MS));
  }

  async #sendAll() {
    let isTaken = false;
    for (let refusals = 0; refusals < MOST_REFUSALS; ) {
      const now = Math.floor(this.#now() / 1_000);
      if (!Number.isFinite(now)) return;
      if (this.#unanswered.length === 0) {
        // What is counted from here on is the next time's: calls that never pause are no request each.
        if (isTaken) return;
        isTaken = true;
        this.#takeAll(now);
        if (this.#unanswered.length === 0) return;
      }
      const [report] = this.#unanswered;
      if (report.entries.length > 0 && report.period.until < oldest(now)) {
        this.#lose(report);
        continue;
      }
      this.#startedAt = this.#now();
      try {
        const end = AbortSignal.timeout(GIVE_UP_MS);
        await within(this.#transport.report(report, end), end);
        this.outage.ended();
      } catch (error) {
        this.outage.failed(error);
        if (!(error instanceof TransportError && error.code === "report_refused")) return;
        refusals += 1;
        // Another one that began when this one seemed to have ended may have it in halves already.
        if (!this.#unanswered.includes(report)) continue;
        if (report.entries.length > 1 && mayBeOneEntrys(error)) {
          this.#unanswered.splice(this.#unanswered.indexOf(report), 1, ...this.#halves(report, now));
          continue;
        }
        this.#lose(report);
        // A loss that cannot be declared waits for better times.
        if (report.entries.length === 0) return;
        continue;
      }
      this.#remove(report);
    }
  }

  #takeAll(now) {
    for (let taken; (taken = this.#counts.take(now)); ) this.#unanswered.push({ report_id: crypto.randomUUID(), verifier: this.#name, ...taken });
  }

  #halves({ entries, lost }, now) {
    const middle = entries.length >> 1;
    return [entries.slice(0, middle), entries.slice(middle)].map((half, place) => ({
      report_id: crypto.randomUUID(), verifier: this.#name, period: periodOf(half, now), entries: half, lost: place === 0 ? lost : 0,
    }));
  }

  #lose(report) {
    this.#remove(report);
    this.#counts.loseAll(report, this.#now());
  }

  #remove(report) {
    const place = this.#unanswered.indexOf(report);
    if (place >= 0) this.#unanswered.splice(place, 1);
  }
}

/** Gives the option `usage` back; throws `OptionError` for one that is none. */
export function checkUsage(usage) {
  const { verifier: name, everyMs = 60_000 } = known(usage, ["verifier", "everyMs"], "usage");
  if (typeof name !== "string" || !NAME.test(name)) throw new OptionError("invalid_option", "usage.verifier is 1 to 63 of a-z 0-9 : . _ / -");
  // The registry takes no report of this name but its own.
  if (name === "forward-auth") throw new OptionError("invalid_option", "usage.verifier: forward-auth is what the registry calls itself");
  if (typeof everyMs !== "number" || !(everyMs >= 1_000 && everyMs <= 86_400_000)) {
    throw new OptionError("invalid_option", "usage.everyMs is a number from 1000 to 86400000");
  }
  return usage;
}

/**
 * Whether a report may be refused for some of its entries, which would take all others with them. What is refused for its period or its
 * name is so in halves, too. Where no field is named it may be too long, or somebody before the registry does not like what is in it.
 */
function mayBeOneEntrys({ field }) {
  return field === undefined || field.startsWith("entries");
}

/** Whether so many milliseconds have passed. A clock that was ahead says nothing of when it was: then they have. */
function hasPassed(sinceMs, ms) {
  return sinceMs >= ms || sinceMs < 0;
}

const NAME = /^[a-z0-9][a-z0-9:._/-]{0,62}$/;
/** What the registry counts: outcomes of keys whose tag was right. */
const TOLD = new Set([
  "allow", "outside_window", "never_issued", "expired", "not_yet_valid", "inactive", "revoked", "suspended", "retired", "scope_missing", "narrowed",
  "address_not_allowed", "list_stale", "clock_behind", "no_key_set", "registry_unavailable",
]);
const FULL_EVERY_MS = 1_000;
const GIVE_UP_MS = 5_000;
/** Timers may be early. */
const AFTER_DUE_MS = 50;
/** Of one attempt: where all is refused, the rest waits for the next one. One bad entry of 256 costs nine. */
const MOST_REFUSALS = 32;
