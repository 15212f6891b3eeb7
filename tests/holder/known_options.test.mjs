// A misspelt option is refused by name, wherever an option left out would let more through.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { OptionError } from "../../crates/js/js/errors.mjs";
import { findCredentials, narrow, redact, redactingConsole, wardkeyFetch } from "../../crates/js/js/holder/index.mjs";
import { known } from "../../crates/js/js/options.mjs";
import { vectors } from "../harness/vectors.mjs";

const key = vectors("key")[0].case.key;

describe("an option that is none", () => {
  it("is refused by its name, with those that there are", () => {
    const options = { scopes: [1] };
    assert.equal(known(options, ["scopes", "now"], "narrow"), options);
    assert.throws(() => known({ scope: 1 }, ["scopes", "now"], "narrow"), { code: "unknown_option", message: 'narrow: there is no option "scope"; there are scopes, now' });
    assert.throws(() => known({ [key]: 1 }, ["scopes"], "narrow"), (error) => error instanceof OptionError && error.code === "unknown_option" && !error.message.includes(key));
    for (const none of [null, undefined, "x", 3]) assert.throws(() => known(none, ["scopes"], "narrow"), { code: "invalid_option" });
  });

  it("is refused by redact, the console and the fetch wrapper", () => {
    for (const run of [() => redact("x", { brand: ["acme"] }), () => findCredentials("x", { brand: ["acme"] }), () => redactingConsole(console, { brand: ["acme"] })]) {
      assert.throws(run, { code: "unknown_option", message: 'redact: there is no option "brand"; there are brands, deep' });
    }
    assert.throws(() => wardkeyFetch({ key, origins: ["https://a.example"], onRotate() {} }), { code: "unknown_option", message: 'wardkeyFetch: there is no option "onRotate"; there are key, origins, header, onRotateBy, fetch' });
    for (const wrong of [{ onRotateBy: 5 }, { fetch: "x" }, { header: 5 }]) assert.throws(() => wardkeyFetch({ key, origins: ["https://a.example"], ...wrong }), { code: "invalid_option" });
    assert.throws(() => redact("x", { deep: 1 }), { code: "invalid_option" });
  });

  it("is no hole either: what an array leaves out is no scope, network, brand or origin", () => {
    for (const scopes of [[, 3], new Array(2), [3, , 1], [undefined]]) assert.throws(() => narrow(key, { scopes }), { code: "invalid_option" });
    for (const cidr of [[, "10.0.0.0/8"], new Array(1)]) assert.throws(() => narrow(key, { cidr }), { code: "invalid_option" });
    assert.throws(() => narrow(key, { scopes: ["a:b"], catalog: [, { name: "a:b", number: 0 }] }), { code: "invalid_option" });
    assert.throws(() => redact("x", { brands: [, "acme"] }), { code: "invalid_option" });
    assert.throws(() => wardkeyFetch({ key, origins: [, "https://a.example"] }), { code: "invalid_option" });
  });

  it("is refused by narrow", () => {
    assert.throws(() => narrow(key, { scope: [1] }), (error) => error.code === "unknown_option" && error.message.startsWith('narrow: there is no option "scope"; there are scopes, catalog'));
  });
});
