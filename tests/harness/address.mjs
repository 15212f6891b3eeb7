// Addresses and networks as bytes.

import { isIP } from "node:net";

/** 4 or 16 bytes; nothing for what is no address. */
export function address(text) {
  // Node takes a zone for part of an address.
  if (text === undefined || text.includes("%") || isIP(text) === 0) return undefined;
  if (!text.includes(":")) return Uint8Array.from(text.split("."), Number);
  const [front, back] = text.split("::");
  const groups = (part) => (part ? part.split(":") : []).flatMap((group) => {
    if (group.includes(".")) return [...group.split(".").map(Number)];
    const number = Number.parseInt(group, 16);
    return [number >> 8, number & 255];
  });
  const [first, last] = [groups(front), back === undefined ? [] : groups(back)];
  return Uint8Array.from([...first, ...Array(16 - first.length - last.length).fill(0), ...last]);
}
