// Every suite ends with a search for its own secrets in all that its worker leaves; here it is shown to find them.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";

import { eventually } from "./harness/client.mjs";
import { Worker } from "./harness/worker.mjs";

describe("the search at the end of every suite", () => {
  it("finds each secret, in each form, in each place, and fails the suite for it", async () => {
    const worker = await Worker.start({ planter: true });
    const admin = await worker.administrator();
    const inside = (encoding, before) => (secret) => Buffer.concat([randomBytes(before), Buffer.from(secret), randomBytes(2)]).toString(encoding);
    const forms = [(secret) => secret, ...["base64", "base64url"].flatMap((encoding) => [0, 1, 2].map((before) => inside(encoding, before)))];
    // A key for each form; the search calls keys by their order.
    const planted = [["root 1", forms[0](worker.root.slice(2))], ["token 1", inside("base64", 1)(worker.token)], ["key 0", admin.credential.slice(-30)]];
    for (const [n, form] of forms.entries()) planted.push([`key ${n + 1}`, form((await admin.create({})).json.key)]);
    await worker.published();
    assert.deepEqual(worker.leaks(), []);
    for (const [place, path] of Object.entries({ stdout: "in stdout", stderr: "in stderr", kv: "/kv/", sqlite: ".sqlite" })) {
      for (const [, text] of planted) await worker.plant(place, `planted: ${text}!`);
      const found = await eventually(`all of them in ${place}`, () => {
        const there = worker.leaks().filter((one) => one.includes(path));
        return planted.every(([name]) => there.some((one) => one.startsWith(`${name} `))) && there;
      });
      console.log(`${planted.length} planted in ${place}: ${found.length} found`);
    }
    await assert.rejects(worker.end(), /^Error: secrets where none may be: /);
  });
});
