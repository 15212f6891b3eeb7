// The life of a key between its making and its end, as its owner leads it over HTTP.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { eventually } from "./harness/client.mjs";
import { Worker } from "./harness/worker.mjs";

describe("a key's owner", () => {
  let worker, admin;

  before(async () => {
    worker = await Worker.start();
    admin = await worker.administrator();
  });

  const act = (keyId, what, body, headers) => admin.post(`/v1/keys/${keyId}/${what}`, body, { headers });
  const word = async (key, scopes = ["reports:read"]) => {
    const { json } = await admin.verify(key, { scopes });
    return json.reason ?? json.decision;
  };
  const states = ({ json }) => json.generations.map(({ state }) => state);

  it("rotates it: both generations verify until the new one is confirmed, then the old one dies within the bound", async () => {
    const first = await admin.create({});
    const rotated = await act(first.json.key_id, "rotate", { expires_in: 7200 }, { "Idempotency-Key": "r1" });
    assert.equal(rotated.status, 201, rotated.text);
    assert.equal(rotated.json.key_id, first.json.key_id);
    assert.notEqual(rotated.json.key, first.json.key);
    assert.equal(rotated.headers["cache-control"], "no-store");
    const again = await act(first.json.key_id, "rotate", { expires_in: 7200 }, { "Idempotency-Key": "r1" });
    assert.deepEqual([again.status, again.json.key], [200, rotated.json.key]);
    assert.deepEqual([await word(first.json.key), await word(rotated.json.key)], ["allow", "allow"]);
    const third = await act(first.json.key_id, "rotate", {});
    assert.deepEqual([third.status, third.json.code], [409, "rotation_in_progress"]);
    const confirmed = await act(first.json.key_id, "confirm");
    assert.deepEqual([confirmed.status, states(confirmed)], [200, ["retired", "active"]], confirmed.text);
    assert.equal(confirmed.json.bound.typical_ms, 5_000);
    assert.ok(confirmed.json.list_sequence > 1_700_000_000_000);
    await eventually("the old generation is dead", async () => (await word(first.json.key)) === "inactive", 6_000);
    assert.equal(await word(rotated.json.key), "allow");
    assert.equal(await word(first.json.key, ["reports:purge"]), "inactive");
    // Asked strictly, the registry says why.
    const strict = await admin.verify(first.json.key, { strict: true });
    assert.equal(strict.json.status, 401);
  });

  it("suspends and resumes it", async () => {
    const { json: made } = await admin.create({ scopes: ["reports:read", "reports:purge"] });
    const suspended = await act(made.key_id, "suspend", { reason: "holidays" });
    assert.deepEqual([suspended.status, suspended.json.suspended], [200, true], suspended.text);
    assert.equal(suspended.json.bound.typical_ms, 5_000);
    assert.match(await word(made.key, ["reports:purge"]), /^(inactive|suspended)$/);
    await eventually("it is dead", async () => (await word(made.key)) === "inactive", 6_000);
    const rotate = await act(made.key_id, "rotate");
    assert.deepEqual([rotate.status, rotate.json.code], [409, "key_suspended"]);
    const resumed = await act(made.key_id, "resume");
    assert.deepEqual([resumed.status, resumed.json.suspended], [200, false]);
    await eventually("it is alive again", async () => (await word(made.key)) === "allow", 6_000);
    await admin.revoke(made.key_id);
    for (const ended of ["suspend", "resume"]) {
      const refused = await act(made.key_id, ended);
      assert.deepEqual([refused.status, refused.json.code], [409, "key_ended"], refused.text);
    }
  });

  it("resumes it also for those who only ever ask strictly", async () => {
    const { json: made } = await admin.create({ scopes: ["reports:read", "reports:purge"] });
    await act(made.key_id, "suspend");
    await eventually("the list has it", async () => (await word(made.key)) === "inactive", 6_000);
    assert.equal(await word(made.key, ["reports:purge"]), "inactive");
    assert.equal((await act(made.key_id, "resume")).status, 200);
    await eventually("it is alive again", async () => (await word(made.key, ["reports:purge"])) === "allow", 7_000);
  });

  it("notes down what does not stand in the key, and is told to rotate for what does", async () => {
    const { json: made } = await admin.create({ tags: ["nightly"], meta: { ticket: "OPS-1" } });
    const patch = (body) => admin.request("PATCH", `/v1/keys/${made.key_id}`, { body });
    const noted = await patch({ name: "Exports", owner: "team:data", tags: ["weekly"] });
    assert.equal(noted.status, 200, noted.text);
    assert.deepEqual([noted.json.name, noted.json.owner, noted.json.tags, noted.json.meta], ["Exports", "team:data", ["weekly"], { ticket: "OPS-1" }]);
    assert.equal((await patch({ name: null })).json.name, null);
    const inside = await patch({ scopes: ["reports:write"] });
    assert.deepEqual([inside.status, inside.json.code], [409, "needs_rotation"]);
    const unknown = await patch({ subject: "svc:eve" });
    assert.deepEqual([unknown.status, unknown.json.code], [400, "invalid_body"]);
    const pasted = await patch({ owner: made.key });
    assert.deepEqual([pasted.status, pasted.json.field], [400, "owner"]);
    assert.ok(!pasted.text.includes(made.key));
    await eventually("KV has the record", async () => (await admin.read(made.key_id)).headers["wardkey-record"] === "kv");
    assert.deepEqual((await admin.read(made.key_id)).json.tags, ["weekly"]);
  });

  it("finds keys by subject, audience and tag, page by page, and never their texts", async () => {
    const made = [];
    for (let n = 0; n < 5; n += 1) made.push((await admin.create({ subject: "svc:paged", tags: [`t${n % 2}`] })).json);
    const found = [];
    for (let after; after !== null; ) {
      const page = await admin.get(`/v1/keys?subject=svc:paged&limit=2${after ? `&after=${after}` : ""}`);
      assert.equal(page.status, 200, page.text);
      found.push(...page.json.keys);
      after = page.json.next_after;
      for (const { key } of made) assert.ok(!page.text.includes(key));
    }
    assert.deepEqual(found.map((key) => key.key_id), made.map((key) => key.key_id).sort());
    assert.equal((await admin.get("/v1/keys?subject=svc:paged&tag=t1")).json.keys.length, 2);
    for (const [query, field] of [["limit=0", "limit"], ["limit=201", "limit"], ["after=x", "after"], ["audience=nowhere", "audience"], ["colour=red", "query"]]) {
      const refused = await admin.get(`/v1/keys?${query}`);
      assert.deepEqual([refused.status, refused.json.code, refused.json.field], [400, "invalid_field", field]);
    }
  });

  it("binds it to networks and to a time, which the edge minds", async () => {
    const now = Math.floor(Date.now() / 1000);
    const { json: bound } = await admin.create({ constraints: { networks: ["192.0.2.0/24"] } });
    const from = async (address) => (await admin.verify(bound.key, { address })).json;
    assert.equal((await from("192.0.2.7")).decision, "allow");
    assert.equal((await from("198.51.100.1")).reason, "address_not_allowed");
    assert.equal((await admin.verify(bound.key)).json.reason, "address_not_allowed");
    const { json: later } = await admin.create({ constraints: { not_before: now + 600 } });
    assert.equal(await word(later.key), "not_yet_valid");
    const odd = await admin.create({ constraints: { networks: ["192.0.2.1/24"] } });
    assert.deepEqual([odd.status, odd.json.field], [400, "constraints.networks"]);
  });
});

