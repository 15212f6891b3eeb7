// A fetch that attaches the key to requests to its own origins, and to no other.

import { KeyTextError, OptionError, RequestError } from "../errors.mjs";
import { known } from "../options.mjs";
import { allowedOrigins, isOpenToOthers } from "./origin.mjs";
import { noBlanks } from "./text.mjs";

const MAX_REDIRECTS = 20;
const MAX_KEY_LEN = 512;
/** Headers that are for who was asked, and nobody else: what fetch itself takes away, and what else commonly is a credential. */
const FOR_ITS_ORIGIN = ["authorization", "cookie", "cookie2", "host", "proxy-authorization", "x-api-key", "x-auth-token", "x-csrf-token", "x-xsrf-token"];
const OPTIONS = ["key", "origins", "header", "onRotateBy", "fetch"];

/** A function like `fetch`. */
export function wardkeyFetch(options = {}) {
  const { key, origins, header = "Authorization", onRotateBy, fetch = globalThis.fetch } = known(options, OPTIONS, "wardkeyFetch");
  const isAllowed = allowedOrigins(origins);
  if (typeof key !== "function") credential(key);
  if (onRotateBy !== undefined && typeof onRotateBy !== "function") throw new OptionError("invalid_option", "onRotateBy: a function");
  if (typeof fetch !== "function") throw new OptionError("invalid_option", "fetch: a function");
  if (typeof header !== "string" || !/^[A-Za-z0-9-]+$/.test(header)) throw new OptionError("invalid_option", "header: a header's name");
  const isBearer = header.toLowerCase() === "authorization";
  let rotateBy;

  const withKey = async (headers) => {
    const text = credential(typeof key === "function" ? await key() : key);
    const carrying = new Headers(headers);
    carrying.set(header, isBearer ? `Bearer ${text}` : text);
    return carrying;
  };
  const report = (response) => {
    const date = httpDate(response.headers.get("wardkey-rotate-by"));
    if (date === undefined || date.getTime() === rotateBy) return;
    rotateBy = date.getTime();
    onRotateBy?.(date);
  };

  return async (input, init) => {
    const asked = new Request(input, init);
    let url = new URL(asked.url);
    if (!isAllowed(url)) return fetch(asked);
    if (asked.headers.has(header)) throw new RequestError("two_credentials", "the request has a credential already");
    const { redirect, signal } = asked;
    let { method } = asked;
    let headers = new Headers(asked.headers);
    let body = replayable(input, init);
    // Once it has left its origins it carries no key any more: who sends it back may not choose what it asks.
    let carries = true;
    let response = await fetch(new Request(asked, { headers: await withKey(headers), redirect: redirect === "follow" ? "manual" : redirect }));
    report(response);
    for (let hops = 0; redirect === "follow"; hops++) {
      const next = target(response, url);
      if (next === undefined) return response;
      if (hops === MAX_REDIRECTS) throw new RequestError("redirect_refused", "more than 20 redirects");
      await response.body?.cancel();
      const keeps = response.status === 307 || response.status === 308;
      if (!keeps && (response.status === 303 ? method !== "HEAD" : method === "POST")) {
        method = method === "HEAD" ? "HEAD" : "GET";
        body = undefined;
        for (const name of [...headers.keys()]) if (name.startsWith("content-")) headers.delete(name);
      }
      // A form is written anew, with another boundary.
      if (body instanceof FormData) headers.delete("content-type");
      if (body === STREAM) throw new RequestError("redirect_refused", "a redirect asks for a body that can be sent only once");
      carries &&= isAllowed(next);
      if (!carries) {
        if (isOpenToOthers(next)) throw new RequestError("redirect_refused", "a redirect leaves https");
        if (body !== undefined) throw new RequestError("redirect_refused", "a redirect would send the body to another origin");
      }
      // Also from one of its origins to another: the key is for both, the caller's own credentials are for the first.
      if (next.origin !== url.origin) for (const name of [header, ...FOR_ITS_ORIGIN]) headers.delete(name);
      url = next;
      response = await fetch(url.href, { ...init, method, headers: carries ? await withKey(headers) : headers, body, signal, redirect: "manual" });
      if (carries) report(response);
    }
    return response;
  };
}

const STREAM = Symbol("a body that can be sent only once");

/** The body of a request, so that it can be sent once more. */
function replayable(input, init) {
  const body = init?.body ?? undefined;
  if (body !== undefined) return body instanceof ReadableStream || typeof body[Symbol.asyncIterator] === "function" ? STREAM : body;
  return input instanceof Request && input.body !== null ? STREAM : undefined;
}

/** Where a redirect leads; nowhere if it is none. */
function target(response, from) {
  // Browsers do not say where; others follow such a redirect without asking.
  if (response.type === "opaqueredirect") throw new RequestError("redirect_refused", "this platform does not tell where a redirect leads");
  if (![301, 302, 303, 307, 308].includes(response.status)) return undefined;
  const location = response.headers.get("location");
  if (location === null) return undefined;
  if (!URL.canParse(location, from)) throw new RequestError("redirect_refused", "a redirect leads nowhere");
  return new URL(location, from);
}

/** A key that a header can hold: what cannot be sent is not handed to a platform that shows it in its error. */
function credential(key) {
  if (typeof key !== "string") throw new KeyTextError("malformed", "wardkeyFetch: `key` is a string, or a function that gives one");
  noBlanks(key);
  if (key.length > MAX_KEY_LEN || !/^[A-Za-z0-9_-]+$/.test(key)) throw new KeyTextError("malformed", "the text is no key");
  return key;
}

/** RFC 9110's date, as it is sent. */
function httpDate(text) {
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text ?? "")) return undefined;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
