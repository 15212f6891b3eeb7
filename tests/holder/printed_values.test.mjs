// A key inside of values, as each runtime prints them: with `util.inspect`, which breaks long strings into lines of code, or without.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { findCredentials, pinoRedact, redact, redactingConsole } from "../../crates/js/js/holder/index.mjs";
import { utf8 } from "../harness/bytes.mjs";
import { vectors } from "../harness/vectors.mjs";

const key = vectors("key")[0].case.key;
const LABEL = "example_test_[redacted key_0011223344556677]";
const util = globalThis.process?.getBuiltinModule?.("node:util");

/** What a console has printed of values. */
function printed(...values) {
  const lines = [];
  // Of what is cut off, only a brand that is known is found.
  redactingConsole({ log: (text) => lines.push(text) }, { brands: ["example"] }).log(...values);
  return lines.join("\n");
}

/** The key broken every `len` characters. */
const wrapped = (len, between) => key.match(new RegExp(`.{1,${len}}`, "g")).join(between);
/** Pretty JSON of the key as a Buffer, as an array and as an object of its bytes, and as its characters. */
const listed = () => [{ type: "Buffer", data: [...utf8(key)] }, [...utf8(key)], { ...utf8(key) }, [...key]].map((list) => JSON.stringify({ list }, null, 2));

class Answer {
  #hidden;
  constructor(body) {
    Object.assign(this, { body });
    this.#hidden = body;
  }
  get again() {
    return this.#hidden;
  }
}

/** A text at all the places where a value may have one. */
const PLACES = {
  "an object": (text) => ({ body: text }),
  "an array": (text) => [[text]],
  "a Map": (text) => new Map([["body", text]]),
  "a Map's key": (text) => new Map([[text, 1]]),
  "a Set": (text) => new Set([text]),
  "a class of one's own": (text) => new Answer(text),
  "an object without a prototype": (text) => Object.assign(Object.create(null), { body: text }),
  "an error": (text) => new Error(text),
  "an error's cause": (text) => new Error("refused", { cause: new TypeError(text, { cause: text }) }),
  "an error's own part": (text) => Object.assign(new Error("refused"), { stdout: text }),
  "several errors": (text) => new AggregateError([new Error(text), { text }], "refused"),
  "a string that is an object": (text) => [new String(text)],
  "an object beside much else": (text) => ({ status: 200, headers: { accept: "*/*", host: "example.com" }, list: [1, 2, 3], text, it: "it's \"quoted\"\nand `so`\n".repeat(5) }),
};

/** What an error has beside its message and its cause is shown by `util.inspect` alone. */
const assertLabelled = (shown, place) => assert.ok(shown.includes(LABEL) || (util === undefined && /own part|several/.test(place)), shown);

