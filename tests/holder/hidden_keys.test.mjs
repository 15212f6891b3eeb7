// What a key looks like when it is no text any more: bytes, lists, escapes; and what it costs to look for it.

import assert from "node:assert/strict";
import { Console } from "node:console";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";

import { withoutBytes } from "../../crates/js/js/holder/bytes.mjs";
import { findCredentials, pinoRedact, redact, redactingConsole } from "../../crates/js/js/holder/index.mjs";
import { vectors } from "../harness/vectors.mjs";

const key = vectors("key")[0].case.key;
const LABEL = "example_test_[redacted key_0011223344556677]";
const bytes = new TextEncoder().encode(key);
const SIZE = `[${bytes.length} bytes]`;
const each = (write) => [...key].map((character) => write(character.charCodeAt(0))).join("");
const hex = (code) => code.toString(16).padStart(2, "0");

/** What a console has written in between. */
function printed(print) {
  const stream = new PassThrough();
  const chunks = [];
  stream.on("data", (chunk) => chunks.push(chunk));
  print(redactingConsole(new Console(stream, stream)));
  return chunks.join("");
}

describe("a key that every character is escaped of", () => {
  const WAYS = {
    "\\u0041": (code) => `\\u00${hex(code)}`, "\\\\u0041": (code) => `\\\\u00${hex(code)}`, "\\u{41}": (code) => `\\u{${hex(code)}}`, "\\x41": (code) => `\\x${hex(code)}`,
    "%41": (code) => `%${hex(code)}`, "%2541": (code) => `%25${hex(code)}`, "&#65;": (code) => `&#${code};`, "&#x41;": (code) => `&#x${hex(code)};`,
  };
  for (const [name, way] of Object.entries(WAYS)) {
    it(`is found as ${name}`, () => {
      const text = `before ${each(way)} after, and ${key}.`;
      assert.equal(redact(text), `before ${LABEL} after, and ${LABEL}.`);
      const [found] = findCredentials(text);
      assert.equal(text.slice(found.start, found.end), each(way));
      assert.equal(found.keyId, "key_0011223344556677");
    });
  }

  it("is found where only some are", () => {
    for (let count = 1; count < 20; count++) {
      const text = [...key].map((character, at) => (at % count === 0 ? `\\u00${hex(character.charCodeAt(0))}` : character)).join("");
      assert.equal(redact(`a ${text} b`), `a ${LABEL} b`, `each ${count}th`);
    }
  });

  it("does not survive in a line of JSON, which stays JSON", () => {
    for (const line of [`{"level":30,"key":"${each(WAYS["\\u0041"])}","n":1}\n`, `${JSON.stringify({ level: 30, key: `{"k":"${each(WAYS["\\u0041"])}"}`, n: 1 })}\n`]) {
      const { key: shown, n } = JSON.parse(pinoRedact(line));
      assert.ok(shown.includes(LABEL) && n === 1, shown);
    }
  });

  it("leaves all other escapes as they are", () => {
    for (const text of ["/search?q=a%20b%2Fc", '{"a":"\\u0041\\u00e9\\n"}', "C:\\x41\\u0041", "&#65;&amp;", "1, 2, 3", "\\".repeat(100)]) assert.equal(redact(text), text);
  });
});

