// A verifier as an application has one: the module over a key set. Of the list it knows what it gets over HTTP, and the registry it does not ask.

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { ALLOW, ASK_REFRESH, ASK_REGISTRY, Instance, REASONS, REFRESH_FAILED, REGISTRY_FAILED } from "../../crates/js/js/instance.mjs";
import { parseHead, statePath } from "./revocation_list.mjs";

const MODULE = new URL("../../target/wardkey.verifier.wasm", import.meta.url);
/** Longest that a verification waits for a refresh. */
const REFRESH_MS = 500;
/** What `adopt` answers. */
const STATE_NEEDED = 2;
const IN_FORCE = [0, 1];

let module;

export class ListVerifier {
  /** How many states it has fetched; what the last head came to. */
  states = 0;
  adoption;
  #instance;
  #requirements = new Map();
  #fetching;

  /**
   * Of the audience that the key set is of. `now`: its clock. `fetched`: stands between it and a state's bytes, and may answer others, or
   * none.
   */
  constructor(worker, keySet, { now = Date.now, fetched = (bytes) => bytes } = {}) {
    Object.assign(this, { worker, now, fetched });
    module ??= new WebAssembly.Module(readFileSync(MODULE));
    this.#instance = new Instance(module, Buffer.from(keySet));
  }

  /** `allow`, or why not. */
  async verify(key, ...scopes) {
    const name = scopes.join(" ");
    if (!this.#requirements.has(name)) this.#requirements.set(name, this.#instance.require(scopes));
    const requirement = this.#requirements.get(name);
    let done = 0;
    for (let round = 0; ; round++) {
      const verdict = this.#instance.verify(key, requirement, this.now(), done, 0, 0, 0, 0, 0) & 255;
      if (verdict === ALLOW) return "allow";
      if (verdict >= 1 && verdict <= REASONS.length) return REASONS[verdict - 1];
      if (round === 2) throw new Error(`asked again for what was done: ${verdict}`);
      if (verdict === ASK_REFRESH) done |= (await this.refresh()) ? 0 : REFRESH_FAILED;
      else if (verdict === ASK_REGISTRY) done |= REGISTRY_FAILED;
      else throw new Error(`the module answers ${verdict}`);
    }
  }

  /**
   * Fetches the head, and its state if that is needed; answers whether a list of it is in force in time. What comes too late for this
   * verification is there for the next.
   */
  async refresh() {
    this.#fetching ??= this.#adopt().catch(() => undefined).finally(() => (this.#fetching = undefined));
    const late = new AbortController();
    const limit = sleep(REFRESH_MS, undefined, { signal: late.signal }).catch(() => undefined);
    const adoption = await Promise.race([this.#fetching, limit]);
    late.abort();
    return IN_FORCE.includes(adoption);
  }

  async #adopt() {
    const client = this.worker.client();
    const { status, bytes } = await client.get("/v1/list/1/head");
    if (status !== 200) return undefined;
    this.adoption = this.#instance.adopt(bytes, undefined, this.now());
    if (this.adoption !== STATE_NEEDED) return this.adoption;
    const answer = await client.get(statePath(1, parseHead(bytes)));
    this.states += 1;
    const state = answer.status === 200 ? this.fetched(answer.bytes) : undefined;
    if (state) this.adoption = this.#instance.adopt(bytes, state, this.now());
    return this.adoption;
  }
}
