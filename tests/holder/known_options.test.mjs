// A misspelt option is refused by name, wherever an option left out would let more through.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { OptionError } from "../../crates/js/js/errors.mjs";
import { narrow } from "../../crates/js/js/holder/index.mjs";
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

  it("is refused by narrow", () => {
    assert.throws(() => narrow(key, { scope: [1] }), { code: "unknown_option", message: /"scope"; there are scopes, catalog/ });
  });
});
