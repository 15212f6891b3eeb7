// No credential is left in what a console shows, and nothing else is changed.

import assert from "node:assert/strict";
import { Console } from "node:console";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";

import { redactingConsole } from "../../crates/js/js/holder/index.mjs";
import { vectors } from "../harness/vectors.mjs";

const key = vectors("key")[0].case.key;
const LABEL = "example_test_[redacted key_0011223344556677]";

describe("a console", () => {
  const printed = (use, options) => {
    const streams = [new PassThrough(), new PassThrough()];
    use(redactingConsole(new Console({ stdout: streams[0], stderr: streams[1] }), options));
    return streams.map((stream) => stream.read()?.toString() ?? "").join("");
  };

  it("shows no key, wherever it is", () => {
    class Client {
      #hidden = key;
      key = key;
      get again() {
        return this.#hidden;
      }
    }
    const cyclic = { key };
    cyclic.self = cyclic;
    const error = new Error(`refused: ${key}`, { cause: new TypeError(key) });
    const values = [key, `a ${key} b`, { key }, { [key]: 1 }, [[[[{ key }]]]], new Map([[key, key]]), new Set([key]), error, new Client(), cyclic, new Headers({ authorization: `Bearer ${key}` }), new URL(`https://example.com/?key=${key}`), Symbol(key), () => key, Object.create(null, { key: { value: key, enumerable: true } })];
    for (const method of ["log", "info", "warn", "error", "debug", "trace", "group", "groupCollapsed", "dir", "dirxml", "table", "count"]) {
      for (const value of values) {
        const text = printed((console) => console[method](value));
        assert.ok(!text.includes(key.slice(20, 40)), `${method}: ${text}`);
      }
    }
    for (const use of [
      (console) => console.log("%s and %o", key, { key }),
      (console) => console.log("a", key, { key }),
      (console) => console.assert(false, key, { key }),
      (console) => { console.time(key); console.timeLog(key, { key }); console.timeEnd(key); },
      (console) => { console.count(key); console.countReset(key); },
      (console) => console.table([{ key }], [key]),
      (console) => console.dir({ key }, { depth: 0 }),
    ]) {
      const text = printed(use);
      assert.ok(!text.includes(key.slice(20, 40)), text);
    }
    assert.ok(printed((console) => console.log({ key })).includes(LABEL), "and says what was there");
  });

  it("prints all else as its target does", () => {
    const target = (use) => {
      const stream = new PassThrough();
      use(new Console(stream));
      return stream.read().toString();
    };
    for (const use of [
      (console) => console.log("%s of %d: %j", "a", 7, { b: 1 }, "rest"), (console) => console.log("100%", "%s"), (console) => console.log(), (console) => console.log(undefined, null, 0),
      (console) => console.info({ a: [1, { b: new Map([[1, 2]]) }] }), (console) => { console.group("a"); console.log("b\nc"); console.groupEnd(); console.log("d"); },
      (console) => { console.count(); console.count("x"); console.countReset("x"); console.count("x"); }, (console) => { console.assert(true, "a"); console.assert(false, "b %s", "c"); console.assert(false); },
    ]) {
      assert.equal(printed(use), target(use));
    }
  });

  it("may be a frozen one", () => {
    const shown = [];
    redactingConsole(Object.freeze({ log: (text) => shown.push(text) })).log(key);
    assert.deepEqual(shown, [LABEL]);
  });

  it("does not show what cannot be looked through", () => {
    const evil = { [Symbol.for("nodejs.util.inspect.custom")]: () => { throw new Error(key); } };
    assert.equal(printed((console) => console.log(evil)), "[not shown: it could not be redacted]\n");
    assert.equal(printed((console) => console.log(key), { brands: ["No-brand"] }), "[not shown: it could not be redacted]\n");
  });

  it("is as careful where node:util is not to be had", () => {
    const { process } = globalThis;
    const shown = [];
    const bare = redactingConsole({ log: (...values) => shown.push(...values) });
    const cyclic = { key };
    cyclic.self = cyclic;
    Object.defineProperty(globalThis, "process", { value: undefined, configurable: true, writable: true });
    try {
      for (const value of [key, { key }, new Error(key, { cause: new Error(key) }), new Map([["k", { key }]]), new Set([key]), new Headers({ authorization: key }), cyclic, 7n, { n: 7n }, undefined, Symbol(key), { toJSON: () => key }]) bare.log("a", value);
    } finally {
      Object.defineProperty(globalThis, "process", { value: process, configurable: true, writable: true });
    }
    assert.equal(shown.length, 12);
    const text = shown.join("\n");
    assert.ok(!text.includes(key.slice(20, 40)), text);
    assert.ok(text.split(LABEL).length > 8 && text.includes("7n") && text.includes("[seen above]"), text);
    assert.match(text, /\ncause: Error: example_test_\[redacted/);
    assert.ok(shown[3].includes('"k"') && shown[4].includes(LABEL) && shown[5].includes("authorization"), text);
  });
});
