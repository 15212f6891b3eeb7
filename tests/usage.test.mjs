// What verifiers report comes back: counted once, by key, for whoever may read the key; and what it tells the registry.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { wardkeyFetch } from "../crates/js/js/holder/index.mjs";
import { eventually } from "./harness/client.mjs";
import { ask } from "./harness/forward_auth.mjs";
import { flipped } from "./harness/key_text.mjs";
import { RULED } from "./harness/policies.mjs";
import { entryOf, usageReport } from "./harness/usage_report.mjs";
import { bootstrapToken, Worker } from "./harness/worker.mjs";

const ABSENT = "key_0011223344556677";
/** Longer than the registry needs to be told of what was seen: a second, and the alarm's own time. */
const TOLD_MS = 2_500;

describe("usage", () => {
  let worker, admin, gateway, jobsGateway, made;

  before(async () => {
    worker = await Worker.start({ limit: 1_000_000 });
    admin = await worker.administrator({ policy: RULED });
    gateway = await admin.deputy(["verifier:key-set"], ["api"], { subject: "svc:gateway" });
    jobsGateway = await admin.deputy(["verifier:key-set"], ["jobs"], { subject: "svc:jobs-gateway" });
    made = (await admin.create({ scopes: ["reports:read", "reports:write"] })).json;
  });

  const send = async (report, client = gateway) => {
    const answer = await client.post("/v1/usage", report);
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  };
  const usageOf = async ({ key_id }, client = admin) => {
    const answer = await client.get(`/v1/keys/${key_id}/usage`);
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  };
  const logged = async (action, key_id) => (await admin.audit()).filter((entry) => entry.action === action && entry.target === key_id);

  it("that a verifier reports is told by outcome, scope, generation and verifier", async () => {
    const before = await usageOf(made);
    assert.deepEqual([before.first_used, before.last_used, before.never_used_scopes], [null, null, ["reports:read", "reports:write"]]);
    const report = usageReport([
      entryOf(made, { count: 5 }),
      entryOf(made, { count: 2, scopes: ["reports:write"], outcome: "address_not_allowed" }),
      entryOf(made, { outcome: "ask" }),
    ], { lost: 3 });
    assert.deepEqual(await send(report), { report_id: report.report_id, repeated: false, counted: 8, dropped: 0 });
    const last = report.entries[0].last;
    const usage = await usageOf(made);
    assert.deepEqual(usage.outcomes.map(({ outcome, count }) => [outcome, count]).sort(), [["address_not_allowed", 2], ["allow", 5], ["ask", 1]]);
    assert.deepEqual([usage.key_id, usage.audience, usage.first_used, usage.last_used], [made.key_id, "api", last, last]);
    assert.deepEqual(usage.verifiers, [{ name: "gateway-1", allowed: 5, denied: 2, first: last, last }]);
    assert.deepEqual(usage.generations, [{ number: 1, allowed: 5, denied: 2, first: last, last }]);
    assert.deepEqual(usage.scopes.map(({ name, allowed, denied }) => [name, allowed, denied]), [["reports:read", 5, 0], ["reports:write", 0, 2]]);
    assert.deepEqual([usage.never_used_scopes, usage.lost], [["reports:write"], { by_verifiers: 3, by_registry: 0 }]);
  });

  it("counts a report once, however often it comes and whatever dies in between", async () => {
    const key = (await admin.create({})).json;
    const report = usageReport([entryOf(key, { count: 4 })]);
    await send(report);
    assert.deepEqual(await send(report), { report_id: report.report_id, repeated: true, counted: 4, dropped: 0 });
    const counted = await usageOf(key);
    await worker.restart();
    assert.deepEqual(await usageOf(key), counted);
    await worker.kill();
    await worker.restart();
    assert.equal((await send(report)).repeated, true);
    assert.deepEqual(await usageOf(key), counted);
    // At once, too.
    const other = usageReport([entryOf(key, { count: 4 })]);
    const answers = await Promise.all(Array.from({ length: 8 }, () => send(other)));
    assert.equal(answers.filter(({ repeated }) => !repeated).length, 1);
    assert.equal((await usageOf(key)).outcomes[0].count, 8);
    // Another report under its name is none.
    const wrong = await gateway.post("/v1/usage", { ...report, lost: 1 });
    assert.deepEqual([wrong.status, wrong.json.code, wrong.json.field], [400, "invalid_field", "report_id"]);
  });

  it("is taken from a verifier of one audience alone, for that audience", async () => {
    const report = usageReport([entryOf(made)]);
    const refusals = [
      [worker.client(), 401, "credential_missing"],
      [worker.client(made.key), 401, "invalid_token"],
      [admin, 403, "forbidden_by_rule"],
      [await admin.deputy(["verifier:verify"], ["api"]), 403, "scope_missing"],
    ];
    for (const [client, status, code] of refusals) {
      const answer = await client.post("/v1/usage", report);
      assert.deepEqual([answer.status, answer.json.code], [status, code], answer.text);
      // Before it is told what else is wrong.
      assert.equal((await client.post("/v1/usage", "{")).json.code, code === "forbidden_by_rule" || code === "scope_missing" ? "invalid_body" : code);
    }
    for (const audience of ["jobs", "wardkey", "nowhere"]) {
      const answer = await gateway.post("/v1/usage", { ...report, audience });
      assert.deepEqual([answer.status, answer.json.code, answer.json.rule], [403, "forbidden_by_rule", "key_set_audience"], audience);
    }
    await send({ ...report, audience: "api" });
    const revoked = await admin.deputy(["verifier:key-set"], ["api"]);
    await admin.revoke(revoked.keyId, {});
    assert.equal((await revoked.post("/v1/usage", usageReport([entryOf(made)]))).json.code, "revoked");
  });

  it("of another audience's key or another tenant's is nothing about that key, and an alarm where it was reported", async () => {
    const key = (await admin.create({})).json;
    await send(usageReport([entryOf(key, { count: 9 })]), jobsGateway);
    assert.deepEqual((await usageOf(key)).outcomes, []);
    const [alarm] = await eventually("an alarm", async () => { const found = await logged("key.never_issued", key.key_id); return found.length && found; });
    assert.deepEqual([alarm.audience, alarm.outcome, alarm.actor, alarm.reason], [2, "alarm", null, `reported by gateway-1 (${jobsGateway.keyId})`]);
    assert.ok(worker.log.some((line) => line.includes("key.never_issued")));

    await worker.restart({ token: bootstrapToken({ tenant: 2 }) });
    const stranger = await worker.administrator({ policy: RULED, subject: "ops:stranger" });
    const strange = await stranger.deputy(["verifier:key-set"], ["api"], { subject: "svc:gateway" });
    await send(usageReport([entryOf(key, { count: 7 })]), strange);
    await eventually("an alarm", async () => (await stranger.audit()).some(({ action, target }) => action === "key.never_issued" && target === key.key_id));
    assert.deepEqual((await usageOf(key)).outcomes, []);
    const hidden = await stranger.get(`/v1/keys/${key.key_id}/usage`);
    assert.equal(hidden.likeness, (await stranger.get(`/v1/keys/${ABSENT}/usage`)).likeness);
    assert.equal(hidden.status, 404);
  });

  it("is told to whoever may read the key, and to nobody else", async () => {
    const reader = await admin.deputy(["keys:read"], ["api"]);
    assert.equal((await usageOf(made, reader)).key_id, made.key_id);
    const other = await admin.deputy(["keys:read"], ["jobs"]);
    assert.equal((await other.get(`/v1/keys/${made.key_id}/usage`)).status, 404);
    assert.equal((await gateway.get(`/v1/keys/${made.key_id}/usage`)).json.code, "scope_missing");
    assert.equal((await worker.client().get(`/v1/keys/${made.key_id}/usage`)).status, 401);
  });

  it("that is too long, of another shape or not of its time is refused, and nothing of it is counted", async () => {
    const key = (await admin.create({})).json;
    const good = usageReport([entryOf(key)]);
    const now = good.period.until;
    const cases = {
      body_too_large: [413, " ".repeat(65_537)],
      invalid_body: [400, { ...good, colour: "red" }],
      "invalid_body ": [400, { ...good, entries: [{ ...good.entries[0], subject: "svc:billing" }] }],
      "invalid_body  ": [400, { ...good, lost: -1 }],
      "entries[0].outcome": [400, { ...good, entries: [entryOf(key, { outcome: "bad_tag" })] }],
      "entries[0].count": [400, { ...good, entries: [entryOf(key, { count: 2_000_000_000 })] }],
      "entries[0].key_id": [400, { ...good, entries: [{ ...good.entries[0], key_id: key.key }] }],
      "verifier ": [400, { ...good, verifier: "forward-auth" }],
      "verifier": [400, { ...good, verifier: key.key }],
      "report_id": [400, { ...good, report_id: key.key }],
      "period": [400, { ...good, period: { from: now + 3_000, until: now + 3_600 } }],
    };
    for (const [what, [status, body]] of Object.entries(cases)) {
      const answer = await gateway.post("/v1/usage", body);
      assert.equal(answer.status, status, `${what}: ${answer.text}`);
      assert.ok([answer.json.code, answer.json.field].includes(what.trim()), `${what}: ${answer.text}`);
      assert.ok(!answer.text.includes(key.key));
    }
    assert.equal((await gateway.request("POST", "/v1/usage", { body: JSON.stringify(good), headers: { "Content-Type": "text/plain" } })).status, 415);
    assert.deepEqual((await usageOf(key)).outcomes, []);
    const full = Array.from({ length: 256 }, () => entryOf(key));
    assert.equal((await send(usageReport(full))).counted, 256);
  });

  it("of a dead key is in the log once, and of a living one never", async () => {
    const key = (await admin.create({})).json;
    await send(usageReport([entryOf(key), entryOf(key, { outcome: "expired" })]));
    await sleep(TOLD_MS);
    assert.deepEqual(await logged("key.late_use", key.key_id), []);
    await admin.revoke(key.key_id, { reason: "left on a train" });
    for (let round = 0; round < 3; round += 1) await send(usageReport([entryOf(key, { outcome: "inactive", count: 100 })]));
    const other = (await admin.create({})).json;
    await admin.revoke(other.key_id, {});
    for (let round = 0; round < 3; round += 1) await send(usageReport([entryOf(other, { outcome: "inactive", count: 100 })]));
    // A narrowing of the first one had expired while it lived.
    await eventually("an entry", async () => (await logged("key.late_use", key.key_id)).length === 1);
    const [entry] = await eventually("an entry", async () => { const found = await logged("key.late_use", other.key_id); return found.length && found; });
    assert.deepEqual([entry.audience, entry.outcome, entry.actor], [1, "refused", null]);
    assert.equal(entry.reason, `revoked: denied as inactive by gateway-1 (${gateway.keyId})`);
    await worker.restart();
    await send(usageReport([entryOf(other, { outcome: "revoked" })]));
    await sleep(TOLD_MS);
    assert.equal((await logged("key.late_use", other.key_id)).length, 1);
    assert.equal((await usageOf(other)).outcomes.reduce((sum, { count }) => sum + count, 0), 301);
  });

  it("ends that a lost key is given again", async () => {
    const [kept, seen] = ["kept", "seen"].map((idempotencyKey) => ({ idempotencyKey }));
    const [first] = [(await admin.create({}, seen)).json, await admin.create({}, kept)];
    await send(usageReport([entryOf(first)]));
    await eventually("no second gift", async () => (await admin.create({}, seen)).json.key === undefined);
    assert.equal((await admin.create({}, seen)).json.key_id, first.key_id);
    assert.ok((await admin.create({}, kept)).json.key);
  });
});

