// A verifier's usage report, as one that embeds the core would send it.

import { randomBytes } from "node:crypto";

import { KeyText } from "./key_text.mjs";

/** What is reported of the generation that a key's text is of. */
export function entryOf({ key, key_id }, { outcome = "allow", count = 1, scopes = ["reports:read"], at = now(), ...rest } = {}) {
  return { key_id, status_index: KeyText.parse(key).statusIndex, scopes, outcome, count, first: at, last: at, ...rest };
}

/** A report of the last minute, under a name of its own. */
export function usageReport(entries, fields) {
  return { report_id: randomBytes(12).toString("hex"), verifier: "gateway-1", period: { from: now() - 60, until: now() }, lost: 0, entries, ...fields };
}

const now = () => Math.floor(Date.now() / 1000);
