// What the suites of a verifier with a registry in memory share: times, requests, and waiting by the machine's own clock.

import assert from "node:assert/strict";
import { after, before } from "node:test";

export const FRESH_FOR_MS = 5_000;
/** How old a list may be for a scope of low risk. */
export const LOW_MS = 3_600_000;
export const SECOND_MS = 1_000;
/** Where nobody answers, the tests need not wait as long as users would. */
export const IMPATIENT = { refreshTimeoutMs: 250, strictTimeoutMs: 250 };

export const request = (headers, url = "https://api.test/invoices") => new Request(url, { headers });
export const bearer = (key) => request({ Authorization: `Bearer ${key}` });

/** Keeps the process until the calling file's tests are over: a registry in memory does not, as a connection would. */
export function holdProcess() {
  let connection;
  before(() => (connection = setInterval(() => {}, 1_000)));
  after(() => clearInterval(connection));
}

export const soon = (ms = 5) => new Promise((turn) => setTimeout(turn, ms));

/** Waits, by the machine's own clock, until something holds. */
export async function until(holds) {
  for (let round = 0; !holds(); round++) {
    assert.ok(round < 400, "never held");
    await soon();
  }
}
