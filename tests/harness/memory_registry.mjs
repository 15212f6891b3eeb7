// A registry in memory, for suites that run where none can be started: what a verifier gets of it over `fetch`, signed by the list
// key of the vectors' key set, with a clock of its own.

import { fromHex, joined, number, utf8 } from "./bytes.mjs";
import { vectors } from "./vectors.mjs";

const { key_set: KEY_SET, key: KEY } = vectors("verify").find(({ name }) => name === "the usual key").case;
/** Where things stand in this key set (FORMAT.md, section 3): its edition, and its list key. */
const EDITION_AT = 7;
const LIST_KEY_AT = 28;
const [TENANT, AUDIENCE] = [7, 2];
const FLOOR = 768;

export class MemoryRegistry {
  /** The worked example: scopes invoice:list (low), :read (standard), :write (high) and :void (strict); index 808, subject svc:billing. */
  key = KEY;
  statusIndex = 808;
  /** Unix milliseconds; the key lives for more than an hour and a half from here. */
  now = 1_800_001_000_000;
  /** Paths that were asked for. */
  seen = [];
  /** Bodies of reports. */
  reports = [];
  edition = 3;
  sequence = 41;
  /** The second of what is told about the key to whoever asks. */
  verdict = {
    decision: "allow", status: 200, key_id: "key_0011223344556677", status_index: 808, tenant: TENANT, audience: AUDIENCE, subject: "svc:billing",
    expires_at: 1_800_007_200, narrowed: false,
  };
  /** What answers in its place: gets path and init, and may pass on to `pass`. */
  between;
  #dead = new Set();
  #listKey = fromHex(KEY_SET).subarray(LIST_KEY_AT, LIST_KEY_AT + 32);

  /** Options of a verifier that asks this registry. */
  options(more = {}) {
    return { url: "https://registry.test", credential: "credential", fetch: this.fetch, now: () => this.now, refreshTimeoutMs: 2_000, ...more };
  }

  /** Something changed: an index is dead, or nothing that anybody sees. */
  revoke(index) {
    if (index !== undefined) this.#dead.add(index);
    this.sequence += 1;
  }

  fetch = (url, init = {}) => {
    const path = new URL(url).pathname;
    this.seen.push(path);
    return this.between === undefined ? this.pass(path, init) : this.between(path, init);
  };

  /** How often a path with this end was asked for. */
  asked(end) {
    return this.seen.filter((path) => path.endsWith(end)).length;
  }

  pass = async (path, init) => {
    if (path === "/v1/key-set") return new Response(this.keySet());
    if (path === `/v1/list/${TENANT}/head`) return new Response(await this.head());
    if (path.startsWith(`/v1/list/${TENANT}/state/`)) return new Response(this.state());
    if (path === "/v1/verify") return Response.json({ ...this.verdict, list: { sequence: this.sequence } });
    if (path === "/v1/usage") {
      this.reports.push(JSON.parse(init.body));
      return new Response("{}");
    }
    return new Response("{}", { status: 404 });
  };

  keySet() {
    const bytes = fromHex(KEY_SET);
    bytes[EDITION_AT] = this.edition;
    return bytes;
  }

  state() {
    const places = [...this.#dead].map((index) => index - FLOOR);
    const bits = new Uint8Array(2 + Math.max(0, ...places.map((place) => place >> 3)));
    for (const place of places) bits[place >> 3] |= 1 << (place & 7);
    return joined([1], number(FLOOR, 4), number(8 * bits.length, 4), bits);
  }

  /** A head, made now; `listKey`: whose hand it is in. */
  async head({ listKey = this.#listKey } = {}) {
    const state = this.state();
    const chunk = state.length > 9 ? await sha256(state.subarray(9)) : [];
    const digest = await sha256(joined(state.subarray(1, 9), chunk));
    const body = joined(
      [1], number(TENANT, 2), number(this.sequence, 8), digest, number(this.now, 8), number(this.now + 3_600_000, 8), number(0, 4),
      [1, AUDIENCE], number(this.edition, 4), number(3, 4), number(0, 4), number(0, 2), number(0, 2),
    );
    const key = await crypto.subtle.importKey("raw", listKey, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    return joined(body, new Uint8Array(await crypto.subtle.sign("HMAC", key, body)).subarray(0, 16));
  }
}

/** Answers of a server that is not well, by what it does. */
export const HOSTILE = {
  "hangs": () => new Promise(() => {}),
  "cannot be reached": async () => {
    throw new TypeError("fetch failed");
  },
  "fails": async () => new Response("{}", { status: 500 }),
  "says it is not there": async () => new Response(null, { status: 404 }),
  "sends another place": async () => new Response(null, { status: 302, headers: { Location: "https://elsewhere.test/" } }),
  "cuts its answers short": async () => new Response(new ReadableStream({
    start(stream) {
      stream.enqueue(utf8("x"));
      stream.error(new TypeError("terminated"));
    },
  })),
  "answers nothing": async () => new Response(new Uint8Array()),
  "answers random bytes": async () => new Response(crypto.getRandomValues(new Uint8Array(700))),
  "answers without end": async () => new Response(new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(65_536)) })),
  "says that its answer is longer than it may be": async () => new Response(new Uint8Array(70_000_000)),
  "stops in the middle": async () => new Response(new ReadableStream({ start: (stream) => stream.enqueue(utf8("x")) })),
};

const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

