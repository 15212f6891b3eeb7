// In Workers what a request begins ends with it, unless it is told to wait.

import * as workers from "cloudflare:workers";

/** Keeps the request that runs alive; nothing in an older runtime, where each call hands its own in. */
export const { waitUntil } = workers;
export const endsWithRequest = true;
