// What verifying a key and authenticating a head do in wasm, instruction by instruction: the same for every wrong tag,
// wherever it is wrong.
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

const heads = compareHeads();

const right = exports.steps_tag(fixture, TAG_LEN, 0);
const leaky = [];
for (let byte = 0; byte < TAG_LEN; byte += 1) {
  const forged = exports.steps_tag(fixture, byte, 0);
  leaky.push(done(() => exports.control_early_exit(right, forged)).steps);
}
console.log(`the leaky control, by the first byte that differs: ${leaky.join(" ")} instructions`);
if (new Set(leaky).size !== TAG_LEN) fail("the leaky control was not caught: steps cannot tell what they should");
console.log(JSON.stringify({ by_blocks: byBlocks, heads, steps_of_leaky_control: leaky }));

/** Verifies keys of so many blocks that differ in one bit of their tags; all must take one path. */
function compare(blocks) {
  const narrowed = exports.steps_narrowed(fixture, blocks);
  const good = verify(narrowed, TAG_LEN, 0, "allow");
  if (verify(narrowed, TAG_LEN, 0, "allow").path !== good.path) fail("the good key takes another path each time");
  const { count, paths, steps } = compareForged(`keys of ${blocks} blocks`, good, (byte, bit) => verify(narrowed, byte, bit, "bad_tag"));
  return { blocks, forged_keys: count, paths, steps, steps_of_good_key: good.steps };
}

/** Authenticates heads that differ in one bit of their tags; all must take one path. */
function compareHeads() {
  const room = exports.steps_head_room();
  const good = authenticate(room, TAG_LEN, 0, "authentic");
  if (authenticate(room, TAG_LEN, 0, "authentic").path !== good.path) fail("the good head takes another path each time");
  const { count, paths, steps } = compareForged("heads", good, (byte, bit) => authenticate(room, byte, bit, "tag"));
  return { forged_heads: count, paths, steps, steps_of_good_head: good.steps };
}

/** Tries every bit of a tag; all must take one path. */
function compareForged(what, good, tryBit) {
  const forged = [];
  for (let byte = 0; byte < TAG_LEN; byte += 1) {
    for (let bit = 0; bit < 8; bit += 1) forged.push(tryBit(byte, bit));
  }
  const paths = new Set(forged.map(({ path }) => path)).size;
  const counts = [...new Set(forged.map((one) => one.steps))];
  console.log(`${forged.length} ${what}, each with another bit of the tag changed: paths taken: ${paths}, instructions: ${counts.join(" ")}; by the good one: ${good.steps}`);
  if (paths !== 1) fail(`${what}: where a tag is wrong shows in what is done: ${paths} paths`);
  return { count: forged.length, paths, steps: counts };
}

/** What verifying the fixture's key does, with one bit of its tag changed. */
function verify(fixture, byte, bit, expected) {
  const [key, len] = pair(exports.steps_key(fixture, byte, bit));
  const what = done(() => exports.probe_verify(keySet, list, key, len, query, decision));
  const said = text(exports.steps_word(decision));
  if (said !== expected) fail(`byte ${byte}, bit ${bit} of the tag changed: ${said}`);
  return what;
}

/** What authenticating the fixture's head does, with one bit of its tag changed. */
function authenticate(room, byte, bit, expected) {
  const head = exports.steps_head(fixture, byte, bit);
  const what = done(() => exports.probe_authenticate_head(head, keySet, room));
  const said = text(exports.steps_head_word(room));
  if (said !== expected) fail(`byte ${byte}, bit ${bit} of the head's tag changed: ${said}`);
  return what;
}

function text(lent) {
  return new TextDecoder().decode(new Uint8Array(memory.buffer, ...pair(lent)));
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
