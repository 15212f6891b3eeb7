// One instance of the holder's module, made when it is first needed. crates/holder/README.md is the module's manual.

import { KeyTextError, ModuleError, NarrowingError, OptionError } from "../errors.mjs";
import { module } from "#holder-module";

const ABI_VERSION = 1;
const MAX_KEY_LEN = 512;
const SCOPES_LEN = 32;
const RECORD_LEN = 68;
const LABEL_AT = 12;
/** Above this many bytes an instance is not kept: wasm memory never shrinks. */
const MAX_KEPT_LEN = 4 << 20;

const REFUSALS = {
  [-1]: () => new KeyTextError("malformed", "the text is no key"),
  [-2]: () => new KeyTextError("bad_checksum", "the key's checksum does not fit: it is mistyped or cut short"),
  [-3]: () => new NarrowingError("narrowing_empty", "a narrowing takes something away, and leaves at least one scope and one network"),
  [-4]: () => new NarrowingError("narrowing_too_long", "the narrowing is longer than 64 bytes"),
  [-5]: () => new NarrowingError("narrowed_too_often", "the key has been narrowed four times already"),
  [-6]: () => new NarrowingError("key_too_long", "the narrowed key would be longer than 512 characters"),
  [-7]: () => new OptionError("invalid_option", "cidr: a network is an address and a prefix length, such as 192.0.2.0/24"),
  [-8]: () => new OptionError("invalid_option", "cidr: a network's address has no bits behind its prefix"),
  [-9]: () => new OptionError("invalid_option", "cidr: an IPv4-mapped network is written as an IPv4 network"),
  [-10]: () => new OptionError("invalid_option", "brands: at most 16, each of 2 to 12 characters of a-z 0-9, the first a letter"),
  [-11]: () => new ModuleError("module_failed", "there is no memory for this text"),
};
const PARTS = { scopes: 1, expiresAt: 2, notBefore: 4, networks: 8 };
const KINDS = ["key", "damaged_key", "bootstrap_token"];

const encoder = new TextEncoder();
const decoder = new TextDecoder();
let kept;

/**
 * Narrows a key. `scopes` are numbers, `networks` texts in CIDR notation, times Unix seconds; a part that is undefined stays as
 * it is.
 */
export function narrowed(key, { scopes, expiresAt, notBefore, networks }) {
  return using((instance) => {
    const keyLen = instance.putKey(key);
    const bits = new Uint8Array(SCOPES_LEN);
    for (const number of scopes ?? []) bits[number >> 3] |= 1 << (number & 7);
    const cidr = encoder.encode((networks ?? []).join(" "));
    if (keyLen + SCOPES_LEN + cidr.length > instance.inputLen) return REFUSALS[-4]();
    instance.put(bits, keyLen);
    instance.put(cidr, keyLen + SCOPES_LEN);
    const given = { scopes, expiresAt, notBefore, networks };
    const parts = Object.entries(PARTS).reduce((sum, [name, bit]) => (given[name] === undefined ? sum : sum | bit), 0);
    const len = instance.exports.narrow(keyLen, parts, expiresAt ?? 0, notBefore ?? 0, cidr.length);
    return instance.answer(len);
  });
}

/** What a key says of itself, unproven, as the module writes it. */
export function said(key) {
  return JSON.parse(using((instance) => instance.answer(instance.exports.inspect(instance.putKey(key)))));
}

/** The credentials in a text, in order: where they begin and end in it, what they are, and what to write instead. */
export function found(text, { brands = [], deep = true }) {
  return using((instance) => {
    const { exports } = instance;
    const words = encoder.encode(brands.join(" "));
    if (words.length > instance.inputLen) return REFUSALS[-10]();
    const at = exports.text(text.length);
    if (at === 0) return REFUSALS[-11]();
    put(text, new Uint8Array(exports.memory.buffer, at, text.length));
    instance.put(words, 0);
    const count = exports.scan(text.length, words.length, deep ? 1 : 0);
    if (count < 0) return refusal(count);
    const records = new DataView(exports.memory.buffer, at + text.length, count * RECORD_LEN);
    return Array.from({ length: count }, (_, place) => finding(records, place * RECORD_LEN));
  });
}

/** An instance's exports and its input. */
class Instance {
  exports;
  inputLen;
  #input;

  constructor(compiled) {
    this.exports = new WebAssembly.Instance(compiled).exports;
    const version = this.exports.abi_version();
    if (version !== ABI_VERSION) throw new Error(`the module's ABI is version ${version}, and this is for ${ABI_VERSION}`);
    this.#input = this.exports.input();
    this.inputLen = this.exports.input_len();
  }

  put(bytes, at) {
    new Uint8Array(this.exports.memory.buffer, this.#input + at, bytes.length).set(bytes);
  }

  /** Writes a key and gives its length. What is longer than any key is cut one character behind that: it is none. */
  putKey(key) {
    const room = new Uint8Array(this.exports.memory.buffer, this.#input, 3 * (MAX_KEY_LEN + 1));
    return encoder.encodeInto(key.slice(0, MAX_KEY_LEN + 1), room).written;
  }

  /** The text that a call has answered with, which is wiped here. */
  answer(len) {
    if (len < 0) return refusal(len);
    const text = decoder.decode(new Uint8Array(this.exports.memory.buffer, this.exports.output(), len));
    this.exports.wipe();
    return text;
  }
}

/** Works with an instance; throws what is an error. One that did not come back, or is large, is not used again. */
function using(work) {
  if (module === undefined) throw new ModuleError("module_not_ready", "the wasm module is not there yet: await ready");
  let done;
  try {
    const instance = kept ?? new Instance(module);
    kept = undefined;
    done = work(instance);
    if (instance.exports.memory.buffer.byteLength <= MAX_KEPT_LEN) kept = instance;
  } catch (cause) {
    throw new ModuleError("module_failed", "the wasm module failed", { cause });
  }
  if (done instanceof Error) throw done;
  return done;
}

function refusal(number) {
  return REFUSALS[number]?.() ?? new ModuleError("module_failed", `the wasm module answered ${number}`);
}

/**
 * Writes a text so that each of its UTF-16 units is one byte, and places in both are the same. All that is not ASCII is alike to a
 * scanner, but for how many units are one character: a pair of surrogates is written as two bytes of UTF-8 that belong together.
 */
function put(text, room) {
  const { read, written } = encoder.encodeInto(text, room);
  if (read === text.length && written === text.length) return;
  for (let place = 0; place < text.length; place++) {
    const unit = text.charCodeAt(place);
    if (unit < 0x80) room[place] = unit;
    else if ((unit & 0xfc00) === 0xd800) room[place] = 0xf0;
    else if ((unit & 0xfc00) === 0xdc00) room[place] = 0x80;
    else room[place] = 0xff;
  }
}

function finding(records, at) {
  const labelLen = records.getUint8(at + 10);
  const label = decoder.decode(new Uint8Array(records.buffer, records.byteOffset + at + LABEL_AT, labelLen));
  return {
    start: records.getUint32(at, true),
    end: records.getUint32(at + 4, true),
    kind: KINDS[records.getUint8(at + 8)],
    base64: records.getUint8(at + 9) === 1,
    label,
  };
}