describe("whoever finds a key", () => {
  let worker, admin;

  before(async () => {
    worker = await Worker.start();
    admin = await worker.administrator();
  });

  it("ends it by showing it, whatever it is for", async () => {
    const { json: made } = await admin.create({});
    const finder = worker.client(made.key);
    const odd = await finder.post("/v1/revoke-self", { reason: 7 });
    assert.deepEqual([odd.status, odd.json.code], [400, "invalid_body"]);
    const done = await finder.post("/v1/revoke-self", { reason: "found in a public repository" });
    assert.equal(done.status, 200, done.text);
    assert.equal(done.json.generations[0].state, "revoked");
    const again = await finder.post("/v1/revoke-self");
    assert.equal(again.status, 401);
    await eventually("it is dead", async () => (await admin.verify(made.key)).json.decision === "deny", 6_000);
    const entry = (await admin.audit()).find(({ action }) => action === "key.revoke_self");
    assert.deepEqual(entry.actor, { subject: "svc:billing", key_id: made.key_id });
  });

  it("cannot do anything else with it", async () => {
    const { json: made } = await admin.create({});
    const finder = worker.client(made.key);
    for (const [method, path, body] of [
      ["GET", "/v1/keys"],
      ["GET", `/v1/keys/${made.key_id}`],
      ["POST", `/v1/keys/${made.key_id}/rotate`, {}],
      ["POST", "/v1/revocations", { select: { everything: {} } }],
    ]) {
      const refused = await finder.request(method, path, { body });
      assert.deepEqual([refused.status, refused.json.code], [401, "invalid_token"], `${method} ${path}`);
    }
  });

  it("does not end the tenant with its last administrator", async () => {
    const refused = await admin.post("/v1/revoke-self");
    assert.deepEqual([refused.status, refused.json.code], [409, "last_admin"]);
    assert.equal((await admin.get("/v1/keys")).status, 200);
  });
});

