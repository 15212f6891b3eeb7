// Calls that no right key vouches for are counted by the address that they come from: whoever has more addresses has no more calls,
// and whoever has a right key is not held up by others' wrong ones.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { flipped, KeyText } from "./harness/key_text.mjs";
import { withinAMinute } from "./harness/minute.mjs";
import { Worker } from "./harness/worker.mjs";

const LIMIT = 5;
/** As `forged_credentials.rs` has it. */
const AT_ONCE = 8;
const MOST_WAITING = 512;
const LONGEST_WAIT_MS = 2_000;

describe("calls of the list", () => {
  let worker, part;

  before(async () => {
    worker = await Worker.start({ limit: LIMIT });
    await worker.administrator();
  });

  const get = async (address) => {
    const headers = address === undefined ? {} : { "CF-Connecting-IP": address };
    const { status } = await worker.client().get("/v1/list/1/head", { headers });
    assert.ok([200, 429].includes(status));
    return status;
  };
  /** How many calls are answered, with the addresses taken in turn. */
  const answered = async (...addresses) => {
    const statuses = [];
    for (let n = 0; n < LIMIT + 3; n++) statuses.push(await get(addresses[n % addresses.length]));
    const count = statuses.filter((status) => status === 200).length;
    assert.deepEqual(statuses.slice(0, count), Array(count).fill(200));
    return count;
  };
  // Other networks each time that a test is done again.
  const fresh = () => (part = (part ?? 0) + 1);

  withinAMinute("from one IPv4 address have one limit, in either spelling, and another address has its own", async () => {
    const n = fresh();
    assert.equal(await answered(`192.0.2.${n}`, `::ffff:192.0.2.${n}`, `::ffff:c000:2${n.toString(16).padStart(2, "0")}`), LIMIT);
    assert.equal(await get(`198.51.100.${n}`), 200);
  });

  withinAMinute("from one IPv6 network of 64 bits have one limit, and the next network has its own", async () => {
    const n = fresh().toString(16);
    assert.equal(await answered(`2001:db8:${n}:1::1`, `2001:db8:${n}:1:ffff::2`, `2001:DB8:${n}:1:1:2:3:4`), LIMIT);
    assert.equal(await get(`2001:db8:${n}:2::1`), 200);
  });

  withinAMinute("from nowhere that is known have one limit together", async () => {
    await worker.restart();
    assert.equal(await answered(undefined, "", "unknown", "192.0.2", "192.0.2.1, 192.0.2.2"), LIMIT);
  });
});

