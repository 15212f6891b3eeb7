// The public list read by a stranger: from crates/core/FORMAT.md alone.

import { createHash } from "node:crypto";

const CHUNK_LEN = 4096;

/** The fields of a head; it must end with its last tag. */
export function parseHead(bytes) {
  let at = 0;
  const take = (length) => bytes.subarray(at, (at += length));
  const number = (length) => Number(BigInt(`0x${take(length).toString("hex")}`));
  /** A number in groups of 7 bits. */
  const grouped = () => {
    for (let value = 0; ; ) {
      const byte = number(1);
      value = value * 128 + (byte & 127);
      if (byte < 128) return value;
    }
  };
  const head = {
    version: number(1),
    tenant: number(2),
    sequence: number(8),
    digest: take(32).toString("hex"),
    issuedAt: number(8),
    notAfter: number(8),
    cutoff: number(4),
  };
  head.audiences = Array.from({ length: number(1) }, () => ({
    number: number(1),
    currentKeySet: number(4),
    leastKeySet: number(4),
    cutoff: number(4),
  }));
  head.dead = Array.from({ length: number(2) }, () => ({ audience: number(1), epoch: number(1) }));
  head.changes = [];
  const count = number(2);
  if (count > 0) head.from = number(8);
  for (let sequence = head.from; head.changes.length < count; ) {
    sequence += grouped();
    const change = { sequence, rise: grouped(), places: [] };
    for (let left = grouped(), place = 0; left > 0; left--) change.places.push((place += grouped()));
    head.changes.push(change);
  }
  head.tags = head.audiences.map(() => take(16).toString("hex"));
  if (at !== bytes.length) throw new Error(`the head has ${bytes.length} bytes and ends after ${at}`);
  return head;
}

export class State {
  constructor(bytes) {
    this.version = bytes[0];
    this.floor = bytes.readUInt32BE(1);
    this.bitCount = bytes.readUInt32BE(5);
    this.bits = bytes.subarray(9);
    if (this.bits.length !== Math.ceil(this.bitCount / 8)) throw new Error("the state has another length than its count");
  }

  isDead(index) {
    const bit = index - this.floor;
    if (bit < 0) return true;
    return bit < this.bitCount && (this.bits[bit >> 3] & (1 << (bit & 7))) !== 0;
  }

  get digest() {
    const hash = createHash("sha256");
    const numbers = Buffer.alloc(8);
    numbers.writeUInt32BE(this.floor, 0);
    numbers.writeUInt32BE(this.bitCount, 4);
    hash.update(numbers);
    for (let at = 0; at < this.bits.length; at += CHUNK_LEN) {
      hash.update(createHash("sha256").update(this.bits.subarray(at, at + CHUNK_LEN)).digest());
    }
    return hash.digest("hex");
  }
}

export const statePath = (tenant, { sequence, digest }) => `/v1/list/${tenant}/state/${sequence}-${digest}`;
