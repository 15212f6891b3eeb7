// What a verification does in wasm, instruction by instruction: the same for every wrong tag, wherever it is wrong.
// `node steps.mjs FILE.wasm`, of a module that `trials-inspect counted` has made. The last line is JSON.

import { readFileSync } from "node:fs";

const TAG_LEN = 16;
const MOST_BLOCKS = 4;

const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]), {});
const { counted_steps: steps, counted_trace: trace, memory, ...exports } = instance.exports;

const verifier = exports.steps_verifier();
const [keySet, list, query, decision, fixture] = new Uint32Array(memory.buffer, verifier, 5).slice();

const byBlocks = [];
for (let blocks = 0; blocks <= MOST_BLOCKS; blocks += 1) byBlocks.push(compare(blocks));

const right = exports.steps_tag(fixture, TAG_LEN, 0);
const leaky = [];
for (let byte = 0; byte < TAG_LEN; byte += 1) {
  const forged = exports.steps_tag(fixture, byte, 0);
  leaky.push(done(() => exports.control_early_exit(right, forged)).steps);
}
console.log(`the leaky control, by the first byte that differs: ${leaky.join(" ")} instructions`);
if (new Set(leaky).size !== TAG_LEN) fail("the leaky control was not caught: steps cannot tell what they should");
console.log(JSON.stringify({ by_blocks: byBlocks, steps_of_leaky_control: leaky }));

/** Verifies keys of so many blocks that differ in one bit of their tags; all must take one path. */
function compare(blocks) {
  const narrowed = exports.steps_narrowed(fixture, blocks);
  const good = verify(narrowed, TAG_LEN, 0, "allow");
  if (verify(narrowed, TAG_LEN, 0, "allow").path !== good.path) fail("the good key takes another path each time");
  const forged = [];
  for (let byte = 0; byte < TAG_LEN; byte += 1) {
    for (let bit = 0; bit < 8; bit += 1) forged.push(verify(narrowed, byte, bit, "bad_tag"));
  }
  const paths = new Set(forged.map(({ path }) => path)).size;
  const counts = [...new Set(forged.map((one) => one.steps))];
  console.log(`${forged.length} keys of ${blocks} blocks, each with another bit of the tag changed: paths taken: ${paths}, instructions: ${counts.join(" ")}; by the good key: ${good.steps}`);
  if (paths !== 1) fail(`${blocks} blocks: where a tag is wrong shows in what is done: ${paths} paths`);
  return { blocks, forged_keys: forged.length, paths, steps: counts, steps_of_good_key: good.steps };
}

/** What verifying the fixture's key does, with one bit of its tag changed. */
function verify(fixture, byte, bit, expected) {
  const [key, len] = pair(exports.steps_key(fixture, byte, bit));
  const what = done(() => exports.probe_verify(keySet, list, key, len, query, decision));
  const said = new TextDecoder().decode(new Uint8Array(memory.buffer, ...pair(exports.steps_word(decision))));
  if (said !== expected) fail(`byte ${byte}, bit ${bit} of the tag changed: ${said}`);
  return what;
}

/** How many instructions something takes, and a name for the very path. */
function done(act) {
  steps.value = 0n;
  trace.value = 0n;
  act();
  return { steps: Number(steps.value), path: `${steps.value} ${trace.value}` };
}

function pair(number) {
  const unsigned = BigInt.asUintN(64, number);
  return [Number(unsigned >> 32n), Number(unsigned & 0xffffffffn)];
}

function fail(why) {
  console.error(why);
  process.exit(1);
}
