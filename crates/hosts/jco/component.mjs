// The component behind wit/verify, as JavaScript sees it. Nothing else here knows the interface's words.

import { readFileSync } from "node:fs";
import { isIP, isIPv4 } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** Any error of these files: a stable `code`, and no byte of a key. */
export class WardkeyError extends Error {
  constructor(code, message) {
    super(message);
    this.name = "WardkeyError";
    this.code = code;
  }
}

/** What `transpile.mjs` has written, compiled: good for any number of instances. */
export async function compiled(folder) {
  const { instantiate } = await import(pathToFileURL(join(folder, "verifying.js")).href);
  const modules = new Map();
  const module = (name) => {
    if (!modules.has(name)) modules.set(name, new WebAssembly.Module(readFileSync(join(folder, name))));
    return modules.get(name);
  };
  return () => instantiate(module, {}).verifier;
}

/** The verifier of one audience. Whoever reads its memory can mint keys of that audience. */
export class Instance {
  #interface;
  #verifier;
  #requirements = new Map();
  #isSpent = false;

  /** Of a compiled component and the bytes of a key set, which the caller wipes. */
  constructor(instantiate, keySet) {
    this.#interface = instantiate();
    this.#verifier = this.#call(() => this.#interface.Verifier.new(keySet), "the key set is refused");
  }

  /** Whether a call did not come back: it answers nothing any more, and another one must take its place. */
  get isSpent() {
    return this.#isSpent;
  }

  /** Takes a newer key set of the same audience; requirements are built anew. */
  renew(keySet) {
    this.#call(() => this.#verifier.renew(keySet), "the key set is refused");
    this.#requirements.clear();
  }

  /** Tenant, audience, version, and milliseconds up to which a list is fresh. */
  get keySet() {
    const { freshForMs, ...info } = this.#call(() => this.#verifier.keySet());
    return { ...info, freshForMs: Number(freshForMs) };
  }

  /** The list in force, or nothing. */
  get list() {
    const info = this.#call(() => this.#verifier.listInForce());
    return info && { ...info, issuedAtMs: Number(info.issuedAtMs) };
  }

  /** The requirement of these scopes, looked up once. */
  requirement(scopes, { any = false, strict = false } = {}) {
    const name = JSON.stringify([scopes, any, strict]);
    if (!this.#requirements.has(name)) {
      const built = this.#call(() => this.#verifier[any ? "anyOf" : "allOf"](scopes), `no requirement of ${scopes.join(" ")}`);
      this.#requirements.set(name, strict ? this.#call(() => built.strict()) : built);
    }
    return this.#requirements.get(name);
  }

  /** Takes a newer head, and its state where that is needed: then it answers with the state's name. */
  applyList(head, state, now) {
    const nowMs = u64(now);
    const answer = this.#result(() => this.#verifier.applyList(head, state, nowMs));
    if (answer.error === undefined) return undefined;
    if (answer.error.tag !== "state-needed") throw new WardkeyError(`list_${snake(answer.error.tag)}`, "the list is refused");
    const { sequence, digest } = answer.error.val;
    return `${sequence}-${Buffer.from(digest).toString("hex")}`;
  }

  /** `{ allow }`, `{ deny }`, `{ refresh: true }`, or `{ registry }`, a question. `registry`: nothing, "failed", or a confirmation. */
  verify(key, requirement, now, { address, refreshFailed = false, registry } = {}) {
    // What no key can be is not handed over: it would be copied before it is refused.
    const text = typeof key === "string" && key.length <= MAX_KEY_LEN && /^[\x21-\x7e]*$/.test(key) ? key : "";
    const asked = registry === undefined ? NOT_ASKED : registry === "failed" ? FAILED : { tag: "answered", val: registry };
    const [nowMs, caller] = [u64(now), ipAddress(address)];
    const { tag, val } = this.#call(() => this.#verifier.verify(text, requirement, nowMs, caller, refreshFailed ? "failed" : "not-tried", asked));
    if (tag === "allow") return { allow: { ...val, zone: snake(val.zone) } };
    if (tag === "deny") return { deny: { ...val, reason: snake(val.reason) } };
    return val.tag === "refresh" ? { refresh: true } : { registry: val.val };
  }

  /** Hands the registry's answer to its question: a confirmation, or nothing where it is about another key. `verdict`: a word, or a record of one that is alive. */
  answer(question, verdict) {
    const given = typeof verdict === "string" ? { tag: verdict.replaceAll("_", "-") } : { tag: "alive", val: verdict };
    const { ok } = this.#result(() => this.#interface.RegistryQuestion.answered(question, given));
    return ok;
  }

  #call(work, refused) {
    const { ok, error } = this.#result(work);
    if (error !== undefined) throw new WardkeyError(snake(String(error)), `${refused}: ${error}`);
    return ok;
  }

  /** A result of the interface; what else is thrown is a trap, and there is nothing behind it that may be used again. */
  #result(work) {
    if (this.#isSpent) throw new WardkeyError("spent", "a call of this instance did not come back before");
    // Until it has come back: at the end of the stack nothing behind the call may run any more.
    this.#isSpent = true;
    let given;
    try {
      given = { ok: work() };
    } catch (error) {
      if (error instanceof Error) given = undefined;
      else given = { error };
    }
    // Out here, without the error that knows what was handed over.
    if (given === undefined) throw new WardkeyError("trapped", "the component did not come back");
    this.#isSpent = false;
    return given;
  }
}

/** jco takes a number that is too large for another one, and says nothing. */
function u64(now) {
  if (!Number.isSafeInteger(now) || now < 0) throw new WardkeyError("clock_malformed", "a time is a whole number of milliseconds");
  return BigInt(now);
}

/** What is no address is not known; one with a zone is of this machine's network alone. */
function ipAddress(text) {
  if (typeof text !== "string" || text.includes("%") || isIP(text) === 0) return undefined;
  if (isIPv4(text)) return { tag: "ipv4", val: text.split(".").map(Number) };
  // The URL parser writes an address in full groups, dotted ends included.
  const [front, back] = new URL(`http://[${text}]`).hostname.slice(1, -1).split("::");
  const groups = (part) => (part ? part.split(":") : []).map((group) => Number.parseInt(group, 16));
  const [first, last] = [groups(front), groups(back)];
  return { tag: "ipv6", val: [...first, ...Array(8 - first.length - last.length).fill(0), ...last] };
}

const snake = (word) => word.replaceAll("-", "_");
const MAX_KEY_LEN = 512;
const NOT_ASKED = { tag: "not-asked" };
const FAILED = { tag: "failed" };