describe("after a leak of many keys", () => {
  let worker, admin;

  before(async () => {
    worker = await Worker.start();
    admin = await worker.administrator();
  });

  it("one act kills all of a subject's: strict calls at once, all others within the bound from the 200 on", async () => {
    const request = { subject: "svc:leaky", scopes: ["reports:read", "reports:purge"] };
    const keys = [];
    for (let n = 0; n < 600; n += 20) {
      keys.push(...(await Promise.all(Array.from({ length: 20 }, () => admin.create(request)))).map(({ json }) => json.key));
    }
    const { json: other } = await admin.create({ subject: "svc:tight" });
    const started = await admin.post("/v1/revocations", { select: { subject: { subject: "svc:leaky" } }, reason: "leaked" });
    assert.equal(started.status, 202, started.text);
    assert.equal(started.json.state, "expanding");
    assert.equal(started.json.bound, null);
    for (const key of [keys[0], keys[300], keys.at(-1)]) {
      assert.equal((await admin.verify(key, { scopes: ["reports:purge"] })).json.decision, "deny");
    }
    const path = `/v1/revocations/${started.json.revocation_id}`;
    const done = await eventually("it is done", async () => {
      const progress = await admin.get(path);
      return progress.status === 200 && progress;
    }, 20_000);
    const from = Date.now();
    assert.deepEqual([done.json.state, done.json.keys], ["done", 600]);
    const alive = async () => {
      const answers = await Promise.all([0, 1, 299, 598, 599].map((n) => admin.verify(keys[n])));
      return answers.filter(({ json }) => json.decision === "allow").length;
    };
    await eventually("all are dead", async () => (await alive()) === 0, 6_000);
    assert.ok(Date.now() - from <= done.json.bound.typical_ms + done.json.bound.max_skew_ms);
    assert.equal((await admin.verify(other.key)).json.decision, "allow");
  });

  it("an unknown selector, a wrong one and none are told what there is", async () => {
    for (const [body, code] of [
      [{}, "invalid_body"],
      [{ select: { colour: {} } }, "invalid_body"],
      [{ select: { everything: {}, audience: { audience: "api" } } }, "invalid_body"],
      [{ select: { issued_until: { second: 4_000_000_000 } } }, "invalid_field"],
      [{ select: { issuer: { key_id: "key_1" } } }, "invalid_field"],
    ]) {
      const refused = await admin.post("/v1/revocations", body);
      assert.deepEqual([refused.status, refused.json.code], [400, code], JSON.stringify(body));
    }
    // An audience that is not there is told to whoever may revoke everything, and to others like one that they have no right over.
    const mistyped = { select: { audience: { audience: "nowhere" } } };
    const told = await admin.post("/v1/revocations", mistyped);
    assert.deepEqual([told.status, told.json.code, told.json.field], [400, "invalid_field", "select.audience.audience"], told.text);
    const part = await admin.deputy(["keys:revoke"], ["api"]);
    const nowhere = await part.post("/v1/revocations", mistyped);
    assert.deepEqual([nowhere.status, nowhere.json.code, nowhere.json.rule], [403, "forbidden_by_rule", "every_audience"], nowhere.text);
    const absent = await admin.get("/v1/revocations/rev_0011223344556677");
    assert.deepEqual([absent.status, absent.json.code], [404, "not_found"]);
    const everything = await admin.post("/v1/revocations", { select: { everything: {} } });
    assert.deepEqual([everything.status, everything.json.code], [409, "last_admin"]);
  });
});
