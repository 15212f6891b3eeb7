// One instance of the verifier's module: the verifier of one audience. ABI.md is the module's manual.

import { OptionError } from "./errors.mjs";

/** The low byte of a verdict. */
export const ALLOW = 0, ASK_REFRESH = 64, ASK_REGISTRY = 65, MISUSE = 255;

/** What `verify` is told that was done: bits to be added up. */
export const REFRESH_FAILED = 1, REGISTRY_FAILED = 2, REGISTRY_ANSWERED = 4, CALLER_IPV4 = 8, CALLER_IPV6 = 16;

/** Why a key is denied, by the number less one. */
export const REASONS = [
  "malformed", "bad_checksum", "unknown_signing_key", "prefix_mismatch", "bad_tag", "outside_window", "wrong_audience",
  "requirement_outdated", "never_issued", "tenant_gone", "expired", "not_yet_valid", "inactive", "revoked", "suspended",
  "retired", "scope_missing", "narrowed", "address_not_allowed", "list_stale", "clock_behind", "no_key_set",
  "registry_unavailable",
];

const ABI_VERSION = 1;
/** Figures of ABI.md. */
const TENANT = 0, AUDIENCE = 1, KEY_SET_VERSION = 2, SEQUENCE = 4;
/** What `adopt` answers. */
const ADOPTED = 0, OLDER = 17;
/** Where a head holds them. */
const SEQUENCE_AT = 3, ISSUED_AT = 43;
/** Why a requirement cannot be built. */
const PROBLEMS = {
  252: ["too_many_requirements", "a verifier takes at most 128 different sets of scopes"],
  253: ["scope_malformed", "a call needs one scope at least"],
  254: ["unknown_scope", "a scope is not in the audience's catalog"],
};
const MAX_KEY_LEN = 512;
/** Bytes of `claims` before the base. */
const CLAIMS_FRONT_LEN = 64;
const BASE = CLAIMS_FRONT_LEN;
const POOL_LEN = 16 * 1024;
const ZONES = [undefined, "fresh", "must_ask", "stale", "registry"];
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** The verifier of one audience. Whoever reads its memory can mint keys of that audience. */
export class Instance {
  #module;
  /** What the last key set was of: a new instance of the module knows nothing of it. */
  #known;
  /** The newest head that was in force, as it orders itself. */
  #newest = { sequence: -1n, issuedAt: -1n };
  #exports;
  #input;
  #inputLen;
  #bytes;
  #view;
  #write;
  /** Where claims are copied to; an old one lives as long as one of its claims. */
  #pool = new DataView(new ArrayBuffer(POOL_LEN));
  #poolUsed = 0;

  /** Of a compiled module and the bytes of a key set, which the caller wipes. Throws `KeySetError`. */
  constructor(module, keySet) {
    this.#module = module;
    this.#begin();
    this.renew(keySet);
  }

  /** Whether there is one: not any more once a call did not come back, as where a host's stack is at its end. */
  get hasKeySet() {
    return this.figure(KEY_SET_VERSION) >= 0;
  }

  /** Takes a newer key set of the same audience. Requirements are built anew, and the list stays, unless there was no key set any more. */
  renew(keySet) {
    if (!this.hasKeySet) this.#begin();
    const answer = this.#exports.set_keys(this.#put(keySet));
    if (answer !== 0) throw new Error(`the key set is ${["", "malformed", "of the administration", "older, or another audience's"][answer]}`);
    const [tenant, audience, version] = [TENANT, AUDIENCE, KEY_SET_VERSION].map((which) => this.figure(which));
    const known = this.#known;
    if (known !== undefined && !(tenant === known.tenant && audience === known.audience && version >= known.version)) {
      this.#begin();
      throw new Error("the key set is older, or another audience's");
    }
    this.#known = { tenant, audience, version };
  }

