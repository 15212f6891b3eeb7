// Puts a verifier before a handler of node:http. Whoever is not allowed never reaches it.

import { setTimeout as sleep } from "node:timers/promises";

import { WardkeyError } from "./component.mjs";
import { credentialOf } from "./credential.mjs";
import { HighWater } from "./high_water.mjs";
import { Verifier } from "./verifier.mjs";

/** Guards of one process: one key set, one list, one instance. */
export class Guard {
  #instantiate;
  #registry;
  #now;
  #highWater = new HighWater();
  #verifier;
  #making;
  #failedAt = -Infinity;

  /** `instantiate`: what `compiled` gives; `registry`: a `Registry`; `now`: Unix milliseconds. */
  constructor(instantiate, registry, { now = Date.now } = {}) {
    this.#now = now;
    this.#instantiate = instantiate;
    this.#registry = registry;
  }

  /**
   * A handler of node:http that lets through who has these scopes: `handler(request, response, caller)`. `any`: one of them is enough;
   * `strict`: the registry is asked every time; `address`: how a caller's address is found in a request.
   */
  protect(scopes, handler, { any, strict, address } = {}) {
    const required = [scopes].flat();
    return async (request, response) => {
      const decision = await this.judge(request, required, { any, strict, address: address?.(request) }).catch(failed);
      if (decision.allow) return handler(request, response, decision.allow);
      const { status, headers, body } = problem(decision.deny.answer);
      response.writeHead(status, headers).end(body);
    };
  }

  /** The decision itself: for what is no request of the usual kind, such as `upgrade`. */
  async judge(request, scopes, options) {
    const { key, refused } = credentialOf(request);
    if (refused) return { deny: { reason: refused.code, answer: refused } };
    const verifier = await this.#here();
    if (verifier === undefined) return NO_KEY_SET;
    try {
      return await verifier.decide(key, scopes, options);
    } catch (error) {
      if (!verifier.isSpent) throw error;
      console.error(`wardkey: ${error.code}`);
      return NO_KEY_SET;
    }
  }

  /** What the verifier rests on; nothing while there is none. */
  get status() {
    return this.#verifier?.isSpent === false ? this.#verifier.status : undefined;
  }

  async #here() {
    if (this.#verifier?.isSpent === false) return this.#verifier;
    if (performance.now() - this.#failedAt < FAILED_FOR_MS) return undefined;
    this.#making ??= Verifier.of(this.#instantiate, this.#registry, { now: this.#now, highWater: this.#highWater }).then(
      (made) => void (this.#verifier = made),
      (error) => console.error(`wardkey: no verifier: ${error instanceof WardkeyError ? `${error.code}: ${error.message}` : error?.name}`),
    ).finally(() => (this.#making = undefined));
    const late = new AbortController();
    await Promise.race([this.#making, sleep(WAIT_MS, undefined, { signal: late.signal }).catch(() => {})]);
    late.abort();
    if (this.#verifier?.isSpent === false) return this.#verifier;
    // What takes so long counts as failed: the next second's calls wait no more.
    this.#failedAt = performance.now();
    return undefined;
  }
}

/** WHY no error: who catches none from a listener of node:http ends with its process, and any caller could bring that about. */
function failed(error) {
  console.error(`wardkey: no call can be judged: ${error instanceof WardkeyError ? error.code : error?.name}`);
  return { deny: { reason: "verifier_failed", answer: { status: 503, code: "verifier_failed", retryAfterS: 1 } } };
}

/** A problem (RFC 9457) and its challenge (RFC 6750). */
function problem({ status, error, code, retryAfterS }) {
  const headers = { "Content-Type": "application/problem+json", "Cache-Control": "no-store" };
  if (status === 401 || error !== undefined) headers["WWW-Authenticate"] = `Bearer realm="wardkey"${error === undefined ? "" : `, error="${error}"`}`;
  if (retryAfterS !== undefined) headers["Retry-After"] = String(retryAfterS);
  return { status, headers, body: JSON.stringify({ type: `urn:wardkey:problem:${code}`, title: TITLES[status], status, code }) };
}

const NO_KEY_SET = { deny: { reason: "no_key_set", answer: { status: 503, code: "no_key_set", retryAfterS: 1 } } };
/** Key set, head and state are three calls, and nobody can be answered without them. */
const WAIT_MS = 2_500;
const FAILED_FOR_MS = 1_000;
const TITLES = {
  400: "The request cannot be judged",
  401: "The credential is not accepted",
  403: "The credential does not allow this",
  429: "Too many calls",
  503: "The credential cannot be judged now",
};