describe("a key as bytes", () => {
  it("is a size in a console, wherever it lies", () => {
    class Own extends Uint8Array {}
    const values = {
      Uint8Array: bytes, Buffer: Buffer.from(key), ArrayBuffer: bytes.slice().buffer, DataView: new DataView(bytes.slice().buffer), Own: Own.from(bytes), Uint16Array: Uint16Array.from(bytes),
      Float64Array: Float64Array.from(bytes), BigUint64Array: BigUint64Array.from(bytes, BigInt),
    };
    for (const [name, value] of Object.entries(values)) {
      for (const shown of [value, { body: value }, [[value]], new Map([["body", value]]), Object.assign(new Error("x"), { body: value })]) {
        const text = printed((console) => console.log("it is", shown));
        // A view's buffer may lie too deep to be printed at all.
        assert.match(text, name === "DataView" ? /bytes\]|ArrayBuffer\]/ : /\[\d+ bytes\]/, name);
        assert.doesNotMatch(text, /101,? 120|65 78 61|101\.0|101n/, `${name}: ${text}`);
      }
    }
    assert.equal(printed((console) => console.log(bytes)), `${SIZE}\n`);
    assert.equal(printed((console) => console.log("%o", bytes)), `'${SIZE}'\n`);
    assert.equal(printed((console) => console.log({ body: bytes })), `{\n  body: Uint8Array ${SIZE}\n}\n`);
    assert.equal(printed((console) => console.log({ body: Buffer.from(key) })), `{\n  body: <Buffer ${SIZE}>\n}\n`);
    assert.equal(printed((console) => console.log([1, 2, 3], "<Foo>", [])), "[ 1, 2, 3 ] <Foo> []\n");
  });

  it("is a size where there is no util.inspect, too", () => {
    const { getBuiltinModule } = process;
    process.getBuiltinModule = undefined;
    try {
      for (const value of [bytes, Buffer.from(key), bytes.slice().buffer]) {
        assert.equal(printed((console) => console.log(value)), `${SIZE}\n`);
        assert.equal(printed((console) => console.log({ body: value })), `{\n  "body": "${SIZE}"\n}\n`);
      }
    } finally {
      process.getBuiltinModule = getBuiltinModule;
    }
  });

  it("is found as a list of numbers or characters", () => {
    const listed = [
      `[${[...bytes].join(",")}]`, `[ ${[...bytes].join(", ")} ]`, `[\n  ${[...bytes].join(",\n  ")}\n]`, JSON.stringify(bytes), JSON.stringify(JSON.stringify(bytes)), JSON.stringify([...key]),
      JSON.stringify(JSON.stringify([...bytes], null, 2)),
    ];
    for (const text of listed) assert.ok(redact(`a ${text} b`).includes(LABEL) && redact(text).length < 70, redact(text));
    assert.ok(redact(`[${[...bytes].slice(0, 60).join(",")}]`).includes("[redacted"), "cut short");
    const others = JSON.stringify(Array.from({ length: 500 }, (_, at) => at % 256));
    assert.equal(redact(others), others);
    assert.ok(printed((console) => console.log({ body: [...bytes] })).includes(LABEL));
  });

  it("is a size in a line of JSON, which stays JSON", () => {
    for (const body of [Buffer.from(key), bytes, [...bytes], [...key], { deep: [{ body: Buffer.from(`x ${key}`) }] }]) {
      const line = pinoRedact(`${JSON.stringify({ level: 30, body, msg: "m" })}\n`);
      assert.match(line, /\[\d+ bytes\]/);
      assert.equal(JSON.parse(line).msg, "m");
      assert.ok(!line.includes("101") && line.endsWith("}\n"), line);
    }
    const inner = JSON.parse(pinoRedact(JSON.stringify({ body: JSON.stringify({ inner: Buffer.from(key) }), n: 7 })));
    assert.ok(inner.body.includes(LABEL) && inner.n === 7);
    const other = `${JSON.stringify({ level: 30, body: Buffer.from("nothing that anybody should not see, and longer than that") })}\n`;
    assert.equal(pinoRedact(other), other);
  });
});

