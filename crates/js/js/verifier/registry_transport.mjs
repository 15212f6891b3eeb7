// Key set, list and strict answers from a registry over HTTP: by URL, or by a Worker's service binding.

import { KeySetError, OptionError, TransportError, WardkeyError } from "../errors.mjs";
import { unset } from "../options.mjs";
import { boundedBody } from "./bounded_body.mjs";
import { causeOf } from "./cause.mjs";
import { MAX_HEAD_LEN } from "./list_head.mjs";

/** One registry, asked as the verifier of one audience. */
export class RegistryTransport {
  /** What is asked, in words. Without its path, which may be a secret of a proxy's. */
  where;
  #fetch;
  #base;
  #credential;
  #audience;
  #maxStateLen;

  /**
   * `fetch`: what sends a request; `base`: the registry's origin, and a path before `/v1` if it has one; `credential`: a key with
   * `verifier:key-set`, for strict scopes also `verifier:verify`, or a function that gives one.
   */
  constructor({ fetch, base, where, credential, audience, maxStateBytes = DEFAULT_MAX_STATE_BYTES }) {
    const url = parsed(base);
    if (url.protocol !== "https:" && !LOOPBACK.has(url.hostname)) {
      throw new OptionError("https_required", "the registry is reached by https, but for one on this machine");
    }
    // What a runtime says of such a URL quotes it.
    if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
      throw new OptionError("invalid_option", "the registry's address is an origin, and a path if it has one: no user, password, query or fragment");
    }
    if (credential === undefined) throw new OptionError("credential_missing", unset("credential"));
    if (typeof credential !== "function") sound(credential);
    this.#fetch = fetch;
    this.#base = url.href.replace(/\/$/, "");
    this.where = where ?? `the registry at ${url.origin}`;
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
    const bytes = await this.#taken(response, MAX_KEY_SET_LEN);
    // A page, where bytes of no type of anybody's are expected.
    if (OTHERS.test(response.headers.get("Content-Type"))) throw new KeySetError("key_set_malformed", `${this.where} is none: a page answers there`);
    return { bytes, etag: response.headers.get("ETag") ?? undefined };
  }

  /** The list's head. */
  async head(tenant, signal) {
    return this.#taken(await this.#ask(`/v1/list/${tenant}/head`, { signal }), MAX_HEAD_LEN, "list");
  }

  /** The state of this name. */
  async state(tenant, name, signal) {
    return this.#taken(await this.#ask(`/v1/list/${tenant}/state/${name}`, { signal }), this.#maxStateLen, "list");
  }

  /** The registry's own word on a key. */
  async confirm({ key, scopes, any, address }, signal) {
    const question = { key, scopes, match: any ? "any" : "all", strict: true, address, audience: this.#audience };
    const headers = await this.#authorized({ "Content-Type": "application/json" });
    const response = await this.#ask("/v1/verify", { method: "POST", headers, body: JSON.stringify(question), signal });
    const bytes = await this.#taken(response, MAX_ANSWER_LEN);
    return { ...JSON.parse(new TextDecoder().decode(bytes)), requestId: requestId(response) };
  }

  /** Tells what was decided. */
  async report(report, signal) {
    const headers = await this.#authorized({ "Content-Type": "application/json" });
    const body = JSON.stringify({ ...report, audience: this.#audience });
    const response = await this.#ask("/v1/usage", { method: "POST", headers, body, signal });
    if ([400, 413, 422].includes(response.status)) {
      const error = new TransportError("report_refused", `${this.where} answers ${response.status}`);
      error.field = await refusedField(response);
      throw error;
    }
    await this.#taken(response, MAX_ANSWER_LEN);
  }

  async #authorized(headers) {
    let credential;
    try {
      credential = await this.#credential();
    } catch (error) {
      throw new TransportError("credential_failed", `\`credential\` threw: ${causeOf(error)}`);
    }
    return { ...headers, Authorization: `Bearer ${sound(credential)}` };
  }

  async #ask(path, init) {
    try {
      // WHY: a redirect could take the credential elsewhere.
      return await this.#fetch(this.#base + path, { redirect: "manual", ...init });
    } catch (error) {
      throw new TransportError("registry_unreachable", `${this.where} cannot be reached: ${causeOf(error)}`);
    }
  }

  async #taken(response, most, open) {
    if (response.status !== 200) throw await this.#refusal(response, open);
    try {
      return await boundedBody(response, most);
    } catch (error) {
      if (error instanceof WardkeyError) throw error;
      throw new TransportError("registry_unreachable", `${this.where} stops in the middle: ${causeOf(error)}`);
    }
  }

  /** `open`: what was asked for without a credential. */
  async #refusal(response, open) {
    const { status } = response;
    const [words, field] = EXPLAINED.has(status) ? await explanation(response) : [[]];
    await response.body?.cancel().catch(() => {});
    const id = requestId(response);
    const told = [status, ...words].join(" ") + (id === undefined ? "" : `, request ${id}`);
    const code = CODES[status] ?? "registry_refused";
    if (code !== "credential_refused") return new TransportError(code, `${this.where} answers ${told}${this.#hint(status, words, field)}`);
    if (open !== undefined) return new TransportError(code, `${this.where} answers ${told} for the ${open}, which takes no credential`);
    return new TransportError(code, `${this.where} refuses \`credential\` (${told})${this.#lack(words)}`);
  }

  /** What may be wrong with the address, or is missing beside it. */
  #hint(status, words, field) {
    if (field === "audience") return ": `credential` is for several audiences, so `audience` says for which";
    if (status !== 404) return "";
    if (this.#base.endsWith("/v1")) return ": `url` is without /v1";
    return words.length > 0 ? "" : ": is it one?";
  }

  /** What a credential is not that is refused. */
  #lack(words) {
    if (this.#audience !== undefined && words.some((word) => word.endsWith("_audience"))) return `: it is not for audience "${this.#audience}"`;
    return words.includes("invalid_token") ? ": is it a key of audience wardkey, with verifier:key-set?" : "";
  }
}

