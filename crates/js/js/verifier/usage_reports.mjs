// Telling the registry what was decided: once a minute at most, the same report again until it is taken, losses declared.

import { OptionError, TransportError } from "../errors.mjs";
import { within } from "./list_refresh.mjs";
import { UsageCounts } from "./usage_counts.mjs";

/** The reports of one verifier. */
export class UsageReports {
  /** Why the last report was not taken; nothing since one was. */
  lastError;
  #counts = new UsageCounts();
  #transport;
  #name;
  #everyMs;
  #now;
  /** Of what was sent and not answered: it is sent again as it was, so that it counts once. */
  #unanswered;
  #sending;
  #startedAt = -Infinity;
  #triedAt = -Infinity;

  /** `name`: what the verifier calls itself; `everyMs`: milliseconds between reports. */
  constructor({ transport, name, everyMs = 60_000, now }) {
    if (transport.report === undefined) throw new OptionError("no_registry", "usage is reported to a registry, and there is none");
    if (!NAME.test(name)) throw new OptionError("invalid_option", "usage.verifier is 1 to 63 of a-z 0-9 : . _ / -");
    if (!(everyMs >= 1_000)) throw new OptionError("invalid_option", "usage.everyMs is at least 1,000 milliseconds");
    this.#transport = transport;
    this.#name = name;
    this.#everyMs = everyMs;
    this.#now = now;
  }

  /** Counts a decision, and begins a report if it is time; nobody waits for it. */
  count(claims, scopes, outcome, keepAlive) {
    if (!TOLD.has(outcome)) return;
    const now = this.#now();
    this.#counts.count({ keyId: () => claims.keyId, statusIndex: claims.statusIndex }, scopes, outcome, now);
    // Also where the clock has stepped back since.
    const isPast = (at, ms) => Math.abs(now - at) >= ms;
    const isTime = isPast(this.#triedAt, this.#everyMs) && isPast(this.#counts.since, this.#everyMs);
    const isFull = this.#counts.isFull && isPast(this.#triedAt, FULL_EVERY_MS);
    if (!this.#isSending && (isTime || isFull)) {
      const sent = this.send();
      keepAlive?.(sent);
    }
  }

  /** Sends what there is; ends when it is taken, or was not. */
  send() {
    if (this.#isSending) return this.#sending;
    this.#triedAt = this.#now();
    const sending = this.#sendAll().finally(() => {
      if (this.#sending === sending) this.#sending = undefined;
    });
    this.#sending = sending;
    return sending;
  }

  /** WHY by the clock, too: in Workers what one request began ends with it, and nobody is told. */
  get #isSending() {
    return this.#sending !== undefined && Math.abs(this.#now() - this.#startedAt) < 2 * GIVE_UP_MS;
  }

  async #sendAll() {
    for (;;) {
      const report = (this.#unanswered ??= this.#next());
      if (report === undefined) return;
      this.#startedAt = this.#now();
      try {
        const end = AbortSignal.timeout(GIVE_UP_MS);
        await within(this.#transport.report(report, end), end);
        this.lastError = undefined;
      } catch (error) {
        this.lastError = error?.code ?? error?.name ?? "failed";
        // What is refused for good would keep all others out.
        if (!(error instanceof TransportError && error.code === "report_refused")) return;
        if (this.#unanswered === report) {
          this.#counts.loseAll(report);
          this.#unanswered = undefined;
        }
        // WHY not the next one at once: it is perhaps refused for the same reason, and what is lost is told by one more.
        return;
      }
      // Another one that began when this one seemed to have ended may be at the next.
      if (this.#unanswered === report) this.#unanswered = undefined;
    }
  }

  #next() {
    const taken = this.#counts.take();
    if (taken === undefined) return undefined;
    const seconds = taken.entries.flatMap(({ first, last }) => [first, last]);
    if (seconds.length === 0) seconds.push(Math.floor(this.#now() / 1_000));
    // Of one day, since the entries are.
    const period = { from: Math.min(...seconds), until: Math.max(...seconds) };
    return { report_id: crypto.randomUUID(), verifier: this.#name, period, ...taken };
  }
}

const NAME = /^[a-z0-9][a-z0-9:._/-]{0,62}$/;
/** What the registry counts: outcomes of keys whose tag was right. */
const TOLD = new Set([
  "allow", "outside_window", "never_issued", "expired", "not_yet_valid", "inactive", "revoked", "suspended", "retired", "scope_missing", "narrowed",
  "address_not_allowed", "list_stale", "clock_behind", "no_key_set", "registry_unavailable",
]);
const FULL_EVERY_MS = 1_000;
const GIVE_UP_MS = 5_000;