describe("forged credentials", () => {
  let worker, admin, forged, part = 0;

  before(async () => {
    worker = await Worker.start({ shim: true, limit: LIMIT });
    admin = await worker.administrator();
    const text = KeyText.parse(admin.credential);
    forged = worker.client(text.with({ tag: flipped(text.tag) }).text);
  });

  const fresh = () => ({ headers: { "CF-Connecting-IP": `203.0.113.${(part += 1)}` } });
  const shutOut = async (from, path = "/v1/audit") => {
    const answers = [];
    for (let n = 0; n < LIMIT + 1; n++) answers.push(await forged.get(path, from));
    assert.deepEqual(answers.map(({ status }) => status), [...Array(LIMIT).fill(401), 429]);
    assert.deepEqual([answers[LIMIT].json.code, answers[LIMIT].headers["retry-after"]], ["too_many_requests", "60"]);
  };

  withinAMinute("are 429 from the limit on, and the registry is not asked", async () => {
    const from = fresh();
    await shutOut(from);
    const before = await worker.shimCalls();
    for (const [method, path, body] of [["GET", "/v1/audit"], ["POST", "/v1/keys", {}], ["POST", "/v1/verify", "no JSON"], ["POST", "/v1/keys/key_0011223344556677/resume", {}], ["GET", "/v1/key-set"]]) {
      const answer = await forged.request(method, path, { ...from, body });
      assert.deepEqual([answer.status, answer.json.code], [429, "too_many_requests"], path);
    }
    assert.equal(await worker.shimCalls(), before);
    // Positive control: from elsewhere it is asked.
    assert.equal((await forged.get("/v1/audit", fresh())).status, 401);
    assert.equal((await worker.shimCalls()) - before, 1);
  });

  withinAMinute("hold up no key at the same address that the registry knows to be right", async () => {
    const from = fresh();
    const other = await admin.deputy(["keys:read"], ["api"]);
    await shutOut(from);
    for (let n = 0; n < LIMIT + 1; n++) assert.equal((await admin.get("/v1/audit", from)).status, 200);
    // One that this isolate has not seen waits, as the wrong ones do.
    assert.equal((await other.get("/v1/keys", from)).status, 429);
    assert.equal((await other.get("/v1/keys", fresh())).status, 200);
    assert.equal((await other.get("/v1/keys", from)).status, 200);
  });

  withinAMinute("keep nobody from ending or pausing a key whom the isolate has not seen", async () => {
    const from = fresh();
    const unseen = () => admin.deputy(["keys:read", "keys:revoke", "keys:suspend", "keys:rotate"], ["api"]);
    const made = async () => (await admin.create({})).json;
    const keys = await Promise.all([made(), made(), made(), made()]);
    const rotated = (await admin.post(`/v1/keys/${keys[2].key_id}/rotate`)).json;
    assert.equal(rotated.generations.length, 2);
    const deputies = await Promise.all([unseen(), unseen(), unseen(), unseen(), unseen()]);
    await shutOut(from);
    const [revoking, pausing, confirming, sweeping, held] = deputies;
    const status = async (answer) => (await answer).status;
    assert.equal(await status(revoking.post(`/v1/keys/${keys[0].key_id}/revoke`, {}, from)), 200);
    assert.equal(await status(pausing.post(`/v1/keys/${keys[1].key_id}/suspend`, {}, from)), 200);
    assert.equal(await status(confirming.post(`/v1/keys/${keys[2].key_id}/confirm`, undefined, from)), 200);
    assert.equal(await status(sweeping.post("/v1/revocations", { select: { subject: { subject: "svc:nobody", audience: "api" } } }, from)), 200);
    assert.equal(await status(worker.client(keys[3].key).post("/v1/revoke-self", {}, from)), 200);
    // Forged ones are not accepted there either, however many there are.
    for (let n = 0; n < LIMIT + 1; n++) assert.equal(await status(forged.post(`/v1/keys/${keys[0].key_id}/revoke`, {}, from)), 401);
    // Control: for anything else the address is shut out.
    assert.equal(await status(held.get("/v1/keys", from)), 429);
  });

  withinAMinute("are looked at a few at a time, however many come at once", async () => {
    const from = fresh();
    await worker.shim("slow");
    const before = await worker.shimCalls();
    const answers = await Promise.all(Array.from({ length: 80 }, () => forged.get("/v1/audit", from)));
    const calls = (await worker.shimCalls()) - before;
    await worker.shim("pass");
    const count = (wanted) => answers.filter(({ status }) => status === wanted).length;
    assert.deepEqual([count(401), count(429)], [LIMIT, 80 - LIMIT]);
    assert.ok(calls >= LIMIT && calls <= LIMIT + AT_ONCE, `${calls} calls`);
    console.log(`80 at once: ${calls} calls of the registry`);
  });

  withinAMinute("are looked at a few at a time also where they can be sent without end", async () => {
    await worker.shim("slow");
    const before = await worker.shimCalls();
    const from = fresh();
    const begun = Date.now();
    const answers = await Promise.all(Array.from({ length: 80 }, () => forged.post("/v1/revoke-self", {}, from)));
    const calls = (await worker.shimCalls()) - before;
    const waves = Math.ceil((Date.now() - begun) / 200) + 1;
    await worker.shim("pass");
    assert.ok(answers.every(({ status, json }) => status === 401 || json.code === "registry_busy"));
    assert.ok(calls <= AT_ONCE * waves, `${calls} calls in ${waves} waves`);
  });

  withinAMinute("wait only as far as there is room, and the others are told at once", async () => {
    await worker.shim("slow");
    const from = fresh();
    const answers = await Promise.all(Array.from({ length: AT_ONCE + MOST_WAITING + 80 }, async () => {
      const begun = Date.now();
      const answer = await forged.post("/v1/revoke-self", {}, from);
      return { answer, took: Date.now() - begun };
    }));
    await worker.shim("pass");
    const busy = answers.filter(({ answer }) => answer.status === 503);
    assert.ok(busy.every(({ answer }) => answer.json.code === "registry_busy" && answer.headers["retry-after"] === "1"));
    const atOnce = busy.filter(({ took }) => took < LONGEST_WAIT_MS).length;
    console.log(`${answers.length} at once: ${busy.length} are busy, ${atOnce} of them without having waited`);
    assert.ok(atOnce > 0 && atOnce < 80 + MOST_WAITING / 4);
  });

  it("do not hold up one good key that comes many times at once and that the isolate has not seen", async () => {
    const other = await admin.deputy(["keys:read"], ["api"]);
    await worker.shim("slow");
    const from = fresh();
    const answers = await Promise.all(Array.from({ length: 80 }, () => other.get("/v1/keys", from)));
    await worker.shim("pass");
    assert.ok(answers.every(({ status }) => status === 200));
  });

  it("are looked at a few at a time while the registry is busy or away, and then a good one waits for a second at most", async () => {
    for (const away of [() => worker.shimAnswers({ to: "list_keys", with: { Err: { error: "busy" } } }), () => worker.shim("fail")]) {
      const other = await admin.deputy(["keys:read"], ["api"]);
      const from = fresh();
      await away();
      const before = await worker.shimCalls();
      const answers = await Promise.all(Array.from({ length: 80 }, () => forged.get("/v1/keys", from)));
      const calls = (await worker.shimCalls()) - before;
      await worker.shimAnswers(null);
      await worker.shim("pass");
      assert.ok(answers.every(({ status }) => status === 503));
      // At once, and after each of the two seconds that they wait for.
      assert.ok(calls >= AT_ONCE && calls <= 3 * AT_ONCE, `${calls} calls`);
      assert.equal((await other.get("/v1/keys", from)).status, 200);
    }
  });

  withinAMinute("are the only ones that are counted", async () => {
    const from = fresh();
    const expiring = await admin.deputy(["keys:read"], ["api"]);
    assert.equal((await admin.revoke(expiring.keyId)).status, 200);
    for (let n = 0; n < LIMIT + 1; n++) {
      // Right; right and dead; right and not allowed; not even well-formed; none.
      assert.equal((await admin.get("/v1/audit", from)).status, 200);
      assert.deepEqual((await expiring.get("/v1/keys", from)).json.code, "revoked");
      assert.equal((await admin.create({ scopes: ["reports:fly"] })).status, 400);
      assert.equal((await worker.client(`${admin.credential}x`).get("/v1/audit", from)).status, 401);
      assert.equal((await worker.client().get("/v1/audit", from)).status, 401);
    }
    await shutOut(from);
  });

  it("are judged by nobody in a deployment without the limit's binding, nor are right ones", async () => {
    const bare = await Worker.start({ without: ["PUBLIC_LIMIT"] });
    const made = await bare.client(bare.token).post("/v1/bootstrap", { subject: "ops:ada", policy: (await admin.get("/v1/policy")).json });
    const answer = await bare.client(made.json.key).get("/v1/audit");
    assert.deepEqual([answer.status, answer.json.code], [500, "misconfigured"]);
  });
});

