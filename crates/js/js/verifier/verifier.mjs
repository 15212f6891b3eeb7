// Protecting an API: whether a request's key is authentic, alive and allowed.

import { waitUntil as waitUntilOfRuntime } from "#platform";
import { ALLOW, ASK_REFRESH, ASK_REGISTRY, Instance, MISUSE, REASONS, REFRESH_FAILED, REGISTRY_ANSWERED, REGISTRY_FAILED } from "../instance.mjs";
import { callerAddress } from "./caller_address.mjs";
import { credentialOf } from "./credential.mjs";
import { Decision } from "./decision.mjs";
import { DecisionLog } from "./decision_log.mjs";
import { KeySetRenewal } from "./key_set_renewal.mjs";
import { ListRefresh, within } from "./list_refresh.mjs";
import { CallOptions, checkOptions, NONE, transportOf } from "./options.mjs";
import { QuestionsUnderWay } from "./questions_under_way.mjs";
import { Requirements } from "./requirements.mjs";
import { UsageReports } from "./usage_reports.mjs";

/** The verifier of one audience. */
export class Verifier {
  #instance;
  #transport;
  #list;
  #keySet;
  #requirements;
  #calls = new CallOptions();
  #log;
  #usage;
  #header;
  #address;
  #waitUntil;
  #strictMs;
  #now;
  #verifications = 0;
  #questions;
  #lastStrictError;

  constructor(parts) {
    const { instance, transport, facts, etag, options } = parts;
    this.#instance = instance;
    this.#transport = transport;
    this.#now = options.now ?? Date.now;
    this.#header = options.header ?? "Authorization";
    this.#address = options.address ?? (() => undefined);
    this.#waitUntil = options.waitUntil ?? waitUntilOfRuntime;
    this.#strictMs = options.strictTimeoutMs ?? 2_000;
    this.#requirements = new Requirements(instance);
    this.#questions = new QuestionsUnderWay(this.#strictMs);
    this.#log = new DecisionLog(options.onDecision);
    const now = this.#now;
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
    const { headers } = request;
    const credential = credentialOf(request.url, this.#header, (name) => headers.get(name));
    return this.#decidedOf(credential, scopes, call, call.address ?? this.#address(request));
  }

  /** What the option `address` says of a request, whichever framework's it is. */
  addressOf(request) {
    return this.#address(request);
  }

  #decidedOf({ key, reason }, scopes, options, address) {
    if (key === undefined) return this.#told(new Decision("deny", reason), scopes, options);
    return this.#decidedKey(key, scopes, options, address);
  }

