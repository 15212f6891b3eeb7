// Refusals as the log has them: ten of an actor, action and minute, and of the others how many there were.

/** Entries that one actor and action leave within a minute. */
export const MOST_REFUSALS = 10;

/** How many refusals an entry stands for that have none of their own; undefined for an entry of another kind. */
export function withheld({ outcome, reason }) {
  const [, count] = (outcome === "refused" && /^refusals_withheld: (\d+)$/.exec(reason)) || [];
  return count && Number(count);
}
