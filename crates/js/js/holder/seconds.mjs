// Times as people give them, in the whole Unix seconds that a key holds.

import { OptionError } from "../errors.mjs";

const MAX_SECONDS = 2 ** 32 - 1;

/** A `Date` or Unix seconds, by name; `round` says which way less than a second goes. Undefined stays undefined. */
export function unixSeconds(name, time, round) {
  if (time === undefined) return undefined;
  const seconds = time instanceof Date ? round(time.getTime() / 1000) : time;
  return within(name, seconds, 0, "a Date or whole Unix seconds below 2^32; milliseconds are a thousand times as many");
}

/** Seconds from now on, as Unix seconds. */
export function secondsFrom(name, seconds, nowMs) {
  if (seconds === undefined) return undefined;
  within(name, seconds, 1, "whole seconds, at least 1");
  if (!Number.isFinite(nowMs)) throw new OptionError("invalid_option", "now: Unix milliseconds");
  return within(name, Math.floor(nowMs / 1000) + seconds, 0, "seconds until a time before the year 2106");
}

function within(name, seconds, least, what) {
  if (!Number.isInteger(seconds) || seconds < least || seconds > MAX_SECONDS) throw new OptionError("invalid_option", `${name}: ${what}`);
  return seconds;
}
