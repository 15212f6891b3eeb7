// Tests of limits. Miniflare counts by the minutes of the clock: what one of them ended in the middle of is done again.

import { it } from "node:test";

/** A test that is done again, with other keys or addresses, when a minute has ended under it. */
export function withinAMinute(what, act) {
  it(what, async () => {
    for (;;) {
      const minute = () => Math.floor(Date.now() / 60_000);
      const begun = minute();
      try {
        await act();
        return;
      } catch (error) {
        if (minute() === begun) throw error;
      }
    }
  });
}
