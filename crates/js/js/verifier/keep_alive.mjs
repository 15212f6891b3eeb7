// What goes on beside a request, and outlives it.

/** Tells a Worker to wait for `promise`. A request that takes nothing more on changes no decision: what it began may end with it. */
export function keepAlive(waitUntil, promise) {
  try {
    waitUntil?.(promise);
  } catch {
    // Whoever waits for it does so by the clock, too.
  }
}
