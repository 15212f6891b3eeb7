// Callers' addresses, as the package hands them to the module: what Node takes for one, and nothing else.

import assert from "node:assert/strict";
import { randomBytes, randomInt } from "node:crypto";
import { BlockList, isIP } from "node:net";
import { it } from "node:test";

import { callerAddress } from "../../crates/js/js/verifier/caller_address.mjs";

it("is read as Node reads it, whatever its spelling", () => {
  let read = 0;
  for (let round = 0; round < 20_000; round++) {
    const bytes = randomBytes(16);
    if (round % 3 === 0) bytes.fill(0, randomInt(16), 16);
    const groups = Array.from({ length: 8 }, (_, place) => bytes.readUInt16BE(2 * place).toString(16));
    const from = randomInt(8);
    const to = from + 1 + randomInt(8 - from);
    const shortened = `${groups.slice(0, from).join(":")}::${groups.slice(to).join(":")}`;
    for (const text of [groups.join(":"), shortened, groups.join(":").toUpperCase(), `::ffff:${[...bytes.subarray(0, 4)].join(".")}`, [...bytes.subarray(0, 4)].join(".")]) {
      const { kind, words } = callerAddress(text);
      assert.equal(kind, { 0: 0, 4: 1, 6: 2 }[isIP(text)], text);
      const written = Buffer.alloc(16);
      words.forEach((word, place) => written.writeUInt32BE(word, 4 * place));
      const canonical = kind === 1 ? [...written.subarray(0, 4)].join(".") : Array.from({ length: 8 }, (_, place) => written.readUInt16BE(2 * place).toString(16)).join(":");
      const list = new BlockList();
      list.addAddress(canonical, kind === 1 ? "ipv4" : "ipv6");
      assert.ok(list.check(text, kind === 1 ? "ipv4" : "ipv6"), `${text} is no ${canonical}`);
      read += 1;
    }
  }
  console.log(`${read} addresses`);
});

it("is not known where it is none", () => {
  for (const odd of [undefined, null, "", 5, {}, [], "localhost", "1.2.3", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "1.2.3.4 ", ":::", "1::2::3", "12345::", "::1%eth0", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::ffff:1.2.3", "::ffff:01.2.3.4", "1:2:3:4:5:6:7:8::", "[::1]", "::g"]) {
    assert.equal(callerAddress(odd).kind, 0, String(odd));
  }
});
