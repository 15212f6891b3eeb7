// Interleaved rounds: in each, every row once, in an order drawn anew, so that whatever slows the machine for a while meets
// all of them alike. A ratio is of one round, to its base in the same round; of these the median is told.

/**
 * Measures rows against each other.
 *
 * rows: { id, base?, time(count) → milliseconds, or a promise of them }; `base` names the row that the ratio is to.
 * Returns a map from id to { ratio, median, minimum }, in nanoseconds an operation.
 */
export async function measure(rows, { rounds, targetMs, warmMs, seed }) {
  const random = mulberry32(seed);
  const counts = new Map();
  for (const row of rows) counts.set(row.id, await calibrated(row, targetMs, warmMs));
  const found = new Map(rows.map((row) => [row.id, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const row of shuffled(rows, random)) {
      const count = counts.get(row.id);
      found.get(row.id).push(((await row.time(count)) * 1e6) / count);
    }
  }
  const results = rows.map(({ id, base }) => {
    const times = found.get(id);
    const bases = found.get(base) ?? [];
    const ratios = times.map((time, round) => time / bases[round]);
    const ratio = bases.length === 0 ? undefined : median(ratios);
    return [id, { ratio, median: median(times), minimum: Math.min(...times) }];
  });
  return new Map(results);
}

/** How many operations take about `targetMs`, once the engine has seen them for `warmMs`. */
async function calibrated(row, targetMs, warmMs) {
  let count = 1;
  for (let spent = 0; ; ) {
    // The shortest of three: one that something else held up would make every round too short to tell anything.
    let least = Infinity;
    for (let n = 0; n < 3; n += 1) {
      const ms = await row.time(count);
      spent += ms;
      least = Math.min(least, ms);
      if (least < targetMs / 2) break;
    }
    if (least < targetMs / 2) count *= 2;
    else if (spent >= warmMs) return Math.max(1, Math.round((count * targetMs) / least));
  }
}

/** The middle one, or the mean of the two in the middle. */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

function shuffled(rows, random) {
  const order = [...rows];
  for (let left = order.length - 1; left > 0; left -= 1) {
    const other = Math.floor(random() * (left + 1));
    [order[left], order[other]] = [order[other], order[left]];
  }
  return order;
}

/** Random enough for an order, and the same from the same seed. */
function mulberry32(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
