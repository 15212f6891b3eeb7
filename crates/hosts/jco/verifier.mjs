// The verifier of one audience in one process: judges a key, and does what the component asks for.

import { setTimeout as sleep } from "node:timers/promises";

import { Instance } from "./component.mjs";
import { HighWater } from "./high_water.mjs";
import { ListRefresh } from "./list_refresh.mjs";

/** One instance, with its list and its key set kept as new as they must be. */
export class Verifier {
  #registry;
  #instance;
  #highWater;
  #etag;
  #now;
  #list;
  #renewing;
  #renewedAt = -Infinity;
  #lateAt = -Infinity;

  /**
   * Fetches the key set, and the list if it can be had: without one nothing is allowed, and the first call tries again. `highWater`: what
   * verifiers before this one had.
   */
  static async of(instantiate, registry, { now = Date.now, highWater = new HighWater() } = {}) {
    const { bytes, etag } = await registry.keySet();
    let instance;
    try {
      instance = new Instance(instantiate, bytes);
    } finally {
      bytes.fill(0);
    }
    highWater.mayBegin(instance.keySet);
    highWater.keySetTaken(instance.keySet);
    const verifier = new Verifier({ instance, registry, highWater, etag, now });
    await verifier.#list.first();
    return verifier;
  }

  constructor({ instance, registry, highWater, etag, now }) {
    this.#instance = instance;
    this.#registry = registry;
    this.#highWater = highWater;
    this.#etag = etag;
    this.#now = now;
    this.#list = new ListRefresh({ instance, registry, highWater, now, adopted: () => this.#renewIfNamed() });
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
        refreshFailed = refreshFailed !== undefined || !(await this.#list.refresh());
      } else if (verdict.registry) {
        if (wasAsked) return UNAVAILABLE;
        registry = await this.#confirmed(verdict.registry, { key, scopes, any, address });
        if (registry.deny) return registry;
      } else if (verdict.deny?.reason === "no_key_set" && !hasRenewed) {
        hasRenewed = true;
        await this.#renewInTime();
      } else {
        this.#list.ahead(now);
        return verdict;
      }
    }
  }

  /** Begins a renewal if the list in force names a newer key set. */
  #renewIfNamed() {
    if (!this.isSpent && this.#instance.list?.currentKeySet > this.#instance.keySet.version) void this.#renew();
  }

  /** Waits for a newer key set. What takes longer counts as failed: the next second's calls wait no more. */
  async #renewInTime() {
    const renewed = this.#renew().then(() => true);
    const sinceLate = this.#now() - this.#lateAt;
    if (sinceLate >= 0 && sinceLate < LATE_FOR_MS) return;
    const late = new AbortController();
    const isInTime = await Promise.race([renewed, sleep(WAIT_MS, false, { signal: late.signal }).catch(() => {})]);
    late.abort();
    if (!isInTime) this.#lateAt = this.#now();
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
      this.#highWater.keySetTaken(this.#instance.keySet);
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
    const { decision, reason, status, retry_after_s: retryAfterS } = answer ?? {};
    if (decision !== "deny" || typeof reason !== "string" || !Number.isInteger(status) || status < 400 || status >= 500) return "failed";
    const code = { status, code: reason, error: status === 403 ? "insufficient_scope" : status === 401 ? "invalid_token" : undefined };
    return { deny: { reason, answer: status === 429 ? { ...code, retryAfterS: fits(retryAfterS, U32) ? retryAfterS : USUAL_RETRY_AFTER_S } : code } };
  }
}

/** What a registry's answer is in the interface's words; nothing where it is none of ours. */
function verdictOf(answer) {
  const { decision, status, reason, tenant, audience, key_id: keyId, status_index: statusIndex, subject, expires_at: expiresAtS, narrowed, list } = answer ?? {};
  if (decision === "deny") return VERDICTS.get(reason);
  if (decision !== "allow" || status !== 200 || list?.zone !== "registry") return undefined;
  // jco takes a number that is too large for another one, and whatever there is for a truth value.
  if (!fits(tenant, 0xffff) || !fits(audience, 0xff) || !fits(statusIndex, U32) || !fits(expiresAtS, U32) || !fits(list.sequence, Number.MAX_SAFE_INTEGER)) return undefined;
  if (typeof keyId !== "string" || typeof subject !== "string" || typeof narrowed !== "boolean") return undefined;
  return { tenant, audience, keyId, statusIndex, subject, expiresAtS, narrowed, sequence: BigInt(list.sequence) };
}

const fits = (number, most) => Number.isSafeInteger(number) && number >= 0 && number <= most;
const U32 = 0xffff_ffff;
const VERDICTS = new Map([["revoked", "revoked"], ["suspended", "suspended"], ["retired", "retired"], ["expired", "expired"], ["invalid_token", "never-issued"]]);
const UNAVAILABLE = { deny: { reason: "registry_unavailable", answer: { status: 503, code: "registry_unavailable", retryAfterS: 1 } } };
const WAIT_MS = 500;
const LATE_FOR_MS = 1_000;
const USUAL_RETRY_AFTER_S = 60;
const RENEW_EVERY_MS = 2_000;
