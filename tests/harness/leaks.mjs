// The harness's own secrets, looked for in all that a worker leaves behind: after every suite, whatever it was about.

import { existsSync, readFileSync } from "node:fs";

import { inBase64 } from "./canaries.mjs";

/** Most keys of one worker that are looked for. */
const MOST_KEYS = 2_000;

/** Keys, in whatever an answer holds. */
const KEY = /\b[a-z][a-z0-9]{1,11}_(?:live|test)_[A-Za-z0-9_-]{60,}/g;

/** Texts and bytes, each of which must be nowhere: raw, in base64 and in base64url at any offset. */
export class Secrets {
  #needles = [];
  /** Which beginnings of four bytes there are: what most places of a file are passed over by. */
  #begins = new Uint8Array(1 << 20);
  #byBegin = new Map();
  names = new Set();

  add(name, ...essences) {
    this.names.add(name);
    for (const essence of essences.map((one) => Buffer.from(one))) {
      if (essence.length < 12) throw new Error(`${name} has an essence that may stand anywhere by chance`);
      const texts = [0, 1, 2].map((offset) => inBase64(essence, offset));
      for (const text of [...texts]) texts.push(text.replaceAll("+", "-").replaceAll("/", "_"));
      for (const bytes of new Set([essence.toString("latin1"), ...texts])) this.#keep(name, Buffer.from(bytes, "latin1"));
    }
  }

  #keep(name, bytes) {
    const begin = bytes.readUInt32BE(0);
    this.#begins[mixed(begin)] = 1;
    const same = this.#byBegin.get(begin) ?? [];
    this.#byBegin.set(begin, [...same, { name, bytes }]);
  }

  /** The names of those that stand in these bytes. */
  in(bytes) {
    const found = new Set();
    let begin = 0;
    for (let at = 0; at < bytes.length; at++) {
      begin = ((begin << 8) | bytes[at]) >>> 0;
      if (this.#begins[mixed(begin)] === 0) continue;
      for (const { name, bytes: needle } of this.#byBegin.get(begin) ?? []) {
        const start = at - 3;
        if (start >= 0 && needle.equals(bytes.subarray(start, start + needle.length))) found.add(name);
      }
    }
    return found;
  }
}

const mixed = (begin) => (Math.imul(begin, 0x9e3779b1) >>> 12);

/** What was given to a worker, made by it, or is in its database: everything that must stand nowhere in what it leaves. */
export function secretsOf({ roots, tokens, tenantSecrets, exchanges }) {
  const secrets = new Secrets();
  for (const root of roots) {
    for (const version of root.split(",")) {
      const [number, text] = version.split(":");
      const bytes = Buffer.from(text ?? "", "base64url");
      // Others are no root: what a deployment is refused for.
      if (bytes.length === 32) secrets.add(`root ${number}`, text, bytes);
    }
  }
  for (const token of tokens) secrets.add(`token ${secrets.names.size}`, token.split("_").slice(3).join("_"));
  for (const [tenant, secret] of tenantSecrets) secrets.add(`tenant secret ${tenant}`, secret);
  const keys = [...new Set(exchanges.flatMap(({ answer }) => answer.text.match(KEY) ?? []))];
  const every = Math.ceil(keys.length / MOST_KEYS);
  for (const [n, key] of keys.entries()) {
    // Its last letters hold the tag, wherever the rest was cut off.
    if (n % every === 0) secrets.add(`key ${n}`, key.slice(-27), Buffer.from(key.slice(-28), "base64url").subarray(1));
  }
  return secrets;
}

/** What is found in texts by name and in files, as `what in where`. */
export function leaks(secrets, texts, files) {
  const places = [...Object.entries(texts), ...files.filter((file) => existsSync(file)).map((file) => [file, readFileSync(file)])];
  return places.flatMap(([where, bytes]) => [...secrets.in(Buffer.from(bytes))].map((what) => `${what} in ${where}`));
}
