// One head a second for all isolates of a data centre, and no revoked key that lives longer for it.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, it } from "node:test";

import { Response } from "miniflare";

import { Worker } from "./harness/worker.mjs";

const HEAD = "/v1/list/1/head";
const CALLS = 20;

describe("the data centre's cache in front of the registry", () => {
  it("asks it for one head a second at most; without the cache each call asks", async () => {
    for (const cache of [true, false]) {
      const worker = await Worker.start({ shim: true, cache });
      await worker.administrator();
      const [before, began] = [await worker.shimCalls(), performance.now()];
      for (let n = 0; n < CALLS; n++) assert.equal((await worker.client().get(HEAD)).status, 200);
      const asked = (await worker.shimCalls()) - before;
      const seconds = (performance.now() - began) / 1_000;
      if (cache) assert.ok(asked >= 1 && asked <= 1 + seconds, `${asked} questions in ${seconds} s`);
      else assert.equal(asked, CALLS);
    }
  });

  it("gives isolates their lists, and a revoked key is dead within the bound from the answer on", async () => {
    const worker = await Worker.start({ shim: true, cache: true });
    const admin = await worker.administrator();
    const { key, key_id: keyId } = (await admin.create({})).json;
    // Whenever the isolate refreshes there is a head in the cache that somebody else's call has brought.
    let polls = true;
    const polling = (async () => {
      while (polls) {
        await worker.client().get(HEAD);
        await sleep(200);
      }
    })();
    try {
      assert.equal((await admin.verify(key)).json.decision, "allow");
      const { bound } = (await admin.revoke(keyId)).json;
      const until = performance.now() + bound.typical_ms;
      let sequence = 0;
      while (performance.now() < until) {
        const { decision, list } = (await admin.verify(key)).json;
        if (decision !== "allow") break;
        assert.ok(list.age_ms <= bound.typical_ms && list.sequence >= sequence, JSON.stringify(list));
        sequence = list.sequence;
        await sleep(100);
      }
      await sleep(Math.max(0, until - performance.now()));
      const { decision, reason } = (await admin.verify(key)).json;
      assert.deepEqual([decision, reason], ["deny", "inactive"]);
    } finally {
      polls = false;
      await polling;
    }
  });

  it("is ignored where it holds what is no head of this deployment, or one from longer ago, and the registry is asked", async () => {
    const worker = await Worker.start({ cache: true });
    const admin = await worker.administrator();
    const other = await Worker.start();
    await other.administrator();
    const { key } = (await admin.create({})).json;
    const cache = await worker.cache();
    const foreign = (await other.client().get(HEAD)).bytes;
    const put = (bytes, keptAt) =>
      cache.put(new URL(HEAD, worker.url).href, new Response(bytes, { headers: { "Cache-Control": "public, max-age=3600", "Wardkey-Kept-At": `${keptAt}` } }));
    for (const bytes of [Buffer.from("no head"), foreign]) {
      // An hour ahead, so that it counts as recent whenever it is looked at.
      await put(bytes, Date.now() + 3_600_000);
      // Control: it lies where the Worker looks.
      assert.deepEqual((await worker.client().get(HEAD)).bytes, bytes);
      await sleep(5_100);
      const { decision, list } = (await admin.verify(key)).json;
      assert.deepEqual([decision, list.zone], ["allow", "fresh"]);
      assert.ok(list.age_ms < 5_000);
    }
    // Nor is one given away that the cache has kept for longer than it was told.
    await put(foreign, Date.now() - 2_001);
    assert.notDeepEqual((await worker.client().get(HEAD)).bytes, foreign);
  });
});