/** No stretch of the key is shown that an id or a subject may not be; what stood around it is. */
function assertHidden(text, what) {
  for (let at = 14; at + 12 <= key.length; at += 4) assert.ok(!text.includes(key.slice(at, at + 12)), `${what}: ${text}`);
  const numbers = (text.match(/\b\d{2,3}\b/g) ?? []).map(Number).filter((number) => number < 256);
  assert.ok(!String.fromCharCode(...numbers).includes(key.slice(-12)), `${what}: ${text}`);
  const characters = (text.match(/["'][\w-]\\*["']/g) ?? []).map((quoted) => quoted[1]).join("");
  assert.ok(!characters.includes(key.slice(-12)), `${what}: ${text}`);
}

describe("a value that holds a key in several lines", () => {
  const BREAKS = { "\\n": "\n", "\\r\\n": "\r\n", "indented": "\n    ", "behind a tab": "\n\t", "quoted in a mail": "\n> ", "continued": "\\\n" };
  for (const [place, within] of Object.entries(PLACES)) {
    it(`shows none of it: ${place}`, () => {
      for (const [name, between] of Object.entries(BREAKS)) {
        for (const len of [20, 40, 60, 64, 76]) {
          for (const text of [wrapped(len, between), `KEY:\n${wrapped(len, between)}\n`, `it's\n${wrapped(len, between)} "so"\n`]) {
            const shown = printed(within(text));
            assertHidden(shown, `${name}, ${len}`);
            assertLabelled(shown, place);
          }
        }
      }
    });

    it(`shows none of it as a list: ${place}`, () => {
      for (const text of listed()) {
        for (const each of [text, `body:\n${text}`, JSON.stringify(text)]) {
          const shown = printed(within(each));
          assertHidden(shown, "a list");
          assertLabelled(shown, place);
        }
      }
    });
  }

  it("shows none of it as its characters", () => {
    for (const between of Object.values(BREAKS).slice(0, 4)) {
      for (const list of [[...wrapped(40, between)], ["K", "\n", ...utf8(wrapped(40, between))], new Set(`é ${wrapped(40, between)}`), utf8(wrapped(40, between)).join(", ")]) {
        for (const within of Object.values(PLACES)) assertHidden(printed(within(list)), JSON.stringify(list));
        assertHidden(pinoRedact(`${JSON.stringify({ level: 30, list })}\n`), JSON.stringify(list));
        assertHidden(pinoRedact(`${JSON.stringify({ level: 30, msg: JSON.stringify({ list }, null, 2) })}\n`), JSON.stringify(list));
      }
    }
  });

  it("shows no more of it where what is printed is cut", () => {
    const deep = { a: { b: { c: { d: { key } } } } };
    for (const value of [deep, ["x ".repeat(4_975) + wrapped(40, "\n")], Array(150).fill(key), [...utf8(key), ...utf8(key)], { body: `${"x\n".repeat(4_950)}${wrapped(40, "\n")}` }, [..."ab cd ef ", ...key]]) {
      const shown = printed(value);
      assertHidden(shown, "cut");
    }
  });

  it("shows none of it where it is coloured", () => {
    const coloured = `\u001b[01;31m\u001b[K${key.slice(0, 13)}\u001b[m\u001b[K${key.slice(13, 50)}\u001b[0m${key.slice(50)}`;
    for (const [place, within] of Object.entries(PLACES)) assertHidden(printed(within(`$ grep\n${coloured}\n`)), place);
    assertHidden(pinoRedact(`${JSON.stringify({ level: 30, msg: coloured })}\n`), "pino");
  });

  it("shows none of it by its format", () => {
    for (const format of ["%s", "%o", "%O", "%j", "a %s b"]) {
      for (const within of Object.values(PLACES)) assertHidden(printed(format, within(`KEY:\n${wrapped(40, "\n")}`), within(wrapped(64, "\n"))), format);
    }
  });

  it("shows none of it whatever the program has made the default", () => {
    if (util?.inspect.defaultOptions === undefined) return;
    const before = { ...util.inspect.defaultOptions };
    try {
      for (const options of [{ colors: true }, { compact: false }, { compact: true }, { breakLength: 20 }, { breakLength: Infinity }, { maxStringLength: 60 }, { getters: true }, { showHidden: true }, { depth: null }, { sorted: true }]) {
        Object.assign(util.inspect.defaultOptions, before, options);
        for (const within of Object.values(PLACES)) {
          for (const text of [`KEY:\n${wrapped(40, "\n")}`, listed()[0]]) assertHidden(printed(within(text)), JSON.stringify(options));
        }
        assertHidden(printed([...utf8(key)]), JSON.stringify(options));
      }
    } finally {
      Object.assign(util.inspect.defaultOptions, before);
    }
  });
});

describe("a text of what has been printed", () => {
  it("is read on in the next line, where util.inspect has broken it", () => {
    const text = `{\n  body: 'x\\n' +\n    '${key.slice(0, 40)}\\n' +\n    "${key.slice(40)}",\n  n: 1\n}`;
    assert.equal(redact(text), `{\n  body: 'x\\n' +\n    '${LABEL}",\n  n: 1\n}`);
    const [found] = findCredentials(text);
    assert.equal(text.slice(found.start, found.end), `${key.slice(0, 40)}\\n' +\n    "${key.slice(40)}`);
    assert.deepEqual([found.kind, found.keyId], ["key", "key_0011223344556677"]);
    for (const msg of [text, JSON.stringify(text), JSON.stringify(JSON.stringify(text))]) {
      const line = pinoRedact(`${JSON.stringify({ level: 30, msg, n: 7 })}\n`);
      assertHidden(line, "in JSON");
      assert.ok(JSON.parse(line).msg.includes(LABEL) && JSON.parse(line).n === 7, line);
    }
  });

  it("is read on behind tabs, and in a list that has a plus", () => {
    for (const between of ["\n\t", "\r\n\t\t", "\n \t"]) {
      for (const msg of [wrapped(40, between), JSON.stringify(wrapped(40, between)), JSON.stringify({ text: wrapped(64, between) })]) {
        const line = pinoRedact(`${JSON.stringify({ level: 30, msg })}\n`);
        assertHidden(line, JSON.stringify(msg));
        assert.ok(JSON.parse(line).msg.includes(LABEL), line);
      }
    }
    for (const list of [[..."a+b/", ...key], ["+", ..." + ", ...key]]) assertHidden(redact(JSON.stringify(list)), JSON.stringify(list));
  });

  it("stays as it is where that is no key", () => {
    for (const text of ["a\\n' +\n  'b", "'a\\n' +\n    'b\\n' +\n    'c'", "C:\\new\\tab", "x\\n\\tat Object", '["a","+","b"]', "\\n".repeat(1_000), '"a" + "b"']) assert.equal(redact(text), text);
  });
});
