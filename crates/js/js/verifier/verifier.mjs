// Protecting an API: whether a request's key is authentic, alive and allowed.

import { waitUntil as waitUntilOfRuntime } from "#platform";
import { ALLOW, ASK_REFRESH, ASK_REGISTRY, Instance, MISUSE, REASONS, REFRESH_FAILED, REGISTRY_FAILED } from "../instance.mjs";
import { OptionError } from "../errors.mjs";
import { OperatorLine } from "../operator_line.mjs";
import { callerAddress } from "./caller_address.mjs";
import { credentialOf } from "./credential.mjs";
import { Decision } from "./decision.mjs";
import { DecisionLog } from "./decision_log.mjs";
import { KeySetRenewal } from "./key_set_renewal.mjs";
import { ListRefresh } from "./list_refresh.mjs";
import { CallOptions, checkOptions, NONE, transportOf } from "./options.mjs";
import { RegistryQuestions } from "./registry_questions.mjs";
import { Requirements } from "./requirements.mjs";
import { UsageReports } from "./usage_reports.mjs";

/** The verifier of one audience. */
export class Verifier {
  #instance;
  #list;
  #keySet;
  #requirements;
  #calls = new CallOptions();
  #log;
  #usage;
  #header;
  #address;
  #waitUntil;
  #now;
  #verifications = 0;
  #registry;
  #unknownCaller = new OperatorLine("address_not_allowed for a key of some networks");

  constructor(parts) {
    const { instance, transport, facts, etag, options } = parts;
    this.#instance = instance;
    this.#now = options.now ?? Date.now;
    this.#header = options.header ?? "Authorization";
    this.#address = options.address ?? (() => undefined);
    this.#waitUntil = options.waitUntil ?? waitUntilOfRuntime;
    this.#requirements = new Requirements(instance, () => this.#keySet.facts.names.values());
    this.#log = new DecisionLog(options.onDecision);
    const now = this.#now;
    this.#registry = new RegistryQuestions({ instance, transport, now, waitMs: options.strictTimeoutMs ?? 2_000, names: () => this.#keySet.facts.names });
    const { usage } = options;
    if (usage !== undefined) this.#usage = new UsageReports({ transport, usage, now });
    this.#keySet = new KeySetRenewal({ instance, transport, now, facts, etag, renewed: () => this.#requirements.forget() });
    const adopted = (waitUntil) => this.#keySet.ahead(waitUntil);
    this.#list = new ListRefresh({ instance, transport, now, waitMs: options.refreshTimeoutMs ?? 500, adopted });
  }

  /**
   * Fetches the key set, and the list if it can be had. `compiled`: the module, as this runtime loads it; `waitUntil`: of the
   * request that this is for.
   *
   * @returns {Promise<Verifier>}
   */
  static async of(compiled, options, waitUntil) {
    checkOptions(options);
    const transport = transportOf(options);
    const { instance, facts, etag } = await KeySetRenewal.first(transport, (bytes) => new Instance(compiled, bytes));
    const verifier = new Verifier({ instance, transport, facts, etag, options });
    // Without a list nothing is allowed; the first call tries again.
    await verifier.#list.first(waitUntil ?? verifier.#waitUntil);
    return verifier;
  }

  /** Judges the key that a Fetch request brings. */
  authorize(request, scopes, options) {
    return promised(() => this.decided(request, scopes, options));
  }

  /** The same for requests of another kind: the URL, and a function that gives a header's value. */
  authorizeHeaders(url, values, scopes, options = NONE) {
    return promised(() => {
      const call = this.#calls.read(options);
      return this.#decidedOf(credentialOf(url, this.#header, values), scopes, call, call.address);
    });
  }

  /** Judges a key: refreshes the list and asks the registry where that is owed. */
  verify(key, scopes, options = NONE) {
    return promised(() => {
      const call = this.#calls.read(options);
      return this.#decidedKey(key, scopes, call, call.address);
    });
  }

  /**
   * What `authorize` promises, at once where nothing has to be waited for: a promise costs as much as reading the header.
   *
   * @returns {Decision | Promise<Decision>}
   */
  decided(request, scopes, options = NONE) {
    const call = this.#calls.read(options);
    const headers = request?.headers;
    if (typeof headers?.get !== "function") throw new OptionError("invalid_option", "authorize takes a Fetch Request: there is verify for a key, and authorizeHeaders for other requests");
    const credential = credentialOf(request.url, this.#header, (name) => headers.get(name));
    return this.#decidedOf(credential, scopes, call, call.address ?? this.#address(request));
  }

  /** What the option `address` says of a request, whichever framework's it is. */
  addressOf(request) {
    return this.#address(request);
  }

  #decidedOf({ key, reason, more }, scopes, options, address) {
    if (key === undefined) return this.#told(new Decision("deny", reason, undefined, undefined, more), scopes, options);
    return this.#decidedKey(key, scopes, options, address);
  }

