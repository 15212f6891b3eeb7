// Timers that a process does not wait for.

/** Lets the process end before the timer; gives the timer back. */
export function unref(timer) {
  if (typeof timer.unref === "function") timer.unref();
  else globalThis.Deno?.unrefTimer?.(timer);
  return timer;
}