/** Longer than an isolate waits before it tells what it decided, and what it does when it was not taken. */
const COUNTED_MS = 20_000;

describe("usage of what the Worker decides itself", () => {
  const route = (query) => `/v1/forward-auth/1/api?${query}`;
  const READ = route("scope=reports:read");
  let worker, admin;

  before(async () => {
    worker = await Worker.start({ limit: 1_000_000 });
    admin = await worker.administrator({ policy: RULED });
  });

  const usageOf = async ({ key_id }) => (await admin.get(`/v1/keys/${key_id}/usage`)).json;
  const decided = ({ outcomes }) => outcomes.reduce((sum, { count }) => sum + count, 0);
  const counted = (key, count) =>
    eventually(`${count} decisions`, async () => {
      const usage = await usageOf(key);
      return decided(usage) >= count && usage;
    }, COUNTED_MS);

  it("is each decision of forward auth about an authentic key, once, and of no other text", async () => {
    const key = (await admin.create({ scopes: ["reports:read", "reports:write", "reports:purge"] })).json;
    const calls = [...Array(40).fill(READ), ...Array(3).fill(route("scope=reports:export")), ...Array(2).fill(route("scope=reports:purge&scope=reports:read"))];
    await Promise.all(calls.map((each) => ask(worker, key.key, { route: each })));
    for (const text of [flipped(key.key), "wk_test_nonsense", undefined]) assert.equal((await ask(worker, text)).status, 401);
    assert.equal((await ask(worker, key.key, { route: route("scope=reports:fly") })).status, 400);
    assert.equal(decided(await usageOf(key)), 0, "no request a call");
    const usage = await counted(key, 45);
    assert.deepEqual(usage.outcomes.map(({ outcome, count }) => [outcome, count]).sort(), [["allow", 42], ["scope_missing", 3]]);
    assert.deepEqual(usage.verifiers.map(({ name, allowed, denied }) => [name, allowed, denied]), [["forward-auth", 42, 3]]);
    const scopes = usage.scopes.map(({ name, allowed, denied }) => [name, allowed, denied]).sort();
    assert.deepEqual(scopes, [["reports:export", 0, 3], ["reports:purge", 2, 0], ["reports:read", 42, 0]]);
    assert.deepEqual([usage.never_used_scopes, usage.lost], [["reports:write"], { by_verifiers: 0, by_registry: 0 }]);
    await ask(worker, key.key);
    await counted(key, 46);
    assert.equal(decided(await usageOf(key)), 46);
    const log = await admin.audit();
    assert.deepEqual(log.filter(({ action }) => action === "key.never_issued" || action === "key.late_use"), []);
  });

  it("is each decision of `verify` for a credential that could not report it, and of no other", async () => {
    const key = (await admin.create({})).json;
    const legacy = await admin.deputy(["verifier:verify"], ["api"], { subject: "svc:legacy" });
    const gateway = await admin.deputy(["verifier:key-set", "verifier:verify"], ["api"], { subject: "svc:gateway" });
    for (const client of [legacy, gateway]) {
      for (let call = 0; call < 3; call += 1) {
        assert.equal((await client.post("/v1/verify", { key: key.key, scopes: ["reports:read"] })).json.decision, "allow");
      }
    }
    await counted(key, 3);
    await ask(worker, key.key);
    const usage = await counted(key, 4);
    assert.deepEqual(usage.verifiers.map(({ name, allowed }) => [name, allowed]).sort(), [["forward-auth", 1], ["svc:legacy", 3]]);
  });

  it("makes a dead key that is shown a late use, and ends an overlap that no registry call would", async () => {
    const key = (await admin.create({})).json;
    const next = (await admin.post(`/v1/keys/${key.key_id}/rotate`, { overlap_s: 3_600 })).json;
    assert.equal((await ask(worker, next.key)).status, 200);
    const states = async () => (await admin.get(`/v1/keys/${key.key_id}`)).json.generations.map(({ state }) => state);
    await eventually("the overlap begins", async () => (await states())[0] === "retiring", COUNTED_MS);
    await admin.revoke(key.key_id, {});
    await eventually("it is denied", async () => (await ask(worker, next.key)).status === 401, 10_000);
    const late = () => admin.audit().then((log) => log.find(({ action, target }) => action === "key.late_use" && target === key.key_id));
    const entry = await eventually("an entry", late, COUNTED_MS);
    assert.equal(entry.reason, "revoked: denied as inactive by forward-auth (worker)");
  });

  it("changes no answer and holds none up where it cannot be told", async () => {
    const key = (await admin.create({})).json;
    await worker.restart({ without: ["USAGE"] });
    const timed = async () => {
      const began = Date.now();
      const answers = [await ask(worker, key.key), await ask(worker, key.key, { route: route("scope=reports:export") }), await ask(worker, flipped(key.key))];
      return [answers.map(({ status }) => status), Date.now() - began];
    };
    for (let round = 0; round < 12; round += 1) {
      const [statuses, took] = await timed();
      assert.deepEqual(statuses, [200, 403, 401]);
      assert.ok(took < 2_000, `${took} ms`);
      await sleep(1_000);
    }
    assert.ok(worker.log.some((line) => line.includes("is not counted yet")), "it was tried");
    await worker.restart({ without: [] });
  });
});

