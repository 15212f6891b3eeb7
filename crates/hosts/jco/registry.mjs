// Key set, list and strict answers from a registry over HTTP.

import { setTimeout as sleep } from "node:timers/promises";

import { WardkeyError } from "./component.mjs";

/** One registry, asked as the verifier of one audience. */
export class Registry {
  #base;
  #credential;
  #audience;

  /**
   * `credential`: a key with `verifier:key-set`, for strict scopes also `verifier:verify`; or a function that gives one, now or by a promise,
   * and is called for each question, so that the next generation needs no restart. `audience`: where it may ask for several.
   */
  constructor({ url, credential, audience }) {
    const { protocol, hostname, href } = URL.canParse(url) ? new URL(url) : {};
    if (protocol !== "https:" && !(protocol === "http:" && LOOPBACK.has(hostname))) {
      throw new WardkeyError("https_required", "a registry's URL begins with https://, or with http:// for one on this machine");
    }
    if (!credential) throw new WardkeyError("credential_missing", "a registry needs a credential");
    this.#base = href.replace(/\/$/, "");
    this.#credential = credential;
    this.#audience = audience;
  }

  /** The key set and its ETag; nothing if it is still the one of this ETag. */
  async keySet(etag) {
    const query = this.#audience === undefined ? "" : `?audience=${encodeURIComponent(this.#audience)}`;
    const headers = { ...(await this.#authorized()), ...(etag && { "If-None-Match": etag }) };
    const response = await this.#ask(`/v1/key-set${query}`, { headers }, GIVE_UP_MS);
    if (response.status === 304) return undefined;
    return { bytes: await taken(response, MAX_KEY_SET_LEN), etag: response.headers.get("ETag") ?? undefined };
  }

  async head(tenant) {
    return taken(await this.#ask(`/v1/list/${tenant}/head`, {}, GIVE_UP_MS), MAX_HEAD_LEN);
  }

  async state(tenant, name) {
    return taken(await this.#ask(`/v1/list/${tenant}/state/${name}`, {}, GIVE_UP_MS), MAX_STATE_LEN);
  }

  /** The registry's own word on a key. */
  async confirm({ key, scopes, any, address }) {
    const body = JSON.stringify({ key, scopes, match: any ? "any" : "all", strict: true, address, audience: this.#audience });
    const headers = { ...(await this.#authorized()), "Content-Type": "application/json" };
    const response = await this.#ask("/v1/verify", { method: "POST", headers, body }, STRICT_MS);
    return JSON.parse(Buffer.from(await taken(response, MAX_ANSWER_LEN)).toString());
  }

  async #authorized() {
    const credential = await given(this.#credential);
    if (typeof credential !== "string" || credential.trim() === "") throw new WardkeyError("credential_missing", "there is no credential");
    return { Authorization: `Bearer ${credential.trim()}` };
  }

  /** WHY no redirect: it could take the credential elsewhere. WHY another error: fetch may put a header into its own. */
  async #ask(path, init, withinMs) {
    try {
      return await fetch(this.#base + path, { redirect: "manual", signal: AbortSignal.timeout(withinMs), ...init });
    } catch (error) {
      throw new WardkeyError("registry_unreachable", `the registry did not answer: ${error.cause?.code ?? error.name}`);
    }
  }
}

/** WHY another error: that of whoever keeps a credential may hold it. WHY a limit: a caller waits for a strict answer. */
async function given(credential) {
  if (typeof credential !== "function") return credential;
  const late = new AbortController();
  const tooLate = sleep(STRICT_MS, undefined, { signal: late.signal }).then(
    () => Promise.reject(Object.assign(new Error(), { code: "it gave none in time" })),
    () => {},
  );
  try {
    return await Promise.race([credential(), tooLate]);
  } catch (error) {
    throw new WardkeyError("credential_missing", `the function \`credential\` failed: ${error?.code ?? error?.name ?? "no reason given"}`);
  } finally {
    late.abort();
  }
}

/** A body that is read no further than it may be long: whoever answers may be somebody else. */
async function taken(response, most) {
  if (response.status !== 200) {
    await response.body?.cancel();
    const [code, why] = REFUSALS[response.status] ?? ["registry_refused", ""];
    throw new WardkeyError(code, `the registry answers ${response.status}${why}`);
  }
  const chunks = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > most) throw new WardkeyError("answer_too_long", `the answer is longer than ${most} bytes`);
    chunks.push(chunk);
  }
  // A copy of its own: the key set in it is wiped afterwards, and nothing beside it.
  return Uint8Array.from(Buffer.concat(chunks));
}

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);
const REFUSALS = {
  401: ["credential_refused", ": the credential is wrong, has expired or was revoked"],
  403: ["credential_refused", ": the credential needs verifier:key-set, and `audience` where it is for several"],
};
const GIVE_UP_MS = 5_000;
const STRICT_MS = 2_000;
const MAX_KEY_SET_LEN = 17_769;
const MAX_HEAD_LEN = 4_096;
const MAX_ANSWER_LEN = 64 * 1024;
const MAX_STATE_LEN = 64 * 1024 * 1024;
