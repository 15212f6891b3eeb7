// No credential is left in a text or a log's lines, and nothing else is changed.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { findCredentials, OptionError, pinoRedact, redact } from "../../crates/js/js/holder/index.mjs";
import { base64, fromUtf8, utf8 } from "../harness/bytes.mjs";
import { vectors } from "../harness/vectors.mjs";

const key = vectors("key")[0].case.key;
const LABEL = "example_test_[redacted key_0011223344556677]";
const token = "wkboot_7_1800000000_Zm9yLXRlc3RzLW9ubHktYW5kLW5vLXNlY3JldC1hdC1";
const cut = key.slice(13, 60);

describe("a text", () => {
  it("has none of the credentials that the vectors find, and all of the rest", () => {
    let [whole, others] = [0, 0];
    for (const { name, expect, case: { text } } of vectors("scan")) {
      const found = findCredentials(text);
      for (const { at, what, text: credential } of expect.ok.findings) {
        const start = fromUtf8(utf8(text).subarray(0, at)).length;
        if (what === "key") {
          const exactly = found.filter((each) => each.kind === "key" && each.start === start && each.end === start + credential.length);
          assert.equal(exactly.length, 1, name);
          assert.match(exactly[0].keyId, /^key_[0-9a-f]{16}$/, name);
          whole += 1;
        } else {
          assert.ok(found.some((each) => each.start <= start && each.end > start), name);
          others += 1;
        }
        // Patterns may begin in a word before a key, and end in one behind it.
        const secret = what === "key" ? credential : credential.slice(-Math.min(30, credential.length - 10)).slice(0, 12);
        assert.ok(!redact(text).includes(secret), name);
      }
      const kept = [0, ...found.map(({ end }) => end)].map((end, place) => text.slice(end, found[place]?.start));
      const form = kept.map((each) => each.replace(/[^a-zA-Z0-9]/g, (mark) => `\\u{${mark.codePointAt(0).toString(16)}}`));
      assert.match(redact(text), new RegExp(`^${form.join("[a-z0-9_]*\\[redacted[^\\]]*\\]")}$`, "u"), name);
    }
    console.log(`${whole} whole keys, ${others} others`);
    assert.ok(whole >= 30 && others >= 30, `${whole} ${others}`);
  });

  it("stays the very same where there is nothing to take away", () => {
    for (const text of ["", " ", "no key at all", "\ud800 \udc00 \ud83d\ude42", "é\u2028\0", "_live_", "a".repeat(100_000), "_test_".repeat(50_000), "X2xpdmVf".repeat(10_000)]) {
      assert.equal(redact(text), text);
    }
  });

  it("keeps every other character, in whatever script or order of surrogates", () => {
    for (const [front, back] of [["é ", " ü"], ["\ud83d\ude42", "\ud83d\ude42"], ["\ud800", "\udc00"], ["\udc00", "\ud800"], ["密钥：", "。"], ["\0", "\0"], ["\u{10ffff}", "\u{10000}"]]) {
      const text = redact(`${front}${key}${back}`);
      assert.equal(text.length, front.length + LABEL.length + back.length);
      assert.equal(text, `${front}${LABEL}${back}`);
    }
    const split = `wk_live_${cut.slice(0, 20)}\ud83d\ude42${cut.slice(20)}`;
    assert.equal(redact(`é ${split}`), "é wk_live_[redacted]", "one character of two units splits no more than another");
  });

  it("is looked through in base64, in other spellings, and for brands that are named", () => {
    const basic = `Authorization: Basic ${base64(`user:${key}`)}`;
    assert.match(redact(basic), /^Authorization: Basic \S*\[redacted key_0011223344556677 base64\]=*$/);
    assert.equal(redact(basic, { deep: false }), basic);
    assert.equal(redact(JSON.stringify({ key }).replaceAll("_", "\\u005f")), `{"key":"${LABEL}"}`);
    assert.equal(redact(`${key.slice(0, 50)}\n    ${key.slice(50)}`), LABEL);
    assert.equal(redact(token), "wkboot_[redacted]");
    const short = `acme_live_${cut.slice(1)}`;
    assert.equal(redact(short), short);
    assert.equal(redact(short, { brands: ["acme"] }), "acme_live_[redacted]");
    for (const brands of ["acme", [7], ["a"], ["Acme"], ["acme acme2"], [""], Array(17).fill("acme"), Array(10_000).fill("acme")]) {
      assert.throws(() => redact(short, { brands }), (error) => error instanceof OptionError && error.code === "invalid_option");
    }
  });

  it("of ten thousand keys has none afterwards, and one of tens of megabytes neither", () => {
    const many = `${key}\n`.repeat(10_000);
    assert.equal(redact(many), `${LABEL}\n`.repeat(10_000));
    assert.equal(redact(`é${key}`.repeat(10_000)), `é${LABEL}`.repeat(10_000));
    const filler = "x y\u00e9z ".repeat(4_000_000);
    assert.equal(redact(filler + key + filler), filler + LABEL + filler);
    assert.equal(redact(key), LABEL, "and the next text is a small one again");
  });

  it("is looked through behind tens of megabytes of blanks, too, wherever they stand", () => {
    const blanks = " ".repeat(30_000_000);
    for (const front of ["", "1,", '"a"', "1\\n", "a\\n' +"]) assert.ok(redact(`${front}${blanks},${key}`) === `${front}${blanks},${LABEL}`, front);
  });

  it("is looked through again after the host's stack has ended in the middle", () => {
    let ended = 0;
    const deeper = () => {
      try {
        deeper();
      } catch { /* The end of the stack: a call from here may not come back. */ }
      try {
        assert.equal(redact(key), LABEL);
      } catch (error) {
        assert.ok(!`${error.stack}`.includes(key.slice(20, 40)));
        ended += 1;
      }
    };
    deeper();
    console.log(`${ended} calls ended by the stack`);
    assert.ok(ended > 0);
    assert.equal(redact(key), LABEL);
  });

  it("must be one", () => {
    for (const other of [undefined, null, 7, {}, [key], new String(key), utf8(key)]) {
      assert.throws(() => redact(other), (error) => error instanceof OptionError && !error.message.includes(key.slice(20)));
    }
  });
});