describe("a line that was made to be dear", () => {
  const DEAR = [
    "a_live_AQAA_live_AQAA", "wk_live_AQ", "wk%5Flive%5FAQ", "wk_live_", "wkve_AQ", "X2xpdmVf", "d2tfbGl2ZV9B", "9saXZlX\n", "X2xpdm\\nVf", "wk_live_AQ\u001b[m", "wk_live_\" +\n \"AQ",
    "\\u0077\\u006b_live_AQ", "ab_test_%41Q", "119,107,95,108,105,118,101,95,65,81,", "&#95;live&#95;AQ", "d2tib290X", "\\", "\\u00", "%25", "1 ", "1,", "'a',", "Uint8Array(1) [", "a(1) [Uint8Array] [", "<Buffer ",
    "%41", "&#0000", "%25252525", "119,", "1:2,", "1,2,x ", '"a",', "'a' ", "\\n' +\n  '", "\\n'", "\\n\\t", "\\n  ",
  ];
  it("is not shown, and takes no longer for it", () => {
    const console = redactingConsole({ log() {} });
    for (const part of DEAR) {
      const text = part.repeat(1_000_000 / part.length);
      for (const run of [() => pinoRedact(JSON.stringify({ level: 30, msg: text })), () => pinoRedact(text), () => console.log(text)]) {
        const began = performance.now();
        run();
        // Seconds without the bound; what is left is what a slow and busy machine needs for a million characters.
        assert.ok(performance.now() - began < 700, `${JSON.stringify(part)}: ${performance.now() - began} ms`);
      }
    }
    assert.equal(pinoRedact(`${JSON.stringify({ level: 40, msg: "a_live_AQAA_live_AQAA".repeat(780) })}\n`), '{"level":40,"msg":"[not shown: it could not be redacted]"}\n');
  });

  it("is not shown either for what is behind its escapes, or in its lists", () => {
    for (const part of ["%41", "%20", "%2541", "\\u0041", "\\x41", "&#65;", "119,", "119, ", "1:2,", '"a",', "1,2,x ", "\\n' +\n  '", "\\n\\t"]) {
      const text = part.repeat(300_000 / part.length);
      const shown = [];
      redactingConsole({ log: (line) => shown.push(line) }).log(text);
      assert.equal(shown[0].slice(0, 50), "[not shown: it could not be redacted]", part);
      assert.equal(pinoRedact(`{"level":30,"msg":${JSON.stringify(text)}}\n`).slice(0, 100), '{"level":30,"msg":"[not shown: it could not be redacted]"}\n', part);
      assert.ok(redact(`${text} ${key}`).endsWith(LABEL), "redact has all the time");
    }
    // None of them is an escape: it is looked at for that.
    assert.match(printed((console) => console.log("&#0000".repeat(150_000))), /^\[not shown/);
  });

  it("is none that anybody writes, however long", () => {
    const record = { time: 1_800_000_000, rate_limit: 5, tenant_id: 7, path: "/v1/list?page=2&q=a%20b", ua: "Mozilla/5.0 (X11; Linux x86_64)", env: "MAX_ATTEMPTS", text: "a \"quoted\"\nline" };
    const line = `${JSON.stringify({ level: 30, msg: Array.from({ length: 500 }, () => record), body: Buffer.from("some bytes of a file ".repeat(1_000)).toString("base64") })}\n`;
    assert.ok(line.length > 100_000);
    assert.ok(pinoRedact(line) === line);
    const keys = `${JSON.stringify({ level: 30, keys: Array(100).fill(key) })}\n`;
    assert.equal(JSON.parse(pinoRedact(keys)).keys.filter((shown) => shown === LABEL).length, 100);
  });

  it("is looked through whole by redact, which has all the time", () => {
    assert.ok(redact(`${"a_live_AQAA_live_AQAA".repeat(780)} ${key}`).endsWith(LABEL));
  });
});

describe("what util.inspect prints of bytes", () => {
  it("is a size", () => {
    assert.equal(withoutBytes("<Buffer 01 02 ... 48 more bytes>"), "<Buffer [50 bytes]>");
    assert.equal(withoutBytes("ArrayBuffer { [Uint8Contents]: <01 02>, byteLength: 2 }"), "ArrayBuffer { [2 bytes], byteLength: 2 }");
    assert.equal(withoutBytes("Uint16Array(3) [ 1, 2, 3 ]"), "Uint16Array [6 bytes]");
    assert.equal(withoutBytes("Own(2) [Uint8Array] [ 1, 2 ] Set(1) { 1 }"), "Own [2 bytes] Set(1) { 1 }");
  });
});
