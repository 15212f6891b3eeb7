// The verifier of one audience in one process: judges a key, and does what the component asks for.

import { setTimeout as sleep } from "node:timers/promises";

import { Instance } from "./component.mjs";

/** One instance, with its list and its key set kept as new as they must be. */
export class Verifier {
  #registry;
  #instance;
  #etag;
  #now;
  /** Under way, one of each. */
  #refreshing;
  #renewing;
  #failedAt = -Infinity;
  #renewedAt = -Infinity;
  #aheadAt = 0;
  #issuedAt;
  #freshFor;

  /** Fetches the key set, and the list if it can be had: without one nothing is allowed, and the first call tries again. */
  static async of(instantiate, registry, now = Date.now) {
    const { bytes, etag } = await registry.keySet();
    const verifier = new Verifier(new Instance(instantiate, bytes), registry, etag, now);
    bytes.fill(0);
    await verifier.#freshened();
    return verifier;
  }

  constructor(instance, registry, etag, now) {
    this.#instance = instance;
    this.#registry = registry;
    this.#etag = etag;
    this.#now = now;
    this.#freshFor = instance.keySet.freshForMs;
  }

  /** Whether the component did not come back from a call: another verifier must take its place. */
  get isSpent() {
    return this.#instance.isSpent;
  }

  /** What it rests on. */
  get status() {
    return { ...this.#instance.keySet, list: this.#instance.list };
  }

  /** `{ allow }` or `{ deny }`: refreshes the list and asks the registry where that is owed. */
  async decide(key, scopes, { any, strict, address } = {}) {
    let [refreshFailed, registry, hasRenewed] = [undefined, undefined, false];
    for (;;) {
      const now = this.#now();
      const requirement = this.#instance.requirement(scopes, { any, strict });
      const verdict = this.#instance.verify(key, requirement, now, { address, refreshFailed: refreshFailed === true, registry });
      // An answer serves one verification, and is asked for once.
      const wasAsked = registry !== undefined;
      if (wasAsked) registry = "failed";
      if (verdict.refresh) {
        // A list that was just brought and is not fresh any more counts as not brought.
        refreshFailed = refreshFailed !== undefined || !(await this.#freshened());
      } else if (verdict.registry) {
        if (wasAsked) return UNAVAILABLE;
        registry = await this.#confirmed(verdict.registry, { key, scopes, any, address });
        if (registry.deny) return registry;
      } else if (verdict.deny?.reason === "no_key_set" && !hasRenewed) {
        hasRenewed = true;
        await Promise.race([this.#renew(), sleep(WAIT_MS)]);
      } else {
        if (now >= this.#aheadAt && !this.#hasJustFailed) void this.#refresh();
        return verdict;
      }
    }
  }

  get #isFresh() {
    return this.#issuedAt !== undefined && this.#now() - this.#issuedAt <= this.#freshFor;
  }

  get #hasJustFailed() {
    const since = this.#now() - this.#failedAt;
    return since >= 0 && since < FAILED_FOR_MS;
  }

  /** Whether a list of age ≤ fresh-for is in force after half a second at most. */
  async #freshened() {
    if (this.#isFresh) return true;
    if (this.#hasJustFailed) return false;
    const late = new AbortController();
    await Promise.race([this.#refresh(), sleep(WAIT_MS, undefined, { signal: late.signal }).catch(() => {})]);
    late.abort();
    return this.#isFresh;
  }

  #refresh() {
    this.#refreshing ??= this.#bring().catch(() => false).then((isBrought) => {
      this.#refreshing = undefined;
      if (!isBrought || !this.#isFresh) this.#failedAt = this.#now();
      // Drawn anew each time, so that many verifiers do not ask at once.
      this.#aheadAt = (this.#issuedAt ?? 0) + (0.5 + 0.3 * Math.random()) * this.#freshFor;
      if (!this.isSpent && this.#instance.list?.currentKeySet > this.#instance.keySet.version) void this.#renew();
    });
    return this.#refreshing;
  }

  async #bring() {
    const { tenant, freshForMs } = this.#instance.keySet;
    const head = await this.#registry.head(tenant);
    const name = this.#instance.applyList(head, undefined, this.#now());
    const needed = name && this.#instance.applyList(head, await this.#registry.state(tenant, name), this.#now());
    this.#issuedAt = this.#instance.list?.issuedAtMs;
    this.#freshFor = freshForMs;
    return needed === undefined;
  }

  #renew() {
    if (this.#renewing === undefined && this.#now() - this.#renewedAt < RENEW_EVERY_MS) return Promise.resolve();
    this.#renewing ??= this.#renewed().catch(() => {}).then(() => (this.#renewing = undefined));
    return this.#renewing;
  }

  async #renewed() {
    this.#renewedAt = this.#now();
    const given = await this.#registry.keySet(this.#etag);
    if (given === undefined) return;
    try {
      this.#instance.renew(given.bytes);
      this.#etag = given.etag;
    } finally {
      given.bytes.fill(0);
    }
  }

  /** The component's confirmation, "failed", or a denial for a reason that the component has no word for. */
  async #confirmed(question, asked) {
    let answer;
    try {
      answer = await this.#registry.confirm(asked);
    } catch {
      return "failed";
    }
    const verdict = verdictOf(answer);
    if (verdict !== undefined) return this.#instance.answer(question, verdict) ?? "failed";
    // What is no refusal of the caller's is no answer.
    const { decision, reason, status } = answer ?? {};
    if (decision !== "deny" || typeof reason !== "string" || !(status >= 400 && status < 500)) return "failed";
    const code = { status, code: reason, error: status === 403 ? "insufficient_scope" : status === 401 ? "invalid_token" : undefined };
    return { deny: { reason, answer: status === 429 ? { ...code, retryAfterS: 1 } : code } };
  }
}

function verdictOf(answer) {
  const { decision, reason, tenant, audience, key_id: keyId, list } = answer ?? {};
  if (decision === "deny") return VERDICTS.get(reason);
  const fits = (number, most) => Number.isSafeInteger(number) && number >= 0 && number <= most;
  const sequence = list?.sequence ?? 0;
  // jco takes a number that is too large for another one.
  if (decision !== "allow" || !fits(tenant, 0xffff) || !fits(audience, 0xff) || !fits(sequence, Number.MAX_SAFE_INTEGER) || typeof keyId !== "string") return undefined;
  return { tenant, audience, keyId, sequence: BigInt(sequence) };
}

const VERDICTS = new Map([["revoked", "revoked"], ["suspended", "suspended"], ["retired", "retired"], ["expired", "expired"], ["invalid_token", "never-issued"]]);
const UNAVAILABLE = { deny: { reason: "registry_unavailable", answer: { status: 503, code: "registry_unavailable", retryAfterS: 1 } } };
const WAIT_MS = 500;
const FAILED_FOR_MS = 1_000;
const RENEW_EVERY_MS = 2_000;
