// Key set, list and strict answers from a registry over HTTP: by URL, or by a Worker's service binding.

import { TransportError, OptionError } from "../errors.mjs";
import { boundedBody } from "./bounded_body.mjs";
import { MAX_HEAD_LEN } from "./list_head.mjs";

/** One registry, asked as the verifier of one audience. */
export class RegistryTransport {
  #fetch;
  #base;
  #credential;
  #audience;
  #maxStateLen;

  /**
   * `fetch`: what sends a request; `base`: the registry's origin, and a path before `/v1` if it has one; `credential`: a key with
   * `verifier:key-set`, for strict scopes also `verifier:verify`, or a function that gives one.
   */
  constructor({ fetch, base, credential, audience, maxStateBytes = DEFAULT_MAX_STATE_BYTES }) {
    const url = parsed(base);
    if (url.protocol !== "https:" && !LOOPBACK.has(url.hostname)) {
      throw new OptionError("https_required", "the registry is reached by https, but for one on this machine");
    }
    // What a runtime says of such a URL quotes it.
    if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
      throw new OptionError("invalid_option", "the registry's address is an origin, and a path if it has one: no user, password, query or fragment");
    }
    if (credential === undefined) throw new OptionError("credential_missing", "a registry needs the option `credential`");
    if (typeof credential !== "function") sound(credential);
    this.#fetch = fetch;
    this.#base = url.href.replace(/\/$/, "");
    this.#credential = typeof credential === "function" ? credential : () => credential;
    this.#audience = audience;
    this.#maxStateLen = maxStateBytes;
  }

  /** The key set and its ETag; nothing if it is still the one of this ETag. */
  async keySet(etag, signal) {
    const query = this.#audience === undefined ? "" : `?audience=${encodeURIComponent(this.#audience)}`;
    const headers = etag === undefined ? {} : { "If-None-Match": etag };
    const response = await this.#ask(`/v1/key-set${query}`, { headers: await this.#authorized(headers), signal });
    if (response.status === 304) return undefined;
    return { bytes: await taken(response, MAX_KEY_SET_LEN), etag: response.headers.get("ETag") ?? undefined };
  }

  /** The list's head. */
  async head(tenant, signal) {
    return taken(await this.#ask(`/v1/list/${tenant}/head`, { signal }), MAX_HEAD_LEN);
  }

  /** The state of this name. */
  async state(tenant, name, signal) {
    return taken(await this.#ask(`/v1/list/${tenant}/state/${name}`, { signal }), this.#maxStateLen);
  }

  /** The registry's own word on a key. */
  async confirm({ key, scopes, any, address }, signal) {
    const question = { key, scopes, match: any ? "any" : "all", strict: true, address, audience: this.#audience };
    const headers = await this.#authorized({ "Content-Type": "application/json" });
    const response = await this.#ask("/v1/verify", { method: "POST", headers, body: JSON.stringify(question), signal });
    const bytes = await taken(response, MAX_ANSWER_LEN);
    return { ...JSON.parse(new TextDecoder().decode(bytes)), requestId: requestId(response) };
  }

  /** Tells what was decided. */
  async report(report, signal) {
    const headers = await this.#authorized({ "Content-Type": "application/json" });
    const body = JSON.stringify({ ...report, audience: this.#audience });
    const response = await this.#ask("/v1/usage", { method: "POST", headers, body, signal });
    if ([400, 413, 422].includes(response.status)) {
      const error = new TransportError("report_refused", `the registry answers ${response.status}`);
      error.field = await refusedField(response);
      throw error;
    }
    await taken(response, MAX_ANSWER_LEN);
  }

  async #authorized(headers) {
    return { ...headers, Authorization: `Bearer ${sound(await this.#credential())}` };
  }

  #ask(path, init) {
    // WHY: a redirect could take the credential elsewhere.
    return this.#fetch(this.#base + path, { redirect: "manual", ...init });
  }
}

function parsed(base) {
  try {
    return new URL(base);
  } catch {
    throw new OptionError("invalid_option", "the registry's address is a URL, as https://keys.example.com");
  }
}

/** The credential, if it can stand in a header: what a runtime says of one that cannot quotes it. */
function sound(credential) {
  if (typeof credential === "string" && CREDENTIAL.test(credential)) return credential;
  throw new OptionError("credential_malformed", "`credential` is one key: no space, no line break, nothing around it");
}

async function taken(response, most) {
  if (response.status === 200) return boundedBody(response, most);
  await response.body?.cancel();
  const id = requestId(response);
  const request = id === undefined ? "" : ` (request ${id})`;
  throw new TransportError(CODES[response.status] ?? "registry_refused", `the registry answers ${response.status}${request}`);
}

/** The field that a problem names; nothing where the answer is none of the registry's. */
async function refusedField(response) {
  try {
    const { field } = JSON.parse(new TextDecoder().decode(await boundedBody(response, MAX_ANSWER_LEN)));
    return typeof field === "string" ? field : undefined;
  } catch {
    return undefined;
  }
}

const requestId = (response) => response.headers.get("Wardkey-Request-Id") ?? undefined;

const CODES = { 401: "credential_refused", 403: "credential_refused", 404: "not_found", 410: "tenant_gone", 429: "too_many_requests" };
const CREDENTIAL = /^[A-Za-z0-9_-]{1,512}$/;
const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);
/** Longest key set, in bytes. */
const MAX_KEY_SET_LEN = 17_769;
const MAX_ANSWER_LEN = 64 * 1024;
/** Half a billion status indexes. */
const DEFAULT_MAX_STATE_BYTES = 64 * 1024 * 1024;
