// By when a holder needs the next key, as the registry says it of a strict call: in the decision, and in the header of the answer.

import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";

import { createVerifier } from "../../crates/js/js/index.mjs";
import { wardkeyFetch } from "../../crates/js/js/holder/index.mjs";
import { protect } from "../../crates/js/js/middleware/fetch.mjs";
import { wardkey as forExpress } from "../../crates/js/js/middleware/express.mjs";
import { wardkey as forHono } from "../../crates/js/js/middleware/hono.mjs";
import { MemoryRegistry } from "../harness/memory_registry.mjs";

const ROTATE_BY = 1_800_003_600;
const DATE = new Date(1_000 * ROTATE_BY);

let registry, key, verifier;
beforeEach(async () => {
  registry = new MemoryRegistry();
  ({ key } = registry);
  registry.verdict.rotate_by = ROTATE_BY;
  verifier = await createVerifier(registry.options());
});
const asked = () => new Request("https://api.test/", { headers: { Authorization: `Bearer ${key}` } });

describe("when a key is retired", () => {
  it("is a second of the decision, where the registry was asked and has said one", async () => {
    const rotateBy = async (scope) => (await verifier.verify(key, scope)).rotateBy;
    assert.deepEqual([await rotateBy("invoice:void"), await rotateBy("invoice:read")], [ROTATE_BY, undefined]);
    assert.equal(JSON.parse(JSON.stringify(await verifier.verify(key, "invoice:void"))).rotateBy, ROTATE_BY);
    for (const none of [undefined, null, "1800003600", -1, 1.5, 2 ** 32, NaN]) {
      registry.verdict.rotate_by = none;
      const decision = await verifier.verify(key, "invoice:void");
      assert.deepEqual([decision.allowed, decision.rotateBy], [true, undefined], String(none));
    }
  });

  it("is in the header of a handler's response, a copy where it cannot be changed, and reaches the holder", async () => {
    const fixed = await fetch("data:text/plain,open").catch(() => Response.error());
    for (const [response, copied] of [[new Response("open", { status: 201 }), false], [fixed, fixed.ok]]) {
      const answer = await protect(verifier, "invoice:void", () => response)(asked());
      assert.equal(answer.status, response.status);
      if (response.ok) assert.deepEqual([answer.headers.get("Wardkey-Rotate-By"), await answer.text()], [DATE.toUTCString(), "open"]);
      if (!copied && response.ok) assert.equal(answer, response);
    }
    assert.equal((await protect(verifier, "invoice:read", () => new Response("open"))(asked())).headers.get("Wardkey-Rotate-By"), null);
    const told = [];
    const handler = protect(verifier, "invoice:void", () => new Response("open"));
    await wardkeyFetch({ key, origins: ["https://api.test"], onRotateBy: (date) => told.push(date), fetch: handler })("https://api.test/");
    assert.deepEqual(told.map((date) => date.getTime()), [DATE.getTime()]);
    assert.equal(await protect(verifier, "invoice:void", () => undefined)(asked()), undefined, "what is no response is the handler's affair");
  });

  it("is in the header of Node's and Hono's answers", async () => {
    const headers = {};
    const res = { headersSent: false, setHeader: (name, value) => (headers[name] = value) };
    const ask = (to) => new Promise((next) => forExpress(verifier, "invoice:void")({ url: "/", headers: { authorization: `Bearer ${key}` } }, to, next));
    await ask(res);
    assert.deepEqual(headers, { "Wardkey-Rotate-By": DATE.toUTCString() });
    await ask({ headersSent: true, setHeader: () => assert.fail("sent already") });
    const order = [];
    await forHono(verifier, "invoice:void")({ req: { raw: asked() }, set() {}, header: (...told) => order.push(told) }, async () => order.push("handled"));
    assert.deepEqual(order, ["handled", ["Wardkey-Rotate-By", DATE.toUTCString()]]);
  });
});
