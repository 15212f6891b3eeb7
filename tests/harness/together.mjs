// Many requests at a time, and no more than that.

/** Does something with each of a list; answers the results in the list's order. */
export async function together(list, work, { atOnce = 16 } = {}) {
  const results = new Array(list.length);
  let next = 0;
  const one = async () => {
    for (let at = next++; at < list.length; at = next++) results[at] = await work(list[at]);
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return results;
}
