// From the first administrator to a dead key: the story that the README tells.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { before, describe, it } from "node:test";

import { eventually } from "./harness/client.mjs";
import { KeyText } from "./harness/key_text.mjs";
import { parseHead, State, statePath } from "./harness/revocation_list.mjs";
import { POLICY } from "./harness/policies.mjs";
import { Worker } from "./harness/worker.mjs";

describe("the life of a key", () => {
  let worker, admin, made, verifier;
  const acts = {};

  before(async () => {
    worker = await Worker.start();
  });

  it("healthz says that the deployment can work, with its version", async () => {
    const health = await worker.client().get("/healthz");
    assert.equal(health.status, 200);
    assert.equal(health.json.status, "ok");
    assert.match(health.json.version, /^\d+\.\d+\.\d+$/);
  });

  it("openapi.json is the description as it stands, public and the same for all", async () => {
    const answer = await worker.client().get("/openapi.json");
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["content-type"], "application/json");
    assert.equal(answer.text, readFileSync(new URL("../worker/openapi.json", import.meta.url), "utf8"));
  });

  it("healthz names the secret that is missing, and never its value", async () => {
    const secret = worker.root.slice(2);
    for (const root of [undefined, secret]) {
      await worker.restart({ bindings: { WARDKEY_ROOT: root } });
      const health = await worker.client().get("/healthz");
      assert.equal(health.status, 500);
      assert.equal(health.json.code, "misconfigured");
      assert.match(health.json.detail, /WARDKEY_ROOT/);
      assert.ok(!health.text.includes(secret));
    }
    await worker.restart({ bindings: {} });
  });

  it("a bootstrap token becomes an administrator", async () => {
    const body = { subject: "ops:ada", policy: POLICY };
    const answer = await worker.client(worker.token).post("/v1/bootstrap", body);
    assert.equal(answer.status, 201);
    assert.equal(answer.headers["cache-control"], "no-store");
    assert.match(answer.json.key, /^wkadmin_live_/);
    assert.equal(answer.json.subject, "ops:ada");
    assert.equal(answer.json.audience, "wardkey");
    assert.deepEqual(answer.json.for_audiences, ["api", "jobs", "wardkey"]);
    admin = worker.client(answer.json.key);
    acts.bootstrap = { id: answer.requestId, target: answer.json.key_id };
  });

  it("the administrator creates a key that acts as a subject", async () => {
    const answer = await admin.create({ scopes: ["reports:read", "reports:purge"], name: "billing at night", owner: "team-billing" });
    assert.equal(answer.status, 201);
    assert.match(answer.json.key_id, /^key_[0-9a-f]{16}$/);
    const { key, ...view } = answer.json;
    assert.match(key, /^wk_live_[A-Za-z0-9_-]+$/);
    assert.equal(view.subject, "svc:billing");
    assert.equal(view.issuer, acts.bootstrap.target);
    assert.equal(view.owner, "team-billing");
    assert.deepEqual(view.scopes, ["reports:read", "reports:purge"]);
    assert.deepEqual(view.generations.map(({ number, state }) => [number, state]), [[1, "pending"]]);
    made = answer.json;
    acts.create = { id: answer.requestId, target: made.key_id };
  });

  it("the text form is the key and nothing else", async () => {
    const answer = await admin.post(
      "/v1/keys",
      { subject: "svc:text", audience: "api", scopes: ["reports:read"], expires_in: 60 },
      { headers: { Accept: "text/plain" } },
    );
    assert.equal(answer.status, 201);
    assert.match(answer.headers["content-type"], /^text\/plain/);
    assert.equal(KeyText.parse(answer.text).text, answer.text);
    assert.equal(answer.headers["cache-control"], "no-store");
    acts.text = { id: answer.requestId, target: answer.headers["wardkey-key-id"] };
  });

  it("a verifier of the audience allows it, with subject, scopes and the knowledge it rests on", async () => {
    verifier = await admin.deputy(["verifier:verify"], ["api"], { subject: "svc:gateway" });
    acts.verifier = { target: verifier.keyId };
    const { json } = await verifier.verify(made.key);
    assert.equal(json.decision, "allow");
    assert.equal(json.status, 200);
    assert.equal(json.subject, "svc:billing");
    assert.equal(json.key_id, made.key_id);
    assert.deepEqual([json.tenant, json.audience], [1, 1]);
    assert.deepEqual(json.scopes, ["reports:read", "reports:purge"]);
    assert.equal(json.expires_at, made.generations[0].expires_at);
    assert.equal(json.list.zone, "fresh");
    assert.ok(json.list.age_ms <= 5_000, `${json.list.age_ms} ms`);
  });

  it("a scope of level strict, and a strict call, rest on the registry's own word", async () => {
    for (const request of [{ scopes: ["reports:purge"] }, { strict: true }]) {
      const { json } = await verifier.verify(made.key, request);
      assert.equal(json.decision, "allow");
      assert.equal(json.list.zone, "registry");
      assert.equal(json.list.age_ms, 0);
    }
  });

  it("a scope that the key does not hold is denied, with any-of as with all-of", async () => {
    const refused = await verifier.verify(made.key, { scopes: ["reports:read", "reports:write"] });
    assert.deepEqual(refused.json, { decision: "deny", status: 403, reason: "scope_missing" });
    const any = await verifier.verify(made.key, { scopes: ["reports:read", "reports:write"], match: "any" });
    assert.equal(any.json.decision, "allow");
  });

  it("a requirement that is empty or names an unknown scope is the caller's error", async () => {
    for (const scopes of [[], ["reports:fly"]]) {
      const answer = await verifier.verify(made.key, { scopes });
      assert.equal(answer.status, 400);
      assert.equal(answer.json.field, "scopes");
    }
    const unknown = await verifier.verify(made.key, { scopes: ["reports:read", "reports:fly"] });
    assert.match(unknown.json.detail, /^scopes: reports:fly must be of the audience's catalog: reports:read, reports:write, /);
  });

  it("revoked, it is denied by strict at the next call and by every verifier within the stated bound", async () => {
    // The verifier has just looked: it may go on with that for as long as the bound says, and no longer.
    assert.equal((await verifier.verify(made.key)).json.decision, "allow");
    const answer = await admin.revoke(made.key_id, { reason: "left on a train" });
    const answeredAt = Date.now();
    assert.equal(answer.status, 200);
    acts.revoke = { id: answer.requestId, target: made.key_id };
    const { bound, generations } = answer.json;
    assert.equal(generations[0].state, "revoked");
    assert.equal(generations[0].end_reason, "left on a train");
    assert.equal(bound.typical_ms, 5_000);
    assert.equal(bound.strict_ms, 0);

    const strict = await verifier.verify(made.key, { scopes: ["reports:purge"] });
    assert.deepEqual(strict.json, { decision: "deny", status: 401, reason: "revoked" });

    const within = bound.typical_ms + bound.max_skew_ms;
    const denied = await eventually(
      "a denial",
      async () => {
        const { json } = await verifier.verify(made.key);
        return json.decision === "deny" && json;
      },
      within,
    );
    assert.deepEqual(denied, { decision: "deny", status: 401, reason: "inactive" });
    console.log(`revoked: denied without the registry after ${Date.now() - answeredAt} ms, bound ${within} ms`);
  });

  it("revoking it again answers the same and changes nothing", async () => {
    const before = await admin.read(made.key_id);
    const sequence = parseHead((await worker.client().get("/v1/list/1/head")).bytes).sequence;
    const again = await admin.revoke(made.key_id, { reason: "again" });
    assert.equal(again.status, 200);
    assert.equal(again.json.list_sequence, sequence);
    assert.deepEqual((await admin.read(made.key_id)).json, before.json);
    acts.again = { id: again.requestId, target: made.key_id };
  });

  it("the audit log maps every act to its subject, under the request id of its answer", async () => {
    const entries = await admin.audit();
    const actor = { subject: "ops:ada", key_id: acts.bootstrap.target };
    const expected = [
      ["tenant.create", null, acts.bootstrap, null],
      ["key.create", actor, acts.create, null],
      ["key.create", actor, acts.text, null],
      ["key.create", actor, acts.verifier, null],
      ["key.revoke", actor, acts.revoke, "left on a train"],
      ["key.revoke", actor, acts.again, "again"],
    ];
    assert.equal(entries.length, expected.length);
    for (const [at, [action, by, { id, target }, reason]] of expected.entries()) {
      const entry = entries[at];
      assert.equal(entry.action, action);
      assert.deepEqual(entry.actor, by);
      assert.equal(entry.target, target);
      assert.equal(entry.reason, reason);
      // Nothing was left to do the second time.
      assert.equal(entry.outcome, id === acts.again.id ? "unchanged" : "done");
      assert.match(entry.request_id, /^req_[0-9a-f]{32}$/);
      if (id) assert.equal(entry.request_id, id);
      assert.ok(at === 0 || entry.sequence > entries[at - 1].sequence);
      assert.ok(Math.abs(entry.at_ms - Date.now()) < 60_000);
    }
  });

  it("the audit log comes in pages", async () => {
    const all = await admin.audit();
    const seen = [];
    for (let after = 0; after !== null; ) {
      const page = (await admin.get(`/v1/audit?limit=2&after=${after}`)).json;
      assert.ok(page.entries.length <= 2);
      seen.push(...page.entries);
      after = page.next_after;
    }
    assert.deepEqual(seen, all);
    for (const query of ["limit=0", "limit=201", "limit=x", "after=-1", "after=9007199254740993", "subject=ops:ada"]) {
      const answer = await admin.get(`/v1/audit?${query}`);
      assert.deepEqual([answer.status, answer.json.code], [400, "invalid_field"], query);
    }
  });

  it("every answer has a request id of its own", () => {
    const ids = worker.exchanges.map(({ answer }) => answer.requestId);
    assert.ok(ids.length > 20);
    assert.ok(ids.every((id) => /^req_[0-9a-f]{32}$/.test(id)));
    assert.equal(new Set(ids).size, ids.length);
  });
});

