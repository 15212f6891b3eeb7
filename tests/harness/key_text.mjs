// A key's text taken apart and put together, by crates/core's layout and with node's own CRC-32.

import { createHmac } from "node:crypto";
import { crc32 } from "node:zlib";

const TAG_LEN = 16;
const CRC_LEN = 4;
const PREFIX = /^[a-z][a-z0-9]{1,11}_(?:live|test)_/;

export class KeyText {
  constructor(prefix, base, tag) {
    Object.assign(this, { prefix, base, tag });
  }

  static parse(text) {
    const [prefix] = text.match(PREFIX);
    const payload = Buffer.from(text.slice(prefix.length), "base64url");
    const tagEnd = payload.length - CRC_LEN;
    const key = new KeyText(prefix, payload.subarray(0, tagEnd - TAG_LEN), payload.subarray(tagEnd - TAG_LEN, tagEnd));
    if (key.text !== text) throw new Error("the layout of keys has changed");
    return key;
  }

  /** Another key, its checksum right again. */
  with({ prefix = this.prefix, base = {}, tag = this.tag }) {
    const bytes = Buffer.from(this.base);
    if (base.tenant !== undefined) bytes.writeUInt16BE(base.tenant, 1);
    if (base.audience !== undefined) bytes[3] = base.audience;
    if (base.epoch !== undefined) bytes[4] = base.epoch;
    if (base.statusIndex !== undefined) bytes.writeUInt32BE(base.statusIndex, 13);
    return new KeyText(prefix, bytes, Buffer.from(tag));
  }

  /** The key as any holder can narrow it, by FORMAT.md 2.4 and 2.5: fields are bytes. */
  narrowed(...fields) {
    const content = Buffer.concat(fields.map((field) => Buffer.from(field)));
    const block = Buffer.concat([Buffer.from([0x80, content.length]), content]);
    const tag = createHmac("sha256", this.tag).update(block).digest().subarray(0, TAG_LEN);
    return new KeyText(this.prefix, Buffer.concat([this.base, block]), tag);
  }

  get payload() {
    const signed = Buffer.concat([this.base, this.tag]);
    const crc = Buffer.alloc(CRC_LEN);
    crc.writeUInt32BE(crc32(signed, crc32(this.prefix)));
    return Buffer.concat([signed, crc]);
  }

  get text() {
    return this.prefix + this.payload.toString("base64url");
  }

  get statusIndex() {
    return this.base.readUInt32BE(13);
  }
}

/** The same bytes with one bit turned. */
export function flipped(bytes, at = 0) {
  const copy = Buffer.from(bytes);
  copy[at] ^= 1;
  return copy;
}