describe("a line of pino's", () => {
  const line = (fields) => `${JSON.stringify({ level: 30, time: 1_800_000_000_000, ...fields })}\n`;

  it("has no key, and is JSON as before", () => {
    assert.equal(pinoRedact(line({ msg: `got ${key}`, req: { headers: { authorization: `Bearer ${key}` } } })), line({ msg: `got ${LABEL}`, req: { headers: { authorization: `Bearer ${LABEL}` } } }));
    assert.equal(pinoRedact(line({ msg: "nothing" })), line({ msg: "nothing" }));
    for (const text of [key, `\n${key}`, `\\${key}`, `"${key}"`, `\t${key}\n${key}`, `\u0007${key}`, `a\n${key.slice(0, -3)}`, `\n${key.replace("example", "other")}`, token, JSON.stringify({ key }), JSON.stringify(JSON.stringify({ a: `\n${key}` })), base64(key), `\ud800${key}`]) {
      const redacted = pinoRedact(line({ msg: text, [text]: [text] }));
      const read = JSON.parse(redacted);
      assert.equal(read.level, 30);
      assert.ok(redacted.endsWith("\n") && redacted.split("\n").length === 2);
      assert.ok(!redacted.includes(key.slice(20, 40)), redacted);
      assert.ok(read.msg.includes("[redacted"), redacted);
    }
  });

  it("that cannot be looked through says so and nothing else", () => {
    for (const [other, level] of [[undefined], [7], [line({ msg: key }), 30]]) {
      assert.deepEqual(JSON.parse(pinoRedact(other, { brands: ["No brand"] })), { ...(level && { level }), msg: "[not shown: it could not be redacted]" });
    }
    assert.ok(!pinoRedact(`not JSON ${key}\n`).includes(key.slice(20)));
  });
});