  /** The number of a requirement; 0 where there is no key set. Throws `OptionError` for no scope and for an unknown one. */
  require(scopes, { any = false, strict = false } = {}) {
    const names = new TextEncoder().encode(scopes.join(" "));
    if (names.length > this.#inputLen) throw new OptionError("scope_malformed", "a call needs fewer scopes");
    const number = this.#exports.require(this.#put(names), (any ? 1 : 0) | (strict ? 2 : 0));
    const problem = PROBLEMS[number & 255];
    if (problem !== undefined) throw new OptionError(...problem);
    return (number & 255) === MISUSE ? 0 : number;
  }

  /** Judges a head, with its state if it is given; the answer is a number of ABI.md. */
  adopt(head, state, now) {
    if (state !== undefined) {
      // What an earlier call has left behind would keep this one out.
      this.#exports.state(0);
      const at = this.#exports.state(state.length);
      if (at === 0) return 48;
      new Uint8Array(this.#exports.memory.buffer, at, state.length).set(state);
    }
    this.#look();
    const order = orderOf(head);
    // A new instance of the module knows nothing of the one before it, which had this one already.
    if (order !== undefined && this.figure(SEQUENCE) < 0 && isBefore(order, this.#newest)) return OLDER;
    const answer = this.#exports.adopt(this.#put(head), now);
    this.#look();
    if (answer === ADOPTED && order !== undefined) this.#newest = order;
    return answer;
  }

  /**
   * Verifies a key's text: the verdict is a number of ABI.md. The caller's address is one word of four bytes, or four; `done`
   * says which.
   */
  verify(key, requirement, now, done, question, caller0, caller1, caller2, caller3) {
    return this.#exports.verify(this.#write(key), requirement, now, done, question, caller0, caller1, caller2, caller3);
  }

  /** What is known of the key that was verified last, or nothing unless its tag was right. */
  claims() {
    const at = this.#exports.claims();
    if (at === 0) return undefined;
    const memory = this.#view;
    // The base's length, which is below 256, and the base behind the front.
    const len = CLAIMS_FRONT_LEN + memory.getUint8(at + 4);
    if (this.#poolUsed + len > POOL_LEN) {
      this.#pool = new DataView(new ArrayBuffer(POOL_LEN));
      this.#poolUsed = 0;
    }
    // WHY into a pool, by words: an array of its own is dearer than all the rest.
    const pool = this.#pool;
    const start = this.#poolUsed;
    const words = len & ~3;
    for (let place = 0; place < words; place += 4) pool.setUint32(start + place, memory.getUint32(at + place));
    for (let place = words; place < len; place++) pool.setUint8(start + place, memory.getUint8(at + place));
    this.#poolUsed = start + len;
    return new Claims(pool, start);
  }

  /** Takes the registry's answer to a question: the base that it repeats, its verdict, and its sequence. */
  answer(question, base, verdict, sequence) {
    return this.#exports.answer(question, this.#put(base), verdict, sequence) === 0;
  }

  /** A figure of ABI.md; -1 where there is none. */
  figure(which) {
    return this.#exports.figure(which);
  }

  #begin() {
    this.#exports = new WebAssembly.Instance(this.#module).exports;
    const version = this.#exports.abi_version();
    if (version !== ABI_VERSION) throw new Error(`the module's ABI is version ${version}, and this is for ${ABI_VERSION}`);
    this.#input = this.#exports.input();
    this.#inputLen = this.#exports.input_len();
    this.#look();
  }

  #put(bytes) {
    if (bytes.length > this.#inputLen) return this.#inputLen + 1;
    this.#bytes.set(bytes, this.#input);
    return bytes.length;
  }

  // Memory that has grown is another buffer.
  #look() {
    const { buffer } = this.#exports.memory;
    if (this.#bytes?.buffer === buffer) return;
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    this.#write = writer(buffer, this.#input);
  }
}

/** What a key's issuer said, and what is left of it: a copy, which tells of this key for as long as it is kept. */
class Claims {
  #pool;
  #start;

  constructor(pool, start) {
    this.#pool = pool;
    this.#start = start;
  }

  /** The base's bytes: FORMAT.md, section 2.2. */
  get base() {
    const base = this.#start + BASE;
    return new Uint8Array(this.#pool.buffer, base, this.#byte(4));
  }

  get tenant() {
    return this.#number(BASE + 1, 2);
  }

  get audience() {
    return this.#byte(BASE + 3);
  }

  get epoch() {
    return this.#byte(BASE + 4);
  }

  get keyId() {
    let id = "key_";
    for (let place = BASE + 5; place < BASE + 13; place++) id += HEX[this.#byte(place)];
    return id;
  }

  get statusIndex() {
    return this.#number(BASE + 13, 4);
  }

  /** Unix seconds. */
  get issuedAt() {
    return this.#number(BASE + 17, 4);
  }

  get subject() {
    const end = BASE + 26 + (this.#byte(BASE + 25) & 0x3f);
    let subject = "";
    for (let place = BASE + 26; place < end; place++) subject += String.fromCharCode(this.#byte(place));
    return subject;
  }

  /** The first Unix second in which it is dead, by its issuer or by a narrowing. */
  get expiresAt() {
    return this.#pool.getUint32(this.#start + 8, true);
  }

  get narrowed() {
    return this.#byte(12) === 1;
  }

  /** The zone of the list that an allow rests on. */
  get zone() {
    return ZONES[this.#byte(13)];
  }

  get sequence() {
    return this.#pool.getFloat64(this.#start + 16, true);
  }

  get ageMs() {
    return this.#pool.getFloat64(this.#start + 24, true);
  }

  /** The numbers of the scopes that base and narrowings leave. */
  get scopes() {
    const numbers = [];
    for (let number = 0; number < 256; number++) {
      if (this.#byte(32 + (number >> 3)) & (1 << (number & 7))) numbers.push(number);
    }
    return numbers;
  }

  #byte(at) {
    return this.#pool.getUint8(this.#start + at);
  }

  #number(at, len) {
    let number = 0;
    for (let place = at; place < at + len; place++) number = number * 256 + this.#byte(place);
    return number;
  }
}

/** What a head is ordered by (FORMAT.md, section 4.2); nothing for bytes that are too short for one. */
function orderOf({ buffer, byteOffset, byteLength }) {
  if (byteLength < ISSUED_AT + 8) return undefined;
  const view = new DataView(buffer, byteOffset, byteLength);
  return { sequence: view.getBigUint64(SEQUENCE_AT), issuedAt: view.getBigUint64(ISSUED_AT) };
}

function isBefore(one, other) {
  return one.sequence < other.sequence || (one.sequence === other.sequence && one.issuedAt < other.issuedAt);
}

/** An address of 4 or 16 bytes as the words that `verify` takes. */
export function words(address) {
  const view = new DataView(Uint8Array.from(address).buffer);
  return Array.from({ length: address.length / 4 }, (_, place) => view.getUint32(4 * place));
}

/**
 * The fastest way into a runtime's memory that tells every other character from ASCII: what is none takes two bytes or
 * more, or is looked at. What is longer than any key is not written, and refused for its length.
 */
function writer(buffer, at) {
  const room = new Uint8Array(buffer, at, 3 * MAX_KEY_LEN);
  if (isNode22()) {
    const bytes = globalThis.Buffer.from(buffer);
    return (key) => (key.length > MAX_KEY_LEN ? MAX_KEY_LEN + 1 : bytes.utf8Write(key, at, 3 * MAX_KEY_LEN));
  }
  const encoder = new TextEncoder();
  return (key) => (key.length > MAX_KEY_LEN ? MAX_KEY_LEN + 1 : encoder.encodeInto(key, room).written);
}

function isNode22() {
  const version = globalThis.process?.versions?.node;
  const isNode = version !== undefined && globalThis.Deno === undefined && globalThis.Bun === undefined;
  return isNode && Number.parseInt(version, 10) >= 22 && typeof globalThis.Buffer?.prototype.utf8Write === "function";
}