  #decidedKey(key, scopes, options, address) {
    const caller = address === undefined ? NOT_KNOWN : callerAddress(address);
    const now = this.#now();
    const verdict = this.#judge(key, this.#required(scopes, options), now, caller.kind << 3, 0, caller);
    this.#verifications += 1;
    if (OWING.has(verdict & 255)) return this.#decidedOwing(verdict, key, scopes, { caller, address }, options);
    if ((verdict & 255) === ADDRESS_NOT_ALLOWED) this.#denyingUnknown(caller, address);
    return this.#concluded(verdict, now, scopes, options);
  }

  /** WHY: to whoever reads the log a proxy that is set up wrong looks like a caller from elsewhere. Of the address nothing is told: it may be anything. */
  #denyingUnknown({ kind }, address) {
    if (kind !== 0) return;
    const is = typeof address !== "string" ? `of type ${typeof address}` : /[, ]/.test(address.trim()) ? "a list" : "none";
    this.#unknownCaller.say({ name: "caller", message: address === undefined ? "no address is known: see the option `address`" : `what \`address\` gives is no address but ${is}` });
  }

  async #decidedOwing(first, key, scopes, { caller, address }, options) {
    const waitUntil = this.#waiting(options);
    const done = { refresh: undefined, registry: 0, asked: 0, answer: undefined, keySet: false, question: 0, more: undefined };
    for (let verdict = first; ; ) {
      const kind = verdict & 255;
      if (kind === ASK_REFRESH) {
        // A list that was just brought and is not fresh any more counts as not brought.
        done.refresh = done.refresh === undefined && (await this.#list.refresh(waitUntil));
      } else if (kind === ASK_REGISTRY) {
        // What is known to be no address is not told to the registry as one.
        const known = caller.kind === 0 ? undefined : address;
        const denied = await this.#registry.ask(verdict >>> 8, done, { key, scopes: [scopes].flat(), any: options.any, address: known });
        if (denied !== undefined) return this.#told(denied, scopes, options);
      } else if (NO_KEY_SET.has(kind) && !done.keySet) {
        done.keySet = true;
        await inTime(this.#keySet.renew(), KEY_SET_WAIT_MS);
      } else {
        if (kind === ADDRESS_NOT_ALLOWED) this.#denyingUnknown(caller, address);
        return this.#concluded(verdict, this.#now(), scopes, options, done.more);
      }
      const flags = (done.refresh === false ? REFRESH_FAILED : 0) + done.registry + (caller.kind << 3);
      verdict = this.#judge(key, this.#required(scopes, options), this.#now(), flags, done.question, caller);
    }
  }

  /**
   * Judges a key by what is here, for hot loops: "needs_refresh" and "strict" are outcomes of their own, and no allow. The list
   * is kept fresh beside it. Without `claims` the decision says nothing of the key: it is a third cheaper.
   */
  verifySync(key, scopes, given = NONE) {
    const options = this.#calls.read(given);
    const caller = options.address === undefined ? NOT_KNOWN : callerAddress(options.address);
    const now = this.#now();
    // WHY as if the registry had failed: a question that nobody asks would take the place of one under way.
    const flags = REGISTRY_FAILED + (caller.kind << 3);
    const kind = this.#judge(key, this.#required(scopes, options), now, flags, 0, caller) & 255;
    this.#verifications += 1;
    const isBare = options.claims === false && !this.#log.isKept && this.#usage === undefined;
    if (kind === ADDRESS_NOT_ALLOWED) this.#denyingUnknown(caller, options.address);
    const decision = isBare ? bare(kind) : (OUTCOMES.get(kind) ?? this.#decision(kind, scopes, options));
    const waitUntil = this.#waiting(options);
    this.#list.ahead(now, waitUntil);
    if (NO_KEY_SET.has(kind)) this.#keySet.ahead(waitUntil);
    return decision.outcome === "allow" || decision.outcome === "deny" ? this.#told(decision, scopes, options) : decision;
  }

  /** Throws `OptionError` unless the audience has these scopes: at start-up rather than at the first call. */
  requires(scopes, options = NONE) {
    this.#required(scopes, this.#calls.read(options));
  }

  /** Sends what is counted now: before a process ends. */
  async reportUsage() {
    if (this.#usage === undefined) throw new OptionError("invalid_option", "reportUsage: nothing is counted without the option `usage`");
    await this.#usage.send();
  }

  /** What the verifier rests on: numbers, for a health check or a log. */
  status() {
    const figure = (which) => {
      const value = this.#instance.figure(which);
      return value < 0 ? undefined : value;
    };
    const { ageMs } = this.#list;
    const { epochs, staleAfterMs } = this.#keySet.facts;
    const zone = ageMs === undefined ? "none" : ageMs <= figure(3) ? "fresh" : ageMs <= staleAfterMs ? "must_ask" : "stale";
    return {
      tenant: figure(0), audience: figure(1), keySetVersion: figure(2), epochs: [...epochs], freshForMs: figure(3), sequence: figure(SEQUENCE), ageMs, zone,
      currentKeySetVersion: figure(6), leastKeySetVersion: figure(7),
      verifications: this.#verifications, waits: this.#list.waits, refreshes: this.#list.refreshes,
      lastListError: this.#list.outage.code, lastKeySetError: this.#keySet.outage.code, lastStrictError: this.#registry.outage.code,
      lastUsageError: this.#usage?.outage.code,
      outages: { list: this.#list.outage.told, keySet: this.#keySet.outage.told, strict: this.#registry.outage.told, usage: this.#usage?.outage.told },
    };
  }

  #required(scopes, { any, strict }) {
    return this.#requirements.number(scopes, any, strict);
  }

  #waiting({ waitUntil }) {
    return waitUntil ?? this.#waitUntil;
  }

  #judge(key, number, now, flags, question, { words }) {
    const text = typeof key === "string" ? key : "";
    return this.#instance.verify(text, number, now, flags, question, words[0], words[1], words[2], words[3]);
  }

  #concluded(verdict, now, scopes, options, more) {
    // Before anything else runs: the next verification writes over what is known of this key.
    const decision = this.#decision(verdict & 255, scopes, options, more);
    this.#list.ahead(now, this.#waiting(options));
    return this.#told(decision, scopes, options);
  }

  #decision(kind, scopes, { any }, more) {
    const claims = this.#instance.claims();
    const { names } = this.#keySet.facts;
    if (kind === ALLOW) return new Decision("allow", undefined, claims, names, more);
    return new Decision("deny", reasonOf(kind), claims, names, kind === SCOPE_MISSING ? { scopes: [scopes].flat(), any } : undefined);
  }

  #told(decision, scopes, options) {
    const waitUntil = this.#waiting(options);
    if (this.#usage !== undefined && decision.statusIndex !== undefined) this.#usage.count(decision, scopes, decision.reason ?? "allow", waitUntil);
    if (!this.#log.isKept) return decision;
    const { outcome, reason, subject, keyId, list } = decision;
    const sequence = list?.sequence ?? this.#instance.figure(SEQUENCE);
    // A copy: the list may be what a route goes on requiring.
    const required = typeof scopes === "string" ? scopes : Object.freeze([...scopes]);
    const entry = { at: this.#now(), outcome, reason, subject, keyId, scopes: required, sequence: sequence < 0 ? undefined : sequence, ageMs: list?.ageMs ?? this.#list.ageMs, requestId: options.requestId };
    this.#log.push(entry, waitUntil);
    return decision;
  }
}

/** The word of a denial. Anything else that the module says is our own mistake. */
function reasonOf(kind) {
  if (kind === MISUSE) return "no_key_set";
  const reason = REASONS[kind - 1];
  if (reason === undefined) throw new Error(`the module answers ${kind}`);
  return reason;
}

/** A decision that says nothing of the key, made once: what many share is frozen. */
function bare(kind) {
  BARE[kind] ??= OUTCOMES.get(kind) ?? Object.freeze(kind === ALLOW ? new Decision("allow") : new Decision("deny", reasonOf(kind)));
  return BARE[kind];
}

/** What `work` gives or throws, as a promise. WHY not an asynchronous function: it takes as long again as a verification. */
function promised(work) {
  try {
    return Promise.resolve(work());
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Ends when `work` has, or after so many milliseconds. */
async function inTime(work, ms) {
  let timer;
  await Promise.race([work, new Promise((resolve) => (timer = setTimeout(resolve, ms)))]);
  clearTimeout(timer);
}

const BARE = [];
/** A number of ABI.md. */
const SEQUENCE = 4;
const SCOPE_MISSING = REASONS.indexOf("scope_missing") + 1;
const ADDRESS_NOT_ALLOWED = REASONS.indexOf("address_not_allowed") + 1;
/** The module has none, or did not come back from a call and answers nothing any more. */
const NO_KEY_SET = new Set([REASONS.indexOf("no_key_set") + 1, MISUSE]);
/** With these something is to be done first. */
const OWING = new Set([ASK_REFRESH, ASK_REGISTRY, ...NO_KEY_SET]);
/** What `verifySync` answers where something has to be done first. */
const OUTCOMES = new Map([
  [ASK_REFRESH, Object.freeze(new Decision("needs_refresh"))],
  [REASONS.indexOf("registry_unavailable") + 1, Object.freeze(new Decision("strict"))],
]);
const KEY_SET_WAIT_MS = 500;
const NOT_KNOWN = callerAddress(undefined);
