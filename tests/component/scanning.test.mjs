// The component that scans finds what every vector says, and replaces it.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { component, result } from "../harness/component.mjs";
import { vectors } from "../harness/vectors.mjs";

const { imports, instantiate } = await component("scanning");
const { scanner: { scan, redact }, memory } = instantiate();
const plain = { brands: [], deep: false };
const cases = vectors("scan");

describe("the component that scans", () => {
  it("needs nothing from its host", () => {
    assert.deepEqual(imports, []);
  });

  it("finds the credentials that each vector says, and redacts them and nothing else", () => {
    let [found, stated] = [0, 0];
    for (const { name, expect: { ok: { findings } }, case: { text } } of cases) {
      const bytes = Buffer.from(text);
      const answers = scan(bytes, plain);
      found += answers.length;
      for (const { at, what, text: credential } of findings) {
        const covering = answers.filter(({ start, end }) => start <= at && end > at);
        assert.equal(covering.length, 1, name);
        const [{ kind, start, end }] = covering;
        // Of what is no whole key, more than its pattern may be taken away.
        if (what === "key") assert.deepEqual([kind, start, end], ["key", at, at + Buffer.byteLength(credential)], name);
        else assert.ok(!redact(text, plain).includes(credential.slice(-Math.min(30, credential.length - 10)).slice(0, 12)), name);
        stated += 1;
      }
      let [rest, last] = ["", 0];
      for (const { start, end, label } of answers) {
        rest += bytes.subarray(last, start) + label;
        last = end;
      }
      assert.equal(redact(text, plain), rest + bytes.subarray(last), name);
    }
    console.log(`${cases.length} cases of scan.json, ${stated} credentials stated, ${found} findings`);
    assert.ok(cases.length >= 151 && stated === 121 && found >= 121, `${stated} ${found}`);
  });

  it("knows the brands it is told, looks into base64 if asked, and takes no brand that is none", () => {
    const cut = `acme_live_${"AQAHAgEAAQIDBAUG_wAAAyhlU".repeat(2)}`;
    assert.equal(redact(`a ${cut} b`, { brands: ["acme"], deep: false }), "a acme_live_[redacted] b");
    const key = cases.find(({ expect }) => expect.ok.findings.length === 1).expect.ok.findings[0].text;
    const wrapped = Buffer.from(`token ${key} end`).toString("base64");
    assert.deepEqual(scan(Buffer.from(wrapped), plain), []);
    assert.deepEqual(scan(Buffer.from(wrapped), { brands: [], deep: true }).map(({ kind, inBase64 }) => [kind, inBase64]), [["key", true]]);
    for (const brands of [["A"], [""], ["ac-me"], ["\u{1f511}"], Array(17).fill("acme"), ["a".repeat(100_000)]]) {
      assert.equal(result(() => scan(new Uint8Array(), { brands, deep: false })).error, "bad-brand");
      assert.equal(result(() => redact("", { brands, deep: false })).error, "bad-brand");
    }
    assert.deepEqual(scan(new Uint8Array(), { brands: Array(16).fill("acme"), deep: true }), []);
  });

  it("gives back the memory of long texts, and keeps no credential", () => {
    const key = cases.find(({ expect }) => expect.ok.findings.length === 1).expect.ok.findings[0].text;
    const text = `${"x".repeat(500)} ${key}\n`.repeat(2_000);
    const rounds = () => {
      for (let round = 0; round < 5; round++) {
        assert.equal(scan(Buffer.from(text), plain).length, 2_000);
        assert.equal(redact(text, plain).includes(key), false);
      }
      return memory.buffer.byteLength;
    };
    const first = rounds();
    assert.equal(rounds(), first, "what was given back is given again");
    assert.equal(Buffer.from(memory.buffer).includes(Buffer.from(key.slice(-40))), false);
  });
});
