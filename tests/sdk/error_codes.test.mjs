// What the types and the registry's routes promise is what the package says: each code that is thrown is declared, each sentence is theirs.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const PACKAGE = fileURLToPath(new URL("../../crates/js/js/", import.meta.url));
const read = (path) => readFileSync(join(PACKAGE, path), "utf8");
const sources = () => readdirSync(PACKAGE, { recursive: true }).filter((path) => path.endsWith(".mjs") && !path.startsWith("wasm/wardkey"));

/** Where the code is no literal: whose it is, and the table that it is read from. */
const TABLES = {
  "instance.mjs: ...problem": [["OptionError"], /^const PROBLEMS = \{(.*?)^\};/ms, /\["([a-z_]+)"/g],
  "verifier/registry_transport.mjs: code": [["TransportError"], /^const CODES = \{(.*?)\}/ms, /"([a-z_]+)"/g],
};

function thrown() {
  const codes = new Map();
  const add = (kind, code) => codes.set(kind, (codes.get(kind) ?? new Set()).add(code));
  const tables = new Set();
  for (const path of sources()) {
    const text = read(path);
    for (const [, kind, argument] of text.matchAll(/new (\w+Error)\(\s*([^,)\s]+)/g)) {
      if (!read("errors.mjs").includes(`class ${kind} extends WardkeyError`)) continue;
      const literal = /^"([a-z_]+)"$/.exec(argument)?.[1];
      if (literal !== undefined) {
        add(kind, literal);
        continue;
      }
      const [kinds, table, code] = TABLES[`${path}: ${argument}`] ?? assert.fail(`${path}: new ${kind}(${argument}`);
      assert.deepEqual(kinds, [kind]);
      tables.add(argument);
      for (const [, each] of table.exec(text)[1].matchAll(code)) add(kind, each);
    }
  }
  assert.equal(tables.size, Object.keys(TABLES).length);
  // What stands behind `??` beside the table.
  add("TransportError", "registry_refused");
  return codes;
}

it("declares every code that is thrown, and no other", () => {
  const declared = new Map();
  for (const [, kind, union] of read("errors.d.mts").matchAll(/class (\w+) extends WardkeyError<([^>]+)>/g)) declared.set(kind, new Set([...union.matchAll(/"([a-z_]+)"/g)].map(([, code]) => code)));
  const sorted = (codes) => Object.fromEntries([...codes].map(([kind, each]) => [kind, [...each].sort()]).sort());
  assert.deepEqual(sorted(thrown()), sorted(declared));
  assert.ok([...declared.values()].flatMap((each) => [...each]).length > 25);
});

describe("a refusal", () => {
  it("says to callers what the registry's own routes say", () => {
    const theirs = readFileSync(new URL("../../worker/src/problem.rs", import.meta.url), "utf8");
    const own = read("verifier/answers.mjs");
    const sentences = [...own.matchAll(/"([A-Z][^"]+)"/g)].map(([, text]) => text).filter((text) => text.includes(" "));
    assert.ok(sentences.length > 18, `${sentences.length}`);
    // The one that no route of the registry's has: whoever runs an API with this package has a log of their own.
    for (const sentence of sentences) if (sentence !== "The credential could not be judged") assert.ok(theirs.includes(`"${sentence}"`), sentence);
    assert.ok(theirs.includes("This needs a credential with {scope}."));
  });
});
