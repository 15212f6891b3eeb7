// Protecting an API: whether a request's key is authentic, alive and allowed.

import { OptionError } from "../errors.mjs";
import { ALLOW, ASK_REFRESH, ASK_REGISTRY, Instance, REASONS, REFRESH_FAILED, REGISTRY_ANSWERED, REGISTRY_FAILED } from "../instance.mjs";
import { callerAddress } from "./caller_address.mjs";
import { credentialOf } from "./credential.mjs";
import { Decision } from "./decision.mjs";
import { DecisionLog } from "./decision_log.mjs";
import { KeySetRenewal } from "./key_set_renewal.mjs";
import { ListRefresh, within } from "./list_refresh.mjs";
import { RegistryTransport } from "./registry_transport.mjs";
import { Requirements } from "./requirements.mjs";
import { StaticTransport } from "./static_transport.mjs";
import { UsageReports } from "./usage_reports.mjs";

/** The verifier of one audience. */
export class Verifier {
  #instance;
  #transport;
  #list;
  #keySet;
  #requirements;
  #log;
  #usage;
  #header;
  #address;
  #waitUntil;
  #strictMs;
  #now;
  #verifications = 0;

  constructor(parts) {
    const { instance, transport, names, etag, options } = parts;
    this.#instance = instance;
    this.#transport = transport;
    this.#now = options.now ?? Date.now;
    this.#header = options.header ?? "Authorization";
    this.#address = options.address ?? (() => undefined);
    this.#waitUntil = options.waitUntil;
    this.#strictMs = options.strictTimeoutMs ?? 2_000;
    this.#requirements = new Requirements(instance);
    this.#log = new DecisionLog(options.onDecision);
    const now = this.#now;
    const { usage } = options;
    if (usage !== undefined) this.#usage = new UsageReports({ transport, name: usage.verifier, everyMs: usage.everyMs, now });
    this.#keySet = new KeySetRenewal({ instance, transport, now, names, etag, renewed: () => this.#requirements.forget() });
    const adopted = (keepAlive) => this.#keySet.ahead(keepAlive);
    this.#list = new ListRefresh({ instance, transport, now, waitMs: options.refreshTimeoutMs ?? 500, adopted });
  }

  /**
   * Fetches the key set, and the list if it can be had. `compiled`: the module, as this runtime loads it.
   *
   * @returns {Promise<Verifier>}
   */
  static async of(compiled, options) {
    const transport = transportOf(options);
    const { instance, names, etag } = await KeySetRenewal.first(transport, (bytes) => new Instance(compiled, bytes));
    const verifier = new Verifier({ instance, transport, names, etag, options });
    // Without a list nothing is allowed; the first call tries again.
    await verifier.#list.first();
    return verifier;
  }

  /** Judges the key that a Fetch request brings. */
  authorize(request, scopes, options) {
    return promised(() => this.decided(request, scopes, options));
  }

