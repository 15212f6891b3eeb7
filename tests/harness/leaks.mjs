// The harness's own secrets, looked for in all that a worker leaves behind or answers: after every suite, whatever it was about.

import { existsSync, readFileSync } from "node:fs";

import { openBooks } from "./book.mjs";
import { forms, spoken } from "./canaries.mjs";
import { derived, unwrapped } from "./tenant_secret.mjs";

/** Most keys of one worker that are looked for, and most keys of sealed records. */
const MOST_KEYS = 1_000;

/** Keys, in whatever an answer holds. */
const KEY = /\b[a-z][a-z0-9]{1,11}_(?:live|test)_[A-Za-z0-9_-]{60,}/g;

/** How a key ends: FORMAT.md, sections 2.5 and 2.6. */
const TAG_LEN = 16;
const CRC_LEN = 4;

/** As many bytes as each needle is found by: no form of 12 bytes is shorter. */
const WINDOW = 12;
const BASE = 0x01000193;
const LEAVING = Array.from({ length: WINDOW }).reduce((power) => Math.imul(power, BASE), 1);

/** Texts and bytes, each of which must be nowhere, in any of its forms. All are looked for in one pass. */
export class Secrets {
  /** Which hashes of a window there are: what most places of a file are passed over by. */
  #filter = new Uint8Array(1 << 22);
  #byHash = new Map();
  names = new Set();

  add(name, ...essences) {
    this.names.add(name);
    for (const essence of essences.map((one) => Buffer.from(one))) {
      if (essence.length < WINDOW) throw new Error(`${name} has an essence that may stand anywhere by chance`);
      for (const [form, spellings] of Object.entries(forms(essence))) {
        for (const spelling of new Set(spellings)) this.#keep({ name, form, bytes: Buffer.from(spelling) });
      }
    }
  }

  #keep(needle) {
    let hash = 0;
    for (const byte of needle.bytes.subarray(0, WINDOW)) hash = (Math.imul(hash, BASE) + byte) | 0;
    this.#filter[place(hash)] = 1;
    const same = this.#byHash.get(hash);
    if (same) same.push(needle);
    else this.#byHash.set(hash, [needle]);
  }

  /** Those that stand in these bytes, each as `name, form`. */
  in(bytes) {
    const found = new Map();
    let hash = 0;
    for (let at = 0; at < bytes.length; at++) {
      hash = (Math.imul(hash, BASE) + bytes[at]) | 0;
      const start = at + 1 - WINDOW;
      if (start > 0) hash = (hash - Math.imul(bytes[start - 1], LEAVING)) | 0;
      if (this.#filter[place(hash)] === 0 || start < 0) continue;
      for (const { name, form, bytes: needle } of this.#byHash.get(hash) ?? []) {
        if (needle.equals(bytes.subarray(start, start + needle.length))) found.set(`${name}, ${form}`, name);
      }
    }
    return found;
  }
}

const place = (hash) => Math.imul(hash, 0x9e3779b1) >>> 10;

/**
 * What was given to a worker, made by it, or is derived by it: everything that must stand nowhere in what it leaves.
 *
 * `tenants`: of each its number, its secret, the numbers of its signing keys and the versions of its records.
 */
export function secretsOf({ roots, tokens, tenants, exchanges }) {
  const secrets = new Secrets();
  for (const root of roots) {
    for (const version of root.split(",")) {
      const [number, text] = version.split(":");
      const bytes = Buffer.from(text ?? "", "base64url");
      // Others are no root: what a deployment is refused for.
      if (bytes.length === 32) secrets.add(`root ${number}`, text, bytes);
    }
  }
  for (const token of tokens) {
    const text = token.split("_").slice(3).join("_");
    secrets.add(`token ${secrets.names.size}`, text, Buffer.from(text, "base64url"));
  }
  for (const { number, secret, signingKeys, records } of tenants) {
    const key = (purpose, ...parts) => derived(secret, number, purpose, ...parts);
    secrets.add(`tenant secret ${number}`, secret, key("request-digest"));
    for (const audience of new Set(signingKeys.map(({ audience }) => audience))) {
      secrets.add(`list key ${number}/${audience}`, key("list-key", [audience]));
    }
    for (const { audience, epoch } of signingKeys) {
      secrets.add(`signing key ${number}/${audience}/${epoch}`, key("signing-key", [audience], [epoch]));
    }
    for (const { id, record_version } of some(records)) {
      const version = Buffer.alloc(8);
      version.writeBigUInt64BE(BigInt(record_version));
      secrets.add(`record key ${id}`, key("record-key", Buffer.from(id.slice(4), "hex"), version));
    }
  }
  const keys = [...new Set(exchanges.flatMap(({ answer }) => answer.text.match(KEY) ?? []))];
  for (const [n, key] of some([...keys.entries()])) {
    // Its last letters hold the tag, wherever the rest was cut off.
    const payload = Buffer.from(key.split("_").slice(2).join("_"), "base64url");
    secrets.add(`key ${n}`, key.slice(-27), payload.subarray(-TAG_LEN - CRC_LEN, -CRC_LEN));
  }
  return secrets;
}

/** Every tenant that there is a book of, as far as the roots open it: its secret, and by what others are derived from it. */
export function* tenantsIn(files, roots) {
  const known = [...roots].join(",");
  for (const database of openBooks(files)) {
    const all = (query) => database.prepare(query).all();
    try {
      const [{ number, wrapped_secret }] = all("SELECT number, wrapped_secret FROM tenant");
      const secret = unwrapped(Buffer.from(wrapped_secret), known, number);
      const records = all("SELECT id, record_version FROM key");
      yield { number, secret, signingKeys: all("SELECT audience, epoch FROM signing_key"), records };
    } catch {
      // Its root was never here, or it was destroyed.
    } finally {
      database.close();
    }
  }
}

/** At most `MOST_KEYS`, from all over. */
const some = (all) => all.filter((_, n) => n % Math.ceil(all.length / MOST_KEYS) === 0);

/** What is found in texts by name, in files and in answers, as `what, form, in where`. */
export function leaks(secrets, texts, files, exchanges) {
  const said = Object.entries(texts).map(([where, text]) => [where, told(Buffer.from(text))]);
  const left = files.filter((file) => existsSync(file)).map((file) => [file, readFileSync(file)]);
  const found = [...said, ...left].flatMap(([where, bytes]) => [...secrets.in(bytes).keys()].map((what) => `${what}, in ${where}`));
  for (const { method, path, answer } of exchanges) {
    const all = told(Buffer.concat([Buffer.from(`${JSON.stringify(answer.headers)}\n`), answer.bytes ?? answer.body]));
    for (const [what, name] of secrets.in(all)) if (!mayAnswer(name, path, answer)) found.push(`${what}, in the answer to ${method} ${path.split("?")[0].slice(0, 60)}`);
  }
  return found;
}

/** Bytes, and the strings of the JSON that stands in them. */
const told = (bytes) => Buffer.concat([bytes, Buffer.from("\n"), spoken(bytes.toString("latin1"))]);

/** Keys are given to whoever makes them, and key sets to verifiers. */
function mayAnswer(name, path, { headers }) {
  const isOfKeySet = name.startsWith("signing key ") || name.startsWith("list key ");
  return name.startsWith("key ") || (isOfKeySet && path.split("?")[0] === "/v1/key-set" && headers["wardkey-key-set-version"] !== undefined);
}