/** What a problem of the registry's says in words of its own, and the field that it is about. Nothing that could be somebody's text. */
async function explanation(response) {
  try {
    const { code, rule, field } = JSON.parse(new TextDecoder().decode(await boundedBody(response, MAX_PROBLEM_LEN)));
    const scope = SCOPE.exec(response.headers.get("WWW-Authenticate"))?.[1];
    return [[code, rule, scope].filter((word) => typeof word === "string" && WORD.test(word)), field];
  } catch {
    return [[]];
  }
}

function parsed(base) {
  if (!/^https?:\/\//i.test(base)) throw new OptionError("invalid_option", "`url` begins with https://, or with http:// for a registry on this machine");
  try {
    return new URL(base);
  } catch {
    throw new OptionError("invalid_option", "the registry's address is a URL, as https://keys.example.com");
  }
}

/** The credential, if it can stand in a header: what a runtime says of one that cannot quotes it. */
function sound(credential) {
  if (typeof credential === "string" && CREDENTIAL.test(credential)) return credential;
  if (credential === undefined) throw new OptionError("credential_malformed", unset("credential"));
  const is = typeof credential === "string" ? "one key: no space, no line break, nothing around it" : `a string, and not ${credential === null ? "null" : `of type ${typeof credential}`}; readFileSync needs "utf8"`;
  throw new OptionError("credential_malformed", `\`credential\` is ${is}`);
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
/** Refusals that the registry explains. */
const EXPLAINED = new Set([400, 401, 403, 404]);
const MAX_PROBLEM_LEN = 4_096;
const OTHERS = /^(?:text\/|application\/json)/i;
const SCOPE = / scope="([^"]+)"/;
/** No key is of such letters alone. */
const WORD = /^[a-z][a-z_:-]{0,40}$/;
const CREDENTIAL = /^[A-Za-z0-9_-]{1,512}$/;
const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);
/** Longest key set, in bytes. */
const MAX_KEY_SET_LEN = 17_769;
const MAX_ANSWER_LEN = 64 * 1024;
/** Half a billion status indexes. */
const DEFAULT_MAX_STATE_BYTES = 64 * 1024 * 1024;
