// Where a key may be sent: exact origins over https, or over http on this very machine.

import { OptionError } from "../errors.mjs";

/** A test for URLs, from origins such as `https://api.example.com`. */
export function allowedOrigins(origins) {
  if (!Array.isArray(origins) || origins.length === 0) throw new OptionError("invalid_option", "origins: an array of at least one");
  const allowed = new Set(Array.from(origins, read));
  return (url) => allowed.has(url.origin);
}

/** Whether what is sent there can be read on the way. */
export function isOpenToOthers({ protocol, hostname }) {
  if (protocol === "https:") return false;
  return protocol !== "http:" || !(hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname));
}

function read(origin) {
  const url = typeof origin === "string" && URL.canParse(origin) ? new URL(origin) : undefined;
  if (url === undefined || url.origin !== origin || origin.includes("*") || isOpenToOthers(url)) {
    throw new OptionError("invalid_option", "origins: each is scheme, host and port alone, such as https://api.example.com; http on loopback only");
  }
  return origin;
}