describe("credentials", () => {
  const from = { headers: { "CF-Connecting-IP": "203.0.113.9" } };
  const statuses = async (client, calls = LIMIT + 2) => {
    const all = [];
    for (let n = 0; n < calls; n++) all.push((await client.get("/v1/audit", from)).status);
    return all;
  };
  let worker, admin;

  const start = async () => {
    worker = await Worker.start({ limit: LIMIT });
    admin = await worker.administrator();
  };
  /** So that nothing is known of any credential. */
  const forget = () => worker.restart();

  withinAMinute("of a tenant that there is not keep nobody from another one", async () => {
    await start();
    const text = KeyText.parse(admin.credential);
    const foreign = worker.client(text.with({ base: { tenant: 9 } }).text);
    await forget();
    assert.deepEqual(await statuses(foreign), [...Array(LIMIT).fill(401), 429, 429]);
    assert.deepEqual(await statuses(admin, 1), [200]);
  });

  withinAMinute("whose signing key has gone are no forgeries, and shut nobody out", async () => {
    await start();
    const compromised = { compromised: true, force: true };
    assert.equal((await admin.post("/v1/signing-keys/wardkey/rotate", compromised)).status, 200);
    const saved = await worker.recovered("ops:bea");
    assert.deepEqual(await statuses(admin), Array(LIMIT + 2).fill(401));
    const again = worker.client(KeyText.parse(admin.credential).with({ tag: flipped(KeyText.parse(admin.credential).tag) }).text);
    // No answer tells one from the other.
    const [gone, forged] = [await admin.get("/v1/audit", from), await again.get("/v1/audit", from)];
    assert.equal(gone.likeness, forged.likeness);
    assert.deepEqual(await statuses(saved, 1), [200]);
    assert.deepEqual((await statuses(again, LIMIT)).at(-1), 429);
  });

  withinAMinute("of a tenant that was destroyed are no forgeries", async () => {
    await start();
    assert.equal((await admin.post("/v1/tenant/destroy", { confirm: 1 })).status, 200);
    await forget();
    assert.deepEqual(await statuses(admin), Array(LIMIT + 2).fill(401));
  });
});
