// One instance of the verifier's module: the verifier of one audience. ABI.md is the module's manual.

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
const MAX_KEY_LEN = 512;

/** The verifier of one audience. Whoever reads its memory can mint keys of that audience. */
export class Instance {
  #exports;
  #input;
  #inputLen;
  #bytes;
  #write;

  /** Of a compiled module and the bytes of a key set, which the caller wipes. Throws `KeySetError`. */
  constructor(module, keySet) {
    this.#exports = new WebAssembly.Instance(module).exports;
    const version = this.#exports.abi_version();
    if (version !== ABI_VERSION) throw new Error(`the module's ABI is version ${version}, and this is for ${ABI_VERSION}`);
    this.#input = this.#exports.input();
    this.#inputLen = this.#exports.input_len();
    this.#look();
    this.renew(keySet);
  }

  /** Takes a newer key set of the same audience. Requirements are built anew. */
  renew(keySet) {
    const answer = this.#exports.set_keys(this.#put(keySet));
    if (answer !== 0) throw new Error(`the key set is ${["", "malformed", "of the administration", "older, or another audience's"][answer]}`);
  }

  /** The number of a requirement. Throws for no scope and for an unknown one. */
  require(scopes, { any = false, strict = false } = {}) {
    const names = new TextEncoder().encode(scopes.join(" "));
    const number = this.#exports.require(this.#put(names), (any ? 1 : 0) | (strict ? 2 : 0));
    if (number >= 255) {
      throw new Error({ 256: "a requirement names at least one scope", 257: "a scope is not in the audience's catalog" }[number] ?? "there are more than 128 requirements");
    }
    return number;
  }

  /** Judges a head, with its state if it is given; the answer is a number of ABI.md. */
  adopt(head, state, now) {
    if (state !== undefined) {
      const at = this.#exports.state(state.length);
      if (at === 0) return 48;
      new Uint8Array(this.#exports.memory.buffer, at, state.length).set(state);
    }
    this.#look();
    const answer = this.#exports.adopt(this.#put(head), now);
    this.#look();
    return answer;
  }

  /** Verifies a key's text: the verdict is a number of ABI.md. */
  verify(key, requirement, now, done, question) {
    return this.#exports.verify(this.#write(key), requirement, now, done, question);
  }

  /** Writes the caller's address, 4 or 16 bytes, for the next `verify`. */
  from(address) {
    this.#bytes.set(address, this.#exports.caller());
  }

  /** What is known of the key that was verified last, or nothing unless its tag was right. */
  claims() {
    const at = this.#exports.claims();
    return at === 0 ? undefined : new Claims(new DataView(this.#exports.memory.buffer), at);
  }

  /** Takes the registry's answer to a question: the base that it repeats, its verdict, and its sequence. */
  answer(question, base, verdict, sequence) {
    return this.#exports.answer(question, this.#put(base), verdict, sequence) === 0;
  }

  /** A figure of ABI.md; -1 where there is none. */
  figure(which) {
    return this.#exports.figure(which);
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
    this.#write = writer(buffer, this.#input);
  }
}

/** What a key's issuer said, and what is left of it. It is read from memory, so that it holds until the next call. */
class Claims {
  #view;
  #at;
  #base;

  constructor(view, at) {
    this.#view = view;
    this.#at = at;
    this.#base = view.getUint32(at, true);
  }

  /** The base's bytes, a copy: FORMAT.md, section 2.2. */
  get base() {
    return new Uint8Array(this.#view.buffer, this.#base, this.#view.getUint32(this.#at + 4, true)).slice();
  }

  get tenant() {
    return this.#view.getUint16(this.#base + 1);
  }

  get audience() {
    return this.#view.getUint8(this.#base + 3);
  }

  get epoch() {
    return this.#view.getUint8(this.#base + 4);
  }

  get keyId() {
    return `key_${this.#view.getBigUint64(this.#base + 5).toString(16).padStart(16, "0")}`;
  }

  get statusIndex() {
    return this.#view.getUint32(this.#base + 13);
  }

  /** Unix seconds. */
  get issuedAt() {
    return this.#view.getUint32(this.#base + 17);
  }

  get subject() {
    const length = this.#view.getUint8(this.#base + 25) & 0x3f;
    let text = "";
    for (let at = 0; at < length; at++) text += String.fromCharCode(this.#view.getUint8(this.#base + 26 + at));
    return text;
  }

  /** The first Unix second in which it is dead, by its issuer or by a narrowing. */
  get expiresAt() {
    return this.#view.getUint32(this.#at + 8, true);
  }

  get narrowed() {
    return this.#view.getUint8(this.#at + 12) === 1;
  }

  /** The zone of the list that an allow rests on. */
  get zone() {
    return [undefined, "fresh", "must_ask", "stale", "registry"][this.#view.getUint8(this.#at + 13)];
  }

  get sequence() {
    return this.#view.getFloat64(this.#at + 16, true);
  }

  get ageMs() {
    return this.#view.getFloat64(this.#at + 24, true);
  }

  /** The numbers of the scopes that base and narrowings leave. */
  get scopes() {
    const numbers = [];
    for (let number = 0; number < 256; number++) {
      if (this.#view.getUint8(this.#at + 32 + (number >> 3)) & (1 << (number & 7))) numbers.push(number);
    }
    return numbers;
  }
}

/**
 * The fastest way into a runtime's memory that tells every other character from ASCII: what is none takes two bytes or
 * more, or is looked at. Longer than any key is as long as it is, and refused by the module.
 */
function writer(buffer, at) {
  const room = new Uint8Array(buffer, at, 3 * MAX_KEY_LEN);
  if (isNode22()) {
    const bytes = globalThis.Buffer.from(buffer);
    return (key) => (key.length > MAX_KEY_LEN ? key.length : bytes.utf8Write(key, at, 3 * MAX_KEY_LEN));
  }
  if (globalThis.navigator?.userAgent === "Cloudflare-Workers") {
    return (key) => {
      const { length } = key;
      if (length > MAX_KEY_LEN) return length;
      let seen = 0;
      for (let place = 0; place < length; place++) {
        const code = key.charCodeAt(place);
        seen |= code;
        room[place] = code;
      }
      // 0 characters are no key.
      return seen > 0x7f ? 0 : length;
    };
  }
  const encoder = new TextEncoder();
  return (key) => (key.length > MAX_KEY_LEN ? key.length : encoder.encodeInto(key, room).written);
}

function isNode22() {
  const version = globalThis.process?.versions?.node;
  const isNode = version !== undefined && globalThis.Deno === undefined && globalThis.Bun === undefined;
  return isNode && Number.parseInt(version, 10) >= 22 && typeof globalThis.Buffer?.prototype.utf8Write === "function";
}