  /** The same for requests of another kind: the URL, and a function that gives a header's value. */
  authorizeHeaders(url, values, scopes, options = USUAL) {
    return promised(() => this.#decidedOf(credentialOf(url, this.#header, values), scopes, options, options.address));
  }

  /** Judges a key: refreshes the list and asks the registry where that is owed. */
  verify(key, scopes, options = USUAL) {
    return promised(() => this.#decidedKey(key, scopes, options, options.address));
  }

  /**
   * What `authorize` promises, at once where nothing has to be waited for: a promise costs as much as reading the header.
   *
   * @returns {Decision | Promise<Decision>}
   */
  decided(request, scopes, options = USUAL) {
    const { headers } = request;
    const credential = credentialOf(request.url, this.#header, (name) => headers.get(name));
    return this.#decidedOf(credential, scopes, options, options.address ?? this.#address(request));
  }

  #decidedOf({ key, reason }, scopes, options, address) {
    if (key === undefined) return this.#told(new Decision("deny", reason), scopes, options);
    return this.#decidedKey(key, scopes, options, address);
  }

  #decidedKey(key, scopes, options, address) {
    const caller = address === undefined ? NOT_KNOWN : callerAddress(address);
    const now = this.#now();
    const number = this.#requirements.number(scopes, options.any, options.strict);
    this.#verifications += 1;
    const kind = this.#judge(key, number, now, caller.kind << 3, 0, caller) & 255;
    if (OWING.has(kind)) return this.#verifyAsking(key, scopes, { caller, address }, options);
    this.#list.ahead(now, options.waitUntil ?? this.#waitUntil);
    return this.#told(this.#decision(kind), scopes, options);
  }

  async #verifyAsking(key, scopes, { caller, address }, options) {
    const keepAlive = options.waitUntil ?? this.#waitUntil;
    const done = { refresh: undefined, registry: undefined, keySet: false, question: 0 };
    for (;;) {
      const number = this.#requirements.number(scopes, options.any, options.strict);
      const flags = (done.refresh === false ? REFRESH_FAILED : 0) + (done.registry ?? 0) + (caller.kind << 3);
      const now = this.#now();
      const verdict = this.#judge(key, number, now, flags, done.question, caller);
      const kind = verdict & 255;
      if (kind === ASK_REFRESH) {
        // A list that was just brought and is not fresh any more counts as not brought.
        done.refresh = done.refresh === undefined && (await this.#list.refresh(keepAlive));
      } else if (kind === ASK_REGISTRY) {
        const asked = { key, scopes: [scopes].flat(), any: options.any, address };
        const denied = await this.#confirm(verdict >>> 8, done, asked);
        if (denied !== undefined) return this.#told(denied, scopes, options);
      } else if (kind === NO_KEY_SET && !done.keySet) {
        done.keySet = true;
        await Promise.race([this.#keySet.renew(), after(KEY_SET_WAIT_MS)]);
      } else {
        this.#list.ahead(now, keepAlive);
        return this.#told(this.#decision(kind), scopes, options);
      }
    }
  }

  /**
   * Judges a key by what is here, for hot loops: "needs_refresh" and "strict" are outcomes of their own, and no allow. The list
   * is kept fresh beside it. Without `claims` the decision says nothing of the key: it is a third cheaper.
   */
  verifySync(key, scopes, options = USUAL) {
    const caller = options.address === undefined ? NOT_KNOWN : callerAddress(options.address);
    const now = this.#now();
    const number = this.#requirements.number(scopes, options.any, options.strict);
    this.#verifications += 1;
    const kind = this.#judge(key, number, now, caller.kind << 3, 0, caller) & 255;
    this.#list.ahead(now, this.#waitUntil);
    if (kind === ASK_REFRESH) return NEEDS_REFRESH;
    if (kind === ASK_REGISTRY) return STRICT;
    if (options.claims === false && !this.#log.isKept && this.#usage === undefined) return bare(kind);
    return this.#told(this.#decision(kind), scopes, options);
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
    const ageMs = this.#list.ageMs;
    return {
      tenant: figure(0), audience: figure(1), keySetVersion: figure(2), freshForMs: figure(3), sequence: figure(4), ageMs,
      zone: ageMs === undefined ? "none" : ageMs <= figure(3) ? "fresh" : "must_ask",
      currentKeySetVersion: figure(6), leastKeySetVersion: figure(7),
      verifications: this.#verifications, waits: this.#list.waits, refreshes: this.#list.refreshes,
      lastListError: this.#list.lastError, lastKeySetError: this.#keySet.lastError, lastUsageError: this.#usage?.lastError,
    };
  }

  #judge(key, number, now, flags, question, { words }) {
    const text = typeof key === "string" ? key : "";
    return this.#instance.verify(text, number, now, flags, question, words[0], words[1], words[2], words[3]);
  }

  #decision(kind) {
    const claims = this.#instance.claims();
    return kind === ALLOW ? new Decision("allow", undefined, claims, this.#keySet.names) : new Decision("deny", reasonOf(kind), claims, this.#keySet.names);
  }

  /** Asks the registry; what it denies for a reason that the module has no word for is the decision. */
  async #confirm(question, done, asked) {
    const again = done.registry !== undefined;
    done.registry = REGISTRY_FAILED;
    if (again) return undefined;
    const claims = this.#instance.claims();
    const end = AbortSignal.timeout(this.#strictMs);
    let answer;
    try {
      answer = await within(this.#transport.confirm(asked, end), end);
    } catch {
      return undefined;
    }
    // An answer about another key, whoever mixed them up, is none.
    if (answer.decision === "allow" && !(answer.key_id === claims.keyId && answer.tenant === claims.tenant && answer.audience === claims.audience)) return undefined;
    const verdict = answer.decision === "allow" ? 0 : VERDICTS.get(answer.reason);
    if (verdict === undefined) {
      // What is no refusal of the caller's is no answer.
      if (answer.decision !== "deny" || typeof answer.reason !== "string" || !(answer.status >= 400 && answer.status < 500)) return undefined;
      return new Decision("deny", answer.reason, claims, this.#keySet.names, answer.requestId);
    }
    if (this.#instance.answer(question, claims.base, verdict, answer.list?.sequence ?? 0)) {
      Object.assign(done, { registry: REGISTRY_ANSWERED, question });
    }
    return undefined;
  }

  #told(decision, scopes, { waitUntil, requestId }) {
    if (this.#usage !== undefined && decision.statusIndex !== undefined) {
      this.#usage.count(decision, scopes, decision.reason ?? "allow", waitUntil ?? this.#waitUntil);
    }
    if (!this.#log.isKept) return decision;
    const { outcome, reason, subject, keyId, list } = decision;
    const entry = { outcome, reason, subject, keyId, scopes, sequence: list?.sequence, ageMs: list?.ageMs, requestId };
    this.#log.push(entry, waitUntil ?? this.#waitUntil);
    return decision;
  }
}

function transportOf({ url, binding, files, transport, ...options }) {
  const given = [url, binding, files, transport].filter((each) => each !== undefined);
  if (given.length !== 1) throw new OptionError("one_transport", "a verifier needs one of the options `url`, `binding`, `files` and `transport`");
  if (transport !== undefined) return transport;
  if (files !== undefined) return new StaticTransport(files);
  if (binding !== undefined) {
    // A service binding reaches the other Worker whatever the host is called.
    return new RegistryTransport({ ...options, fetch: (...request) => binding.fetch(...request), base: "https://wardkey.internal" });
  }
  const send = options.fetch ?? ((...request) => globalThis.fetch(...request));
  return new RegistryTransport({ ...options, fetch: send, base: url });
}

/** The word of a denial. Anything else that the module says is our own mistake. */
function reasonOf(kind) {
  const reason = REASONS[kind - 1];
  if (reason === undefined) throw new Error(`the module answers ${kind}`);
  return reason;
}

/** A decision that says nothing of the key, made once: what many share is frozen. */
function bare(kind) {
  BARE[kind] ??= Object.freeze(kind === ALLOW ? new Decision("allow") : new Decision("deny", reasonOf(kind)));
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

const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const BARE = [];
const NEEDS_REFRESH = Object.freeze(new Decision("needs_refresh"));
const STRICT = Object.freeze(new Decision("strict"));
const USUAL = Object.freeze({});
const NO_KEY_SET = REASONS.indexOf("no_key_set") + 1;
/** With these something is to be done first. */
const OWING = new Set([ASK_REFRESH, ASK_REGISTRY, NO_KEY_SET]);
const KEY_SET_WAIT_MS = 500;
const NOT_KNOWN = callerAddress(undefined);
/** The registry's denials as the module takes them; "invalid_token" is a key that it never issued. */
const VERDICTS = new Map([["revoked", 1], ["suspended", 2], ["retired", 3], ["expired", 4], ["invalid_token", 5]]);