describe("the revocation list, read by a stranger", () => {
  let worker, admin, stranger;

  before(async () => {
    worker = await Worker.start();
    admin = await worker.administrator();
    stranger = worker.client();
  });

  const head = async () => {
    const answer = await stranger.get("/v1/list/1/head");
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["cache-control"], "public, max-age=1");
    assert.equal(answer.headers["content-type"], "application/octet-stream");
    return { ...parseHead(answer.bytes), bytes: answer.bytes };
  };
  const state = async (named) => {
    const answer = await stranger.get(statePath(1, named));
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers["cache-control"], "public, max-age=31536000, immutable");
    return new State(answer.bytes);
  };

  it("a head names its tenant, its living audiences and its end, within 4 KB", async () => {
    const { bytes, ...fields } = await head();
    assert.equal(fields.version, 1);
    assert.equal(fields.tenant, 1);
    assert.equal(fields.cutoff, 0);
    assert.equal(fields.notAfter - fields.issuedAt, 3_600_000);
    assert.ok(Math.abs(fields.issuedAt - Date.now()) < 5_000);
    assert.deepEqual(
      fields.audiences.map(({ number, currentKeySet, leastKeySet }) => [number, currentKeySet, leastKeySet]),
      [[1, 1, 1], [2, 1, 1]],
    );
    assert.deepEqual(fields.dead, []);
    assert.equal(new Set(fields.tags).size, 2);
    assert.ok(bytes.length <= 4_096);
  });

  it("the digest names the state, and a revoked index is set in it, and no other", async () => {
    const keys = [];
    for (let n = 0; n < 3; n++) keys.push((await admin.create({})).json);
    const indexes = keys.map(({ key }) => KeyText.parse(key).statusIndex);
    assert.equal(new Set(indexes).size, 3);
    const before = await head();
    const alive = await state(before);
    assert.equal(alive.digest, before.digest);
    assert.deepEqual(indexes.map((index) => alive.isDead(index)), [false, false, false]);

    const revoked = (await admin.revoke(keys[1].key_id)).json;
    const after = await head();
    assert.equal(after.sequence, revoked.list_sequence);
    assert.ok(after.sequence > before.sequence);
    const dead = await state(after);
    assert.equal(dead.digest, after.digest);
    assert.deepEqual(indexes.map((index) => dead.isDead(index)), [false, true, false]);
    assert.equal(dead.floor % 8, 0);
    // Who had the list before needs no state: the head tells what has changed since.
    assert.ok(after.from === before.sequence || after.changes.some(({ sequence }) => sequence === before.sequence));
    assert.deepEqual(after.changes.at(-1), { sequence: after.sequence, rise: 0, places: [indexes[1] - dead.floor] });
  });

  it("a head is the same byte for byte within a second, and another as soon as the list changes", async () => {
    const { key_id } = (await admin.create({})).json;
    // A head's second may be almost over when it is first seen.
    const pair = await eventually("two heads of one second", async () => {
      const [first, second] = [await head(), await head()];
      return first.issuedAt === second.issuedAt && [first, second];
    });
    assert.ok(pair[0].bytes.equals(pair[1].bytes));
    await admin.revoke(key_id);
    const changed = await head();
    assert.ok(changed.sequence > pair[1].sequence);
    assert.notEqual(changed.digest, pair[1].digest);
    await sleep(1_100);
    const later = await head();
    assert.ok(later.issuedAt >= changed.issuedAt + 1_000);
    assert.deepEqual([later.sequence, later.digest], [changed.sequence, changed.digest]);
  });

  it("a state that a head named is answered after the list has moved on, and one that none named is 404", async () => {
    const first = await head();
    const named = await state(first);
    const { key_id, key } = (await admin.create({})).json;
    await admin.revoke(key_id);
    const second = await head();
    assert.notEqual(second.sequence, first.sequence);
    const old = await state(first);
    assert.equal(old.digest, first.digest);
    assert.deepEqual(old.bits, named.bits);
    assert.equal(old.isDead(KeyText.parse(key).statusIndex), false);
    assert.equal((await state(second)).isDead(KeyText.parse(key).statusIndex), true);

    const unnamed = [
      { sequence: second.sequence + 1, digest: second.digest },
      { sequence: first.sequence, digest: second.digest },
      { sequence: second.sequence, digest: first.digest },
      { sequence: second.sequence, digest: "0".repeat(64) },
    ];
    for (const name of unnamed) {
      const answer = await stranger.get(statePath(1, name));
      assert.deepEqual([answer.status, answer.json.code], [404, "not_found"]);
    }
  });

  it("a tenant that nobody made has no list", async () => {
    assert.equal((await stranger.get("/v1/list/2/head")).status, 404);
    assert.equal((await stranger.get(statePath(2, await head()))).status, 404);
  });

  it("more calls than the limit are told when to come again", async () => {
    const limited = await Worker.start({ limit: 3 });
    await limited.administrator();
    const statuses = [];
    for (let n = 0; n < 5; n++) statuses.push(await limited.client().get("/v1/list/1/head"));
    assert.deepEqual(statuses.map(({ status }) => status), [200, 200, 200, 429, 429]);
    assert.equal(statuses[4].json.code, "too_many_requests");
    assert.ok(Number(statuses[4].headers["retry-after"]) > 0);
    // Nobody who must get through is counted.
    assert.equal((await limited.client().get("/healthz")).status, 200);
  });
});
