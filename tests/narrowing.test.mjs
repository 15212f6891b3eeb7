// Whoever holds a key may take away from it, offline; what is left can be verified and cannot act.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { ACTS, attempt } from "./authorization/cells.mjs";
import { KeyText } from "./harness/key_text.mjs";
import { POLICY } from "./harness/policies.mjs";
import { Worker } from "./harness/worker.mjs";

/** Fields of a block: only these scope numbers (below 8), dead from a second on, only from 10.0.0.0/8. */
const scopes = (...numbers) => [1, 1, numbers.reduce((bits, number) => bits | (1 << number), 0)];
const second = (type, time) => [type, 4, ...Buffer.from(new Uint32Array([time]).buffer).reverse()];
const until = (time) => second(2, time);
const from = (time) => second(3, time);
const TEN = [4, 6, 4, 8, 10, 0, 0, 0];

describe("a narrowed key", () => {
  let worker, admin, made, key, now;

  before(async () => {
    worker = await Worker.start();
    admin = await worker.administrator();
    made = (await admin.create({ scopes: ["reports:read", "reports:write"] })).json;
    key = KeyText.parse(made.key);
    now = Math.floor(Date.now() / 1000);
  });

  const decision = async (text, request) => {
    const { status, json } = await admin.verify(text, request);
    assert.equal(status, 200);
    return json;
  };

  it("is allowed what is left, and the answer says so", async () => {
    assert.equal((await decision(made.key, { scopes: ["reports:write"] })).narrowed, false);
    const left = await decision(key.narrowed(scopes(0), until(now + 60)).text);
    assert.deepEqual(
      [left.decision, left.narrowed, left.scopes, left.expires_at, left.key_id],
      ["allow", true, ["reports:read"], now + 60, made.key_id],
    );
  });

  it("is told what was taken away, what was never there, and when", async () => {
    const deny = (status, reason) => ({ decision: "deny", status, reason });
    const cases = [
      [key.narrowed(scopes(0)), { scopes: ["reports:write"] }, deny(403, "narrowed")],
      [key.narrowed(scopes(1)), {}, deny(403, "narrowed")],
      [key.narrowed(scopes(0)), { scopes: ["reports:purge"] }, deny(403, "scope_missing")],
      [key.narrowed(until(now)), {}, deny(401, "expired")],
      [key.narrowed(from(now + 600)), {}, deny(401, "not_yet_valid")],
      [key.narrowed(TEN), {}, deny(403, "address_not_allowed")],
      [key.narrowed(TEN), { address: "11.0.0.1" }, deny(403, "address_not_allowed")],
      // A block taken off again, and a block that nobody signed.
      [new KeyText(key.prefix, key.base, key.narrowed(scopes(0)).tag), {}, deny(401, "invalid_token")],
      [new KeyText(key.prefix, key.narrowed(scopes(0)).base, key.tag), {}, deny(401, "invalid_token")],
    ];
    for (const [narrowed, request, expected] of cases) {
      assert.deepEqual(await decision(narrowed.text, request), expected, JSON.stringify(request));
    }
    for (const address of ["10.1.2.3", "::ffff:10.1.2.3"]) {
      assert.equal((await decision(key.narrowed(TEN).text, { address })).decision, "allow", address);
    }
    for (const address of ["10.0.0", "", "localhost", "10.0.0.1/8", "10.1.2.3 ", "[::1]", "fe80::1%eth0"]) {
      const { status, json } = await admin.verify(made.key, { address });
      assert.deepEqual([status, json.code, json.field, json.detail], [400, "invalid_field", "address", "address: must be an IPv4 or IPv6 address"]);
    }
  });

  it("is asked about at the registry like the key that it came from, and dies with it", async () => {
    const narrowed = key.narrowed(scopes(0)).text;
    assert.equal((await decision(narrowed, { strict: true })).decision, "allow");
    await admin.revoke(made.key_id);
    assert.deepEqual(await decision(narrowed, { strict: true }), { decision: "deny", status: 401, reason: "revoked" });
  });

  it("of an administrator acts on no route, whatever it was narrowed to", async () => {
    const whole = KeyText.parse(admin.credential);
    const target = (await admin.create({})).json;
    const [before, start] = [(await admin.audit()).length, worker.standingBook()];
    const wanted = [];
    for (const narrowed of [whole.narrowed(until(now + 3_600)), whole.narrowed([1, 2, 0xff, 0x1f], TEN)]) {
      const client = worker.client(narrowed.text);
      for (const act of ACTS) {
        const answer = await attempt(client, act, target, POLICY);
        assert.deepEqual([answer.status, answer.json.code], [403, "narrowed_key"], act.name);
        assert.match(answer.headers["www-authenticate"], /error="insufficient_scope"/);
        wanted.push({ request_id: answer.requestId, action: act.action, target: act.kind === "key" ? target.key_id : null });
      }
      // What else is wrong with a request is not told to one who cannot act.
      for (const odd of [await client.post("/v1/keys", "{"), await client.get("/v1/audit?limit=0"), await client.request("PUT", "/v1/policy", { body: {} }), await client.read("nonsense")]) {
        assert.deepEqual([odd.status, odd.json.code], [403, "narrowed_key"]);
        wanted.push({ request_id: odd.requestId, action: "credential.judge", target: null });
      }
    }
    assert.ok(ACTS.length >= 22 && new Set(ACTS.map(({ route }) => route)).size >= 20, `${ACTS.length} acts`);
    // Each try is in the log, under the name of whose key was narrowed; nothing was done.
    const since = (await admin.audit()).slice(before);
    assert.deepEqual(since.map(({ request_id, action, target }) => ({ request_id, action, target })), wanted);
    for (const { outcome, reason, actor } of since) {
      assert.deepEqual([outcome, reason, actor.key_id], ["refused", "narrowed_key", target.issuer]);
    }
    assert.deepEqual(worker.standingBook(), start);
    // One that is dead by its own narrowing is refused like any other that has ended.
    const ended = await worker.client(whole.narrowed(until(now - 1)).text).get("/v1/audit");
    assert.deepEqual([ended.status, ended.json.code], [401, "expired"]);
    // Positive control: the whole one does act.
    assert.equal((await attempt(admin, ACTS.find(({ action }) => action === "key.update"), target, POLICY)).status, 200);
  });

  it("neither ends its key by being shown, nor is it a credential of a proxy's caller for more than is left", async () => {
    const { key: text, key_id } = (await admin.create({ scopes: ["reports:read", "reports:write"] })).json;
    const narrowed = worker.client(KeyText.parse(text).narrowed(scopes(0)).text);
    const shown = await narrowed.post("/v1/revoke-self", { reason: "found" });
    assert.deepEqual([shown.status, shown.json.code], [403, "narrowed_key"]);
    assert.equal((await admin.read(key_id)).json.generations[0].state, "pending");
    const proxied = (scope) => narrowed.get(`/v1/forward-auth/1/api?scope=${scope}`);
    assert.deepEqual([(await proxied("reports:read")).status, (await proxied("reports:write")).headers["wardkey-code"]], [200, "narrowed"]);
  });
});
