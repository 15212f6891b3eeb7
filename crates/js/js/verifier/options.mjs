// What a verifier and its calls are told: everything that is not understood is refused, because it was meant to do something.

import { OptionError } from "../errors.mjs";
import { known, unset } from "../options.mjs";
import { RegistryTransport } from "./registry_transport.mjs";
import { StaticTransport } from "./static_transport.mjs";
import { checkUsage } from "./usage_reports.mjs";

/** Throws `OptionError` for what no verifier can be made by. */
export function checkOptions(options) {
  if (options === null || typeof options !== "object") throw new OptionError("invalid_option", "a verifier is made by an object of options");
  const transports = TRANSPORTS.filter((name) => options[name] !== undefined);
  const nothing = TRANSPORTS.find((name) => name in options && options[name] === undefined);
  if (transports.length === 0 && nothing !== undefined) {
    throw new OptionError("invalid_option", unset(nothing));
  }
  if (transports.length !== 1) throw new OptionError("one_transport", "a verifier needs one of the options `url`, `binding`, `files` and `transport`");
  const [transport] = transports;
  known(options, [transport, ...COMMON, ...(BY[transport] ?? [])], "createVerifier");
  for (const name of ["address", "onDecision", "waitUntil", "now"]) isA(options, name, "function");
  between(options, "refreshTimeoutMs", 100, 5_000);
  between(options, "strictTimeoutMs", 100, 30_000);
  between(options, "maxStateBytes", 1, 2 ** 30);
  if (options.usage !== undefined) checkUsage(options.usage);
  isA(options, "header", "string");
  isA(options, "fetch", "function");
  const methods = { binding: ["fetch"], files: SOURCES, transport: SOURCES }[transport] ?? [];
  const lacking = methods.find((name) => typeof options[transport]?.[name] !== "function");
  if (lacking !== undefined) throw new OptionError("invalid_option", `\`${transport}.${lacking}\` is a function`);
  if (options.header !== undefined && !HEADER.test(options.header)) throw new OptionError("invalid_option", "`header` is the name of one header");
}

/** The one way to the registry that the options name. */
export function transportOf({ url, binding, files, transport, ...options }) {
  if (transport !== undefined) return transport;
  if (files !== undefined) return new StaticTransport(files);
  if (binding !== undefined) {
    // A service binding reaches the other Worker whatever the host is called.
    return new RegistryTransport({ ...options, fetch: (...request) => binding.fetch(...request), base: "https://wardkey.internal", where: "the registry behind `binding`" });
  }
  const send = options.fetch ?? ((...request) => globalThis.fetch(...request));
  return new RegistryTransport({ ...options, fetch: send, base: url });
}

/** The options of calls, which are mostly the same object with the same values. */
export class CallOptions {
  #given = NONE;
  #own = NONE;

  /**
   * What the object itself says, and nothing that somebody has put on every object. Throws `OptionError` for an option that a call
   * does not have.
   */
  read(options) {
    const last = this.#own;
    // WHY name by name: a loop over names takes as long as half a verification.
    if (
      options === this.#given && options.any === last.any && options.strict === last.strict && options.address === last.address &&
      options.claims === last.claims && options.waitUntil === last.waitUntil && options.requestId === last.requestId
    ) return last;
    known(options, CALL, "a verification");
    const parent = Object.getPrototypeOf(options);
    // What is inherited would be left out, and was meant.
    if (parent !== null && parent !== Object.prototype) throw new OptionError("invalid_option", "a verification: options are a plain object");
    const of = (name) => (Object.hasOwn(options, name) ? options[name] : undefined);
    const own = { any: of("any"), strict: of("strict"), address: of("address"), claims: of("claims"), waitUntil: of("waitUntil"), requestId: of("requestId") };
    for (const name of ["any", "strict", "claims"]) isA(own, name, "boolean");
    isA(own, "waitUntil", "function");
    this.#given = options;
    this.#own = own;
    return own;
  }
}

/** The options of a call that has none: each is its own, so that nothing on `Object.prototype` is one. */
export const NONE = Object.freeze({ any: undefined, strict: undefined, address: undefined, claims: undefined, waitUntil: undefined, requestId: undefined });

function isA(options, name, type) {
  if (options[name] !== undefined && typeof options[name] !== type) throw new OptionError("invalid_option", `\`${name}\` is a ${type}`);
}

function between(options, name, least, most) {
  const value = options[name];
  if (value === undefined || (typeof value === "number" && value >= least && value <= most)) return;
  throw new OptionError("invalid_option", `\`${name}\` is a number from ${least} to ${most}`);
}

const SOURCES = ["keySet", "head", "state"];
const TRANSPORTS = ["url", "binding", "files", "transport"];
const COMMON = ["header", "address", "onDecision", "waitUntil", "refreshTimeoutMs", "strictTimeoutMs", "usage", "now"];
const REGISTRY = ["credential", "audience", "maxStateBytes"];
const BY = { url: [...REGISTRY, "fetch"], binding: REGISTRY };
const CALL = ["any", "strict", "address", "claims", "waitUntil", "requestId"];
const HEADER = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
