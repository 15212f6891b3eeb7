// Bringing a newer key set when the list names one: in the background, one at a time.

import { KeySetError, TransportError, WardkeyError } from "../errors.mjs";
import { keepAlive } from "./keep_alive.mjs";
import { causeOf } from "./cause.mjs";
import { keySetFacts } from "./key_set_facts.mjs";
import { within } from "./list_refresh.mjs";
import { Outage } from "./outage.mjs";

/** The key set of one instance. */
export class KeySetRenewal {
  /** Names of scopes by number, epochs of the signing keys, and when a list is too old for every scope. */
  facts;
  /** Renewals that fail. */
  outage;
  #etag;
  #instance;
  #transport;
  #now;
  #renewed;
  #underWay = Promise.resolve();
  #triedAt = -Infinity;

  /** `renewed`: is called after each newer key set. */
  constructor({ instance, transport, now, renewed, facts, etag }) {
    this.facts = facts;
    this.#instance = instance;
    this.#transport = transport;
    this.#now = now;
    this.#renewed = renewed;
    this.#etag = etag;
    this.outage = new Outage("the key set is not renewed", now);
  }

  /** Fetches the first key set, and makes the instance of it by `make`. */
  static async first(transport, make) {
    const end = AbortSignal.timeout(GIVE_UP_MS);
    const given = await within(transport.keySet(undefined, end), end).catch((error) => {
      if (error instanceof WardkeyError) throw error;
      throw new TransportError("registry_unreachable", `the key set could not be fetched: ${causeOf(error)}`);
    });
    const { bytes, etag } = keySetOf(given);
    try {
      const instance = make(bytes);
      return { instance, facts: keySetFacts(bytes), etag };
    } catch (error) {
      throw new KeySetError("key_set_malformed", `${transport.where ?? "the transport"}: ${error.message}`);
    } finally {
      bytes.fill(0);
    }
  }

  /** Whether the list in force knows a newer one, or there is none any more. */
  get isOutdated() {
    return !this.#instance.hasKeySet || this.#instance.figure(CURRENT_KEY_SET) > this.#instance.figure(KEY_SET_VERSION);
  }

  /** Begins a renewal if it is outdated, but not more often than every other second. */
  ahead(waitUntil) {
    if (this.isOutdated) keepAlive(waitUntil, this.renew());
  }

  /** Fetches the newest; ends when it is in force, or has failed. */
  renew() {
    const since = this.#now() - this.#triedAt;
    // WHY by the clock alone: in Workers what one request began ends with it, and nobody is told.
    if (since >= 0 && since < EVERY_MS) return this.#underWay;
    // WHY not at once: whoever calls may be at the end of the stack, where nothing can be begun.
    const underWay = Promise.resolve().then(() => this.#bring());
    this.#underWay = underWay.then(() => this.outage.ended(), (error) => this.outage.failed(error));
    this.#triedAt = this.#now();
    return this.#underWay;
  }

  async #bring() {
    const end = AbortSignal.timeout(GIVE_UP_MS);
    const known = this.#instance.hasKeySet ? this.#etag : undefined;
    const given = await within(this.#transport.keySet(known, end), end);
    if (given === undefined && known !== undefined) return;
    const { bytes, etag } = keySetOf(given);
    try {
      this.#instance.renew(bytes);
      this.facts = keySetFacts(bytes);
      this.#etag = etag;
      this.#renewed();
    } catch (error) {
      throw new KeySetError("key_set_refused", error.message);
    } finally {
      bytes.fill(0);
    }
  }
}

function keySetOf(given) {
  if (given?.bytes instanceof Uint8Array) return given;
  throw new KeySetError("key_set_malformed", "the transport gives no key set: `{ bytes: Uint8Array }` is expected");
}

const KEY_SET_VERSION = 2, CURRENT_KEY_SET = 6;
const EVERY_MS = 2_000;
const GIVE_UP_MS = 5_000;