  #decidedKey(key, scopes, options, address) {
    const caller = address === undefined ? NOT_KNOWN : callerAddress(address);
    const now = this.#now();
    const verdict = this.#judge(key, this.#required(scopes, options), now, caller.kind << 3, 0, caller);
    this.#verifications += 1;
    if (OWING.has(verdict & 255)) return this.#decidedOwing(verdict, key, scopes, { caller, address }, options);
    return this.#concluded(verdict, now, scopes, options);
  }

  async #decidedOwing(first, key, scopes, { caller, address }, options) {
    const waitUntil = this.#waiting(options);
    const done = { refresh: undefined, registry: 0, asked: 0, answer: undefined, keySet: false, question: 0 };
    for (let verdict = first; ; ) {
      const kind = verdict & 255;
      if (kind === ASK_REFRESH) {
        // A list that was just brought and is not fresh any more counts as not brought.
        done.refresh = done.refresh === undefined && (await this.#list.refresh(waitUntil));
      } else if (kind === ASK_REGISTRY) {
        // What is known to be no address is not told to the registry as one.
        const known = caller.kind === 0 ? undefined : address;
        const denied = await this.#confirm(verdict >>> 8, done, { key, scopes: [scopes].flat(), any: options.any, address: known });
        if (denied !== undefined) return this.#told(denied, scopes, options);
      } else if (NO_KEY_SET.has(kind) && !done.keySet) {
        done.keySet = true;
        await inTime(this.#keySet.renew(), KEY_SET_WAIT_MS);
      } else {
        return this.#concluded(verdict, this.#now(), scopes, options);
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
    const decision = isBare ? bare(kind) : (OUTCOMES.get(kind) ?? this.#decision(kind));
    const waitUntil = this.#waiting(options);
    this.#list.ahead(now, waitUntil);
    if (NO_KEY_SET.has(kind)) this.#keySet.ahead(waitUntil);
    return decision.outcome === "allow" || decision.outcome === "deny" ? this.#told(decision, scopes, options) : decision;
  }

  /** Throws `OptionError` unless the audience has these scopes: at start-up rather than at the first call. */
  requires(scopes, options = NONE) {
    this.#required(scopes, this.#calls.read(options));
  }

  /** Sends what is counted now: before a process ends. Without the option `usage` there is nothing to send. */
  async reportUsage() {
    await this.#usage?.send();
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
      lastListError: this.#list.lastError, lastKeySetError: this.#keySet.lastError, lastStrictError: this.#lastStrictError,
      lastUsageError: this.#usage?.lastError,
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

  #concluded(verdict, now, scopes, options) {
    // Before anything else runs: the next verification writes over what is known of this key.
    const decision = this.#decision(verdict & 255);
    this.#list.ahead(now, this.#waiting(options));
    return this.#told(decision, scopes, options);
  }

  #decision(kind) {
    const claims = this.#instance.claims();
    const { names } = this.#keySet.facts;
    return kind === ALLOW ? new Decision("allow", undefined, claims, names) : new Decision("deny", reasonOf(kind), claims, names);
  }

  /** Asks the registry, once a call; what it denies for a reason that the module has no word for is the decision. */
  async #confirm(question, done, asked) {
    done.asked += 1;
    done.registry = REGISTRY_FAILED;
    // A second question of the same call: the first one's place went to another, or a newer key set came. It has its answer already.
    if (done.asked === 2 && done.answer !== undefined) this.#answer(question, done);
    if (done.asked > 1) return undefined;
    const claims = this.#instance.claims();
    const answer = await this.#registryAnswer(asked);
    if (answer === undefined) return undefined;
    const { decision, reason, status } = answer;
    const isAllow = decision === "allow";
    // An answer about another key, whoever mixed them up, is none; nor is what refuses anything but the caller.
    const isAnswer = isAllow ? isAbout(answer, claims) : decision === "deny" && REASON.test(reason) && reason !== "allow" && status >= 400 && status < 500;
    this.#lastStrictError = isAnswer ? undefined : "answer_refused";
    if (!isAnswer) return undefined;
    const verdict = isAllow ? 0 : VERDICTS.get(reason);
    if (verdict === undefined) return new Decision("deny", reason, claims, this.#keySet.facts.names, answer.requestId);
    done.answer = { base: claims.base, verdict, sequence: answer.list?.sequence ?? 0 };
    this.#answer(question, done);
    return undefined;
  }

  /** Hands what the registry has answered on to the module, as the answer to this question. */
  #answer(question, done) {
    const { base, verdict, sequence } = done.answer;
    const isTaken = this.#instance.answer(question, base, verdict, sequence);
    Object.assign(done, isTaken ? { registry: REGISTRY_ANSWERED, question } : { registry: 0, question: 0 });
  }

  /** The registry's own word; nothing where it has none in time. */
  async #registryAnswer(asked) {
    const place = this.#questions.take(this.#now());
    if (place === undefined) {
      this.#lastStrictError = "too_many_at_once";
      return undefined;
    }
    const end = AbortSignal.timeout(this.#strictMs);
    try {
      return (await within(this.#transport.confirm(asked, end), end)) ?? {};
    } catch (error) {
      this.#lastStrictError = error?.code ?? error?.name ?? "failed";
      return undefined;
    } finally {
      this.#questions.give(place);
    }
  }

  #told(decision, scopes, options) {
    const waitUntil = this.#waiting(options);
    if (this.#usage !== undefined && decision.statusIndex !== undefined) this.#usage.count(decision, scopes, decision.reason ?? "allow", waitUntil);
    if (!this.#log.isKept) return decision;
    const { outcome, reason, subject, keyId, list } = decision;
    const sequence = list?.sequence ?? this.#instance.figure(SEQUENCE);
    // A copy: the list may be what a route goes on requiring.
    const entry = { outcome, reason, subject, keyId, scopes: typeof scopes === "string" ? scopes : Object.freeze([...scopes]), sequence: sequence < 0 ? undefined : sequence, ageMs: list?.ageMs ?? this.#list.ageMs, requestId: options.requestId };
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

/** Whether the registry speaks of the key that it was asked about. */
function isAbout(answer, { keyId, statusIndex, tenant, audience, subject, expiresAt, narrowed }) {
  return (
    answer.key_id === keyId && answer.status_index === statusIndex && answer.tenant === tenant && answer.audience === audience &&
    answer.subject === subject && answer.expires_at === expiresAt && answer.narrowed === narrowed
  );
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
/** The registry's denials as the module takes them; "invalid_token" is a key that it never issued. */
const VERDICTS = new Map([["revoked", 1], ["suspended", 2], ["retired", 3], ["expired", 4], ["invalid_token", 5]]);
const REASON = /^[a-z][a-z_]{0,63}$/;
