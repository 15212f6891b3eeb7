// Bringing a newer key set when the list names one: in the background, one at a time.

import { KeySetError, TransportError, WardkeyError } from "../errors.mjs";
import { catalogNames } from "./catalog_names.mjs";
import { within } from "./list_refresh.mjs";

/** The key set of one instance. */
export class KeySetRenewal {
  /** Names of scopes, by number. */
  names;
  /** Why the last renewal failed; nothing since one succeeded. */
  lastError;
  #etag;
  #instance;
  #transport;
  #now;
  #renewed;
  #underWay = Promise.resolve();
  #triedAt = -Infinity;

  /** `renewed`: is called after each newer key set. */
  constructor({ instance, transport, now, renewed, names, etag }) {
    Object.assign(this, { names });
    this.#instance = instance;
    this.#transport = transport;
    this.#now = now;
    this.#renewed = renewed;
    this.#etag = etag;
  }

  /** Fetches the first key set, and makes the instance of it by `make`. */
  static async first(transport, make) {
    const end = AbortSignal.timeout(GIVE_UP_MS);
    const { bytes, etag } = await within(transport.keySet(undefined, end), end).catch((error) => {
      if (error instanceof WardkeyError) throw error;
      throw new TransportError("registry_unreachable", "the key set could not be fetched", { cause: error });
    });
    try {
      const instance = make(bytes);
      return { instance, names: catalogNames(bytes), etag };
    } catch (error) {
      throw new KeySetError("key_set_malformed", error.message);
    } finally {
      bytes.fill(0);
    }
  }

  /** Whether the list in force knows a newer one. */
  get isOutdated() {
    return this.#instance.figure(CURRENT_KEY_SET) > this.#instance.figure(KEY_SET_VERSION);
  }

  /** Begins a renewal if the list names a newer one, but not more often than every other second. */
  ahead(keepAlive) {
    if (!this.isOutdated) return;
    const renewed = this.renew();
    keepAlive?.(renewed);
  }

  /** Fetches the newest; ends when it is in force, or has failed. */
  renew() {
    const since = this.#now() - this.#triedAt;
    // WHY by the clock alone: in Workers what one request began ends with it, and nobody is told.
    if (since >= 0 && since < EVERY_MS) return this.#underWay;
    this.#triedAt = this.#now();
    this.#underWay = this.#bring().then(() => (this.lastError = undefined), (error) => (this.lastError = error?.code ?? error?.name ?? "failed"));
    return this.#underWay;
  }

  async #bring() {
    const end = AbortSignal.timeout(GIVE_UP_MS);
    const given = await within(this.#transport.keySet(this.#etag, end), end);
    if (given === undefined) return;
    const { bytes, etag } = given;
    try {
      this.#instance.renew(bytes);
      this.names = catalogNames(bytes);
      this.#etag = etag;
      this.#renewed();
    } catch (error) {
      throw new KeySetError("key_set_refused", error.message);
    } finally {
      bytes.fill(0);
    }
  }
}

const KEY_SET_VERSION = 2, CURRENT_KEY_SET = 6;
const EVERY_MS = 2_000;
const GIVE_UP_MS = 5_000;
