// The holder's raw module by itself: it needs nothing, keeps nothing, and takes no length that is past its room.

import assert from "node:assert/strict";
import { it } from "node:test";

import { compiled } from "../harness/artefacts.mjs";
import { base64, fromUtf8, holds, utf8 } from "../harness/bytes.mjs";
import { vectors } from "../harness/vectors.mjs";

const module = compiled("holder");
const key = utf8(vectors("key")[0].case.key);
const MISUSE = -255;

/** An instance, and its memory as it is now. */
function fresh() {
  const { exports } = new WebAssembly.Instance(module);
  const memory = () => new Uint8Array(exports.memory.buffer);
  const write = (bytes, at = exports.input()) => memory().set(bytes, at);
  return { exports, memory, write };
}

const said = (exports, len) => fromUtf8(new Uint8Array(exports.memory.buffer, exports.output(), len));

it("needs nothing from its host", () => {
  assert.deepEqual(WebAssembly.Module.imports(module), []);
  assert.equal(fresh().exports.abi_version(), 1);
});

it("keeps nothing of a key or a text when a call is done", () => {
  const { exports, memory, write } = fresh();
  const secret = key.subarray(-24);
  write(key);
  assert.ok(holds(memory(), secret), "as a control: it would be seen");
  assert.equal(JSON.parse(said(exports, exports.inspect(key.length))).subject, "svc:billing");
  assert.ok(!holds(memory(), secret));
  write(key);
  const len = exports.narrow(key.length, 2, 1_800_000_600, 0, 0);
  assert.ok(len > key.length);
  const narrowed = memory().slice(exports.output(), exports.output() + len).subarray(-24);
  assert.ok(holds(memory(), narrowed) && !holds(memory(), secret));
  exports.wipe();
  assert.ok(!holds(memory(), narrowed));
  for (const text of [key, utf8(base64(fromUtf8(key)))]) {
    const at = exports.text(text.length + 200_000);
    write(text, at + 100_000);
    assert.ok(holds(memory(), text));
    assert.equal(exports.scan(text.length + 200_000, 0, 1), 1);
    for (const left of [text.subarray(-24), secret, key.subarray(20, 44)]) assert.ok(!holds(memory(), left));
  }
});

it("takes a length that is past its room for misuse, and says where memory ends", () => {
  const { exports, write } = fresh();
  const len = exports.input_len();
  for (const past of [len + 1, 2 ** 31, 2 ** 32 - 1]) {
    const answers = [exports.inspect(past), exports.narrow(past, 1, 0, 0, 0), exports.narrow(key.length, 8, 0, 0, past), exports.scan(0, past, 0)];
    assert.deepEqual(answers, [MISUSE, MISUSE, MISUSE, MISUSE], `${past}`);
  }
  assert.equal(exports.narrow(len - 31, 1, 0, 0, 0), MISUSE, "no room for scopes");
  assert.equal(exports.text(2 ** 32 - 1), 0);
  assert.equal(exports.scan(2 ** 32 - 1, 0, 0), -11);
  write(key);
  assert.ok(exports.inspect(key.length) > 0, "and goes on");
});

it("answers nothing any more when a call did not come back", () => {
  let [cut, spent] = [0, 0];
  const deeper = () => {
    const { exports, write } = fresh();
    const deeperStill = () => {
      try {
        deeperStill();
      } catch { /* The end of the stack. */ }
      try {
        write(key);
        exports.inspect(key.length);
      } catch {
        cut += 1;
      }
    };
    deeperStill();
    return { exports, write };
  };
  for (let count = 0; count < 32; count++) {
    const { exports, write } = deeper();
    write(key);
    const answers = [exports.inspect(key.length), exports.narrow(key.length, 2, 1, 0, 0), exports.scan(0, 0, 0), exports.text(1)];
    if (answers[0] > 0) continue;
    spent += 1;
    assert.deepEqual(answers, [MISUSE, MISUSE, MISUSE, 0]);
  }
  console.log(`${cut} calls were cut off, and ${spent} of 32 instances spent by it`);
  assert.ok(spent > 0);
});
