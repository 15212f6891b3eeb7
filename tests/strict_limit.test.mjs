// Strict calls are limited by the key, and only whoever holds it can use its limit up.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { flipped, KeyText } from "./harness/key_text.mjs";
import { withinAMinute } from "./harness/minute.mjs";
import { Worker } from "./harness/worker.mjs";

const LIMIT = 5;
const STRICT = { scopes: ["reports:purge"] };
const OVER = { decision: "deny", status: 429, reason: "too_many_strict_calls", retry_after_s: 60 };

describe("strict calls about one key", () => {
  let worker, admin, verifier;

  before(async () => {
    worker = await Worker.start({ shim: true, strictLimit: LIMIT });
    admin = await worker.administrator();
    verifier = await admin.deputy(["verifier:verify"], ["api"]);
  });

  const made = async (request) => (await admin.create({ scopes: ["reports:read", "reports:purge"], ...request })).json;
  /** How many of some calls are allowed before the first that is not; every further one must be refused alike. */
  async function allowed(key) {
    const answers = [];
    for (let n = 0; n < LIMIT + 3; n++) answers.push((await verifier.verify(key, STRICT)).json);
    const count = answers.findIndex(({ decision }) => decision !== "allow");
    for (const answer of answers.slice(count)) assert.deepEqual(answer, OVER);
    return count;
  }

  withinAMinute("are denied with 429 from the limit on, and the registry is not asked", async () => {
    const { key } = await made();
    assert.equal(await allowed(key), LIMIT);
    const before = await worker.shimCalls();
    assert.deepEqual((await verifier.verify(key, STRICT)).json, OVER);
    // The verifier itself was admitted, and that is all.
    assert.equal((await worker.shimCalls()) - before, 1);
  });

  withinAMinute("take nothing from other keys, nor from what is judged by the list", async () => {
    const [first, second] = [await made(), await made()];
    assert.equal(await allowed(first.key), LIMIT);
    assert.equal((await verifier.verify(first.key)).json.decision, "allow");
    assert.equal(await allowed(second.key), LIMIT);
  });

  withinAMinute("are counted for none that is forged, nor for what is denied without the registry", async () => {
    const { key, key_id } = await made({ constraints: { networks: ["192.0.2.0/24"] } });
    const text = KeyText.parse(key);
    const address = "192.0.2.1";
    const askedWrongly = [
      [text.with({ tag: flipped(text.tag) }).text, STRICT, "invalid_token"],
      [text.with({ base: { statusIndex: 8 } }).text, STRICT, "invalid_token"],
      [key.slice(0, -1), STRICT, "invalid_token"],
      [key, { ...STRICT, address: "198.51.100.1" }, "address_not_allowed"],
      [key, { ...STRICT, scopes: ["reports:export", "reports:purge"], address }, "scope_missing"],
    ];
    for (let n = 0; n < LIMIT + 1; n++) {
      for (const [wrong, request, reason] of askedWrongly) {
        const { json } = await verifier.verify(wrong, request);
        assert.deepEqual([json.decision, json.reason], ["deny", reason]);
      }
    }
    // Positive control: the right key has all its calls left, and its narrowed copies use them up with it.
    assert.equal(text.base.subarray(5, 13).toString("hex"), key_id.slice(4));
    const soon = Math.floor(Date.now() / 1000) + 600;
    const narrowed = text.narrowed([2, 4, ...Buffer.from(soon.toString(16).padStart(8, "0"), "hex")]).text;
    for (let n = 0; n < LIMIT; n++) {
      const { json } = await verifier.verify(n % 2 ? key : narrowed, { ...STRICT, address });
      assert.equal(json.decision, "allow", JSON.stringify(json));
    }
    for (const one of [key, narrowed]) assert.deepEqual((await verifier.verify(one, { ...STRICT, address })).json, OVER);
  });

  withinAMinute("are 429 with Retry-After for a proxy, with the stable code", async () => {
    const { key } = await made();
    const ask = () => worker.client(key).get("/v1/forward-auth/1/api?scope=reports:purge");
    for (let n = 0; n < LIMIT; n++) assert.equal((await ask()).status, 200);
    const over = await ask();
    assert.deepEqual([over.status, over.json.code, over.headers["wardkey-code"]], [429, "too_many_strict_calls", "too_many_strict_calls"]);
    assert.equal(over.headers["retry-after"], "60");
    assert.equal(over.headers["www-authenticate"], undefined);
    assert.equal(over.headers["wardkey-subject"], undefined);
    // What its list decides goes on.
    assert.equal((await worker.client(key).get("/v1/forward-auth/1/api?scope=reports:read")).status, 200);
  });

  withinAMinute("are still denied for what they are once the key is dead", async () => {
    const { key, key_id } = await made();
    assert.equal(await allowed(key), LIMIT);
    assert.equal((await admin.revoke(key_id)).status, 200);
    const { json } = await verifier.verify(key, STRICT);
    assert.equal(json.decision, "deny");
  });
});

describe("a deployment without the limit's binding", () => {
  it("asks nothing and allows nothing", async () => {
    const worker = await Worker.start({ without: ["STRICT_LIMIT"] });
    const admin = await worker.administrator();
    const { key } = (await admin.create({ scopes: ["reports:read", "reports:purge"] })).json;
    const strict = await admin.verify(key, STRICT);
    assert.deepEqual([strict.status, strict.json.code], [500, "misconfigured"]);
    // Control: what needs no such call is answered.
    assert.equal((await admin.verify(key)).json.decision, "allow");
  });
});