describe("by when to have the next key", () => {
  const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
  const STRICT = "/v1/forward-auth/1/api?scope=reports:read&strict=true";
  let worker, admin;

  before(async () => {
    worker = await Worker.start({ limit: 1_000_000 });
    admin = await worker.administrator({ policy: RULED });
  });

  /** Rotates a key whose next generation is seen at once; answers the next one and when the old one is retired, in milliseconds. */
  const rotated = async (key_id, use) => {
    const next = (await admin.post(`/v1/keys/${key_id}/rotate`, { overlap_s: 3_600 })).json;
    await use(next.key);
    const { generations } = (await admin.get(`/v1/keys/${key_id}`)).json;
    return [next.key, Math.floor(generations[0].retire_at_ms / 1_000) * 1_000];
  };

  it("is told to the holder of a key by forward auth, once its successor was seen", async () => {
    const key = (await admin.create({})).json;
    const told = [];
    const call = (text) => wardkeyFetch({ key: text, origins: [worker.url], onRotateBy: (date) => told.push(date.getTime()) });
    const old = call(key.key);
    assert.equal((await old(`${worker.url}${STRICT}`)).status, 200);
    assert.deepEqual(told, []);
    const [next, deadline] = await rotated(key.key_id, (text) => ask(worker, text, { route: STRICT }));
    for (let calls = 0; calls < 3; calls += 1) {
      const response = await old(`${worker.url}${STRICT}`);
      assert.match(response.headers.get("wardkey-rotate-by"), HTTP_DATE);
    }
    assert.deepEqual(told, [deadline]);
    // Whoever has the next one has nothing to do, and without the registry nobody knows.
    for (const [text, route] of [[next, STRICT], [key.key, STRICT.replace("&strict=true", "")], [key.key, STRICT.replace("reports:read", "reports:export")]]) {
      assert.equal((await ask(worker, text, { route })).headers["wardkey-rotate-by"], undefined);
    }
    // A verifier is told of the key that it asks about, and not of its own.
    const verifier = await admin.deputy(["verifier:verify"], ["api"]);
    const question = (text, strict) => verifier.post("/v1/verify", { key: text, scopes: ["reports:read"], strict });
    const answer = await question(key.key, true);
    assert.deepEqual([answer.json.rotate_by, answer.headers["wardkey-rotate-by"]], [deadline / 1_000, undefined]);
    assert.equal((await question(next, true)).json.rotate_by, undefined);
    assert.equal((await question(key.key, false)).json.rotate_by, undefined);
  });

  it("is told to the holder of an administration key by what it asks, and to nobody else", async () => {
    const deputy = await admin.deputy(["keys:read"], ["api"]);
    const [next, deadline] = await rotated(deputy.keyId, (text) => worker.client(text).get("/v1/keys"));
    const old = await deputy.get("/v1/keys");
    assert.equal(Date.parse(old.headers["wardkey-rotate-by"]), deadline);
    for (const client of [admin, worker.client(next), worker.client(), worker.client(flipped(next))]) {
      assert.equal((await client.get("/v1/keys")).headers["wardkey-rotate-by"], undefined);
    }
    // What it may not do is refused without a word of it.
    const refused = await deputy.post("/v1/keys", { subject: "svc:a", audience: "api", scopes: ["reports:read"], expires_in: 3_600 });
    assert.deepEqual([refused.status, refused.headers["wardkey-rotate-by"]], [403, undefined]);
  });
});
