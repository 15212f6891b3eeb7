// The policy over HTTP: read, tried, replaced by whoever has seen what is there, and in force at the next key.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, describe, it } from "node:test";

import { parseHead } from "./harness/revocation_list.mjs";
import { POLICY } from "./harness/policies.mjs";
import { Worker } from "./harness/worker.mjs";

const put = (client, policy, etag, { query = "", ...headers } = {}) =>
  client.request("PUT", `/v1/policy${query}`, { body: policy, headers: { "If-Match": etag, ...headers } });
const trial = (client, policy, etag, after = "") => put(client, policy, etag, { query: `?dry_run=true${after}` });
/** The harness's policy, changed. */
const changed = (change) => {
  const policy = structuredClone(POLICY);
  change(policy);
  return policy;
};

describe("the policy", () => {
  let worker, admin;

  before(async () => {
    worker = await Worker.start();
    admin = await worker.administrator();
  });

  const present = async () => {
    const answer = await admin.get("/v1/policy");
    assert.equal(answer.status, 200, answer.text);
    return { etag: answer.headers.etag, policy: answer.json };
  };
  /** Puts a policy in force over whatever is there. */
  const replace = async (policy) => {
    const answer = await put(admin, policy, (await present()).etag);
    assert.equal(answer.status, 200, answer.text);
    return answer;
  };

  it("is read as it can be put back, its version as a strong tag, and nobody keeps a copy", async () => {
    const answer = await admin.get("/v1/policy");
    assert.deepEqual([answer.headers.etag, answer.headers["cache-control"], answer.headers["content-type"]], ['"1"', "no-store", "application/json"]);
    assert.deepEqual(answer.json.audiences.map(({ name }) => name), ["api", "jobs"]);
    const again = await replace(answer.json);
    assert.deepEqual([again.headers.etag, again.json], ['"2"', answer.json]);
  });

  it("is replaced only by whoever says which version is meant, and has seen the present one", async () => {
    const { etag, policy } = await present();
    const before = worker.wholeBook().policy_version;
    const without = await put(admin, policy, undefined);
    assert.deepEqual([without.status, without.json.code], [428, "if_match_needed"]);
    for (const stale of ['"1"', '"999"', `W/${etag}`, '"abc"', '"0"']) {
      const answer = await put(admin, policy, stale);
      assert.deepEqual([answer.status, answer.json.code], [412, "policy_changed"], stale);
      assert.ok(answer.json.detail.includes(etag), answer.json.detail);
    }
    for (const odd of ["*", "2", `${etag}, "1"`, '"']) {
      const answer = await put(admin, policy, odd);
      assert.deepEqual([answer.status, answer.json.field], [400, "If-Match"], odd);
    }
    // A trial asks for the same.
    assert.equal((await trial(admin, policy, undefined)).status, 428);
    assert.equal((await trial(admin, policy, '"1"')).status, 412);
    assert.deepEqual(worker.wholeBook().policy_version, before);
  });

  it("of two who have seen the same version, one wins and the other is told", async () => {
    const { etag, policy } = await present();
    const answers = await Promise.all(Array.from({ length: 6 }, (_, n) => put(admin, { ...policy, rotation: { overlap_s: 100 + n } }, etag)));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 412, 412, 412, 412, 412]);
    const winner = answers.find(({ status }) => status === 200);
    assert.deepEqual((await present()).policy, winner.json);
    assert.equal(Number(winner.headers.etag.slice(1, -1)), Number(etag.slice(1, -1)) + 1);
  });

  it("comes back in any version, and old content put back is a new one", async () => {
    const { etag: before } = await present();
    const first = await admin.get("/v1/policy?version=1");
    assert.deepEqual([first.status, first.headers.etag], [200, '"1"']);
    await replace(changed((policy) => (policy.rotation = { overlap_s: 7 })));
    const back = await replace(first.json);
    assert.equal(back.headers.etag, `"${Number(before.slice(1, -1)) + 2}"`);
    assert.deepEqual((await present()).policy, first.json);
    assert.equal((await admin.get(`/v1/policy?version=${Number(before.slice(1, -1)) + 1}`)).json.rotation.overlap_s, 7);
    for (const [query, status, code] of [["version=999", 404, "not_found"], ["version=0", 400, "invalid_field"], ["version=x", 400, "invalid_field"], ["colour=1", 400, "invalid_field"]]) {
      const answer = await admin.get(`/v1/policy?${query}`);
      assert.deepEqual([answer.status, answer.json.code], [status, code], query);
    }
  });

  it("is replaced once under one Idempotency-Key, and the log has who did it", async () => {
    const { etag, policy } = await present();
    const once = { "Idempotency-Key": "policy-once" };
    const first = await put(admin, { ...policy, rotation: { overlap_s: 60 } }, etag, once);
    const again = await put(admin, { ...policy, rotation: { overlap_s: 60 } }, etag, once);
    assert.deepEqual([first.status, again.status, again.headers.etag], [200, 200, first.headers.etag]);
    const other = await put(admin, policy, first.headers.etag, once);
    assert.deepEqual([other.status, other.json.code], [422, "idempotency_key_reused"]);
    const entries = (await admin.audit()).filter(({ action, target }) => action === "policy.replace" && target === `policy:${first.headers.etag.slice(1, -1)}`);
    assert.deepEqual(entries.map(({ request_id, outcome, actor }) => [request_id, outcome, actor.subject]), [[first.requestId, "done", "ops:ada"]]);
  });

  it("refuses what is none, or may not follow, by the path, and keeps what is there", async () => {
    const { etag, policy } = await present();
    const wrong = [
      [(next) => (next.brand = "acme"), "policy.brand"],
      [(next) => (next.environment = "test"), "policy.environment"],
      [(next) => (next.audiences[0].name = "renamed"), "policy.audiences[0].number"],
      [(next) => (next.audiences[1].scopes[0].name = "jobs:other"), "policy.audiences[1].scopes[0].number"],
      [(next) => (next.audiences[0].scopes[0].risk = "none"), "policy.audiences[0].scopes[0].risk"],
      [(next) => (next.audiences = []), "policy.audiences"],
      [(next) => (next.audiences[0].number = 0), "policy.audiences[0].number"],
      [(next) => (next.audiences[0].roles = [{ name: "r", scopes: ["reports:fly"] }]), "policy.audiences[0].roles[0].scopes[0]"],
      [(next) => (next.levels = { high: { require: ["colour"] } }), "policy.levels.high.require[0]"],
      [(next) => (next.rules = [{ name: "r", actors: ["*"], audiences: ["nowhere"], scopes: ["*"], subjects: ["*"] }]), "policy.rules[0].audiences[0]"],
    ];
    for (const [change, field] of wrong) {
      const next = structuredClone(policy);
      change(next);
      for (const ask of [put, trial]) {
        const answer = await ask(admin, next, etag);
        assert.deepEqual([answer.status, answer.json.code, answer.json.field], [400, "invalid_field", field], answer.text);
      }
    }
    for (const next of [{ ...policy, rules: null }, { ...policy, colour: 1 }, [policy], { audiences: "api" }]) {
      assert.equal((await put(admin, next, etag)).json.code, "invalid_body");
    }
    assert.deepEqual(await present(), { etag, policy });
  });

  it("is tried out: what would change, which living keys would break it by which rule, and nothing is different", async () => {
    const kept = (await admin.create({ subject: "svc:kept", scopes: ["reports:write"] })).json;
    const raised = (await admin.create({ subject: "svc:raised", scopes: ["reports:export"], expires_in: 3_600 })).json;
    const orphan = (await admin.create({ subject: "svc:orphan", scopes: ["reports:purge"] })).json;
    const job = (await admin.create({ subject: "svc:job", audience: "jobs", scopes: ["jobs:run"] })).json;
    const dead = (await admin.create({ subject: "svc:dead", scopes: ["reports:export"], expires_in: 3_600 })).json;
    await admin.revoke(dead.key_id);
    await worker.published();
    const { etag, policy } = await present();
    const next = structuredClone(policy);
    next.audiences[0].scopes.find(({ name }) => name === "reports:read").risk = "high";
    next.audiences[0].scopes = next.audiences[0].scopes.filter(({ name }) => name !== "reports:purge");
    next.audiences = next.audiences.filter(({ name }) => name !== "jobs");
    next.levels = { high: { max_lifetime_s: 600 } };
    const book = () => {
      const { head: _, tenant: __, ...rest } = worker.wholeBook();
      return rest;
    };
    const before = book();
    const tried = await trial(admin, next, etag);
    assert.equal(tried.status, 200, tried.text);
    assert.deepEqual([tried.json.would_change, tried.json.complete, tried.headers["cache-control"]], [true, true, "no-store"]);
    assert.deepEqual(tried.json.changes.map(({ path }) => path), ["audiences[api].scopes[reports:purge]", "audiences[api].scopes[reports:read].risk", "audiences[jobs]", "levels"]);
    assert.deepEqual(tried.json.key_sets, [{ audience: "api", at_once: true }]);
    const rules = new Map(tried.json.broken_keys.map(({ key_id, rule }) => [key_id, rule]));
    assert.equal(rules.get(raised.key_id), "level.high.max_lifetime_s");
    assert.equal(rules.get(orphan.key_id), "scopes");
    assert.equal(rules.get(job.key_id), "audience_in_use");
    assert.deepEqual([rules.has(kept.key_id), rules.has(dead.key_id), tried.json.broken_count], [false, false, rules.size]);
    assert.ok(tried.json.broken_keys.every(({ detail }) => detail.length > 0));
    assert.deepEqual(book(), before);
    // From behind all keys there is nothing left to judge.
    const rest = await trial(admin, next, etag, "&after=key_ffffffffffffffff");
    assert.deepEqual([rest.json.checked_keys, rest.json.broken_keys], [0, []]);
    assert.equal((await put(admin, next, etag, { query: "?after=key_ffffffffffffffff" })).json.field, "after");
    // What is the same changes nothing, and breaks nobody.
    const same = await trial(admin, policy, etag);
    assert.deepEqual([same.json.would_change, same.json.changes, same.json.broken_count], [false, [], 0]);
    // In earnest the audience is still in use.
    const refused = await put(admin, next, etag);
    assert.deepEqual([refused.status, refused.json.code], [409, "audience_in_use"]);
    assert.ok(refused.json.detail.includes("jobs"));
    await admin.revoke(job.key_id);
    const done = await put(admin, next, etag);
    assert.equal(done.status, 200, done.text);
    // Nobody died of it.
    assert.equal((await admin.verify(raised.key, { scopes: ["reports:export"] })).json.decision, "allow");
    const foreign = await admin.verify(job.key, { audience: "jobs", scopes: ["jobs:run"] });
    assert.deepEqual([foreign.status, foreign.json.rule], [403, "verifier_audience"]);
    await replace(policy);
  });

  it("publishes its schema to whoever asks: the file in the repository, byte for byte", async () => {
    const answer = await worker.client().get("/v1/policy/schema");
    assert.deepEqual([answer.status, answer.headers["content-type"], answer.headers["cache-control"]], [200, "application/schema+json", "public, max-age=300"]);
    assert.ok(answer.bytes.equals(readFileSync(new URL("../crates/provision/policy.schema.json", import.meta.url))));
    assert.equal((await worker.client().post("/v1/policy/schema", {})).headers.allow, "GET");
  });
});

describe("a policy in force", () => {
  let worker, admin;

  before(async () => {
    worker = await Worker.start();
    admin = await worker.administrator({
      policy: {
        ...changed((policy) => (policy.audiences[0].roles = [{ name: "reporter", scopes: ["reports:read", "reports:write"] }])),
        levels: { standard: { max_lifetime_s: 7_200 }, high: { max_lifetime_s: 600, require: ["owner", "meta.ticket"] } },
        rules: [
          { name: "ops-all", actors: ["ops:*"], audiences: ["wardkey", "api", "jobs"], scopes: ["*"], subjects: ["*"] },
          { name: "team-reports", actors: ["team:reports"], audiences: ["api"], scopes: ["reports:read", "reports:write"], subjects: ["svc:reports/*"], max_lifetime_s: 900, require_networks_within: ["10.0.0.0/8"] },
        ],
      },
    });
  });

  it("expands roles when a key is made, and the key keeps its scopes when the role changes", async () => {
    const made = await admin.create({ scopes: undefined, roles: ["reporter"] });
    assert.deepEqual([made.status, made.json.scopes], [201, ["reports:read", "reports:write"]], made.text);
    const { headers, json: policy } = await admin.get("/v1/policy");
    policy.audiences[0].roles[0].scopes = ["reports:read"];
    assert.equal((await put(admin, policy, headers.etag)).status, 200);
    assert.deepEqual((await admin.create({ scopes: undefined, roles: ["reporter"] })).json.scopes, ["reports:read"]);
    assert.deepEqual((await admin.read(made.json.key_id)).json.scopes, ["reports:read", "reports:write"]);
    assert.equal((await admin.verify(made.json.key, { scopes: ["reports:write"] })).json.decision, "allow");
    const unknown = await admin.create({ roles: ["nobody"] });
    assert.deepEqual([unknown.status, unknown.json.field], [400, "roles"]);
  });

  it("demands of a key what the levels of its scopes do, at its making, at its rotation and at its noting down", async () => {
    const high = { scopes: ["reports:read", "reports:export"], expires_in: 600, owner: "team:data", meta: { ticket: "OPS-1" } };
    const cases = [
      [{ ...high, expires_in: 601 }, "level.high.max_lifetime_s"],
      [{ ...high, owner: undefined }, "level.high.owner"],
      [{ ...high, owner: "svc:billing" }, "level.high.owner"],
      [{ ...high, meta: {} }, "level.high.meta.ticket"],
      [{ scopes: ["reports:write"], expires_in: 7_201 }, "level.standard.max_lifetime_s"],
    ];
    for (const [request, rule] of cases) {
      const answer = await admin.create(request);
      assert.deepEqual([answer.status, answer.json.code, answer.json.rule], [403, "forbidden_by_rule", rule], answer.text);
      assert.equal((await admin.audit()).at(-1).reason, rule);
    }
    const made = (await admin.create(high)).json;
    const longer = await admin.post(`/v1/keys/${made.key_id}/rotate`, { expires_in: 601 });
    assert.deepEqual([longer.status, longer.json.rule], [403, "level.high.max_lifetime_s"]);
    const forgetful = await admin.request("PATCH", `/v1/keys/${made.key_id}`, { body: { meta: {} } });
    assert.deepEqual([forgetful.status, forgetful.json.rule], [403, "level.high.meta.ticket"]);
    assert.equal((await admin.post(`/v1/keys/${made.key_id}/rotate`, { expires_in: 600 })).status, 201);
  });

  it("lets a rule's people grant what the rule says as a whole, and names the rule that came closest", async () => {
    const team = await admin.deputy(["keys:create"], ["api", "jobs"], { subject: "team:reports" });
    const good = { subject: "svc:reports/nightly", scopes: ["reports:read"], expires_in: 900, constraints: { networks: ["10.1.0.0/16"] } };
    assert.equal((await team.create(good)).status, 201);
    const cases = [
      [{ ...good, expires_in: 901 }, /team-reports .* the lifetime/],
      [{ ...good, subject: "svc:billing" }, /team-reports .* the subject/],
      [{ ...good, constraints: { networks: ["192.0.2.0/24"] } }, /team-reports .* networks/],
      [{ ...good, constraints: undefined }, /team-reports .* networks/],
      [{ ...good, scopes: ["reports:read", "reports:purge"], expires_in: 600 }, /team-reports .* scopes/],
      [{ ...good, audience: "jobs", scopes: ["jobs:run"] }, /ops-all .* subject grants/],
    ];
    for (const [request, detail] of cases) {
      const answer = await team.create(request);
      assert.deepEqual([answer.status, answer.json.code, answer.json.rule], [403, "forbidden_by_rule", "no_rule"], answer.text);
      assert.match(answer.json.detail, detail);
    }
  });

  it("grants the key set of one audience, by a rule that names it and to a key for no other", async () => {
    const ask = (for_audiences) => admin.create({ subject: "svc:gateway", audience: "wardkey", scopes: ["verifier:key-set"], for_audiences });
    assert.equal((await ask(["api"])).json.rule, "key_set_needs_rule");
    const { headers, json: policy } = await admin.get("/v1/policy");
    policy.rules.push({ name: "gateways", actors: ["ops:ada"], audiences: ["wardkey"], scopes: ["verifier:key-set"], subjects: ["svc:gateway"], max_lifetime_s: 86_400 });
    assert.equal((await put(admin, policy, headers.etag)).status, 200);
    assert.equal((await ask(["api", "jobs"])).json.rule, "key_set_one_audience");
    assert.equal((await ask(["api"])).status, 201);
    assert.match((await admin.create({ subject: "svc:other", audience: "wardkey", scopes: ["verifier:key-set"], for_audiences: ["api"] })).json.detail, /gateways .* the subject/);
  });

  it("that raises a risk holds at once: the registry is asked, and heads call older key sets too old", async () => {
    const { key } = (await admin.create({ scopes: ["reports:read"] })).json;
    const zone = async () => (await admin.verify(key)).json.list.zone;
    assert.notEqual(await zone(), "registry");
    const head = async () => parseHead((await worker.client().get("/v1/list/1/head")).bytes).audiences.find(({ number }) => number === 1);
    const before = await head();
    const { headers, json: policy } = await admin.get("/v1/policy");
    policy.audiences[0].scopes.find(({ name }) => name === "reports:read").risk = "strict";
    assert.equal((await put(admin, policy, headers.etag)).status, 200);
    assert.equal(await zone(), "registry");
    const after = await head();
    assert.deepEqual([after.currentKeySet, after.leastKeySet], [before.currentKeySet + 1, before.currentKeySet + 1]);
    // Lowered again, an older key set is only stricter: it may go on.
    policy.audiences[0].scopes.find(({ name }) => name === "reports:read").risk = "low";
    assert.equal((await put(admin, policy, (await admin.get("/v1/policy")).headers.etag)).status, 200);
    const lowered = await head();
    assert.deepEqual([lowered.currentKeySet, lowered.leastKeySet], [after.currentKeySet + 1, after.leastKeySet]);
  });

  it("gives whoever founds an audience the rights that it holds for all others, and those who hold fewer none", async () => {
    const writer = await admin.deputy(["policy:write", "policy:read", "keys:create"], ["wardkey", "api"], { subject: "ops:writer" });
    const { headers, json: policy } = await writer.get("/v1/policy");
    policy.audiences.push({ number: 3, name: "files", scopes: [{ number: 0, name: "files:read" }] });
    policy.rules[0].audiences.push("files");
    assert.equal((await put(writer, policy, headers.etag)).status, 200);
    const request = { audience: "files", scopes: ["files:read"] };
    assert.equal((await writer.create(request)).json.rule, "actor_scope");
    assert.equal((await admin.create(request)).json.rule, "actor_scope", "it was not the administrator who founded it");
    policy.audiences.push({ number: 4, name: "mail", scopes: [{ number: 0, name: "mail:send" }] });
    policy.rules[0].audiences.push("mail");
    const wholly = await worker.recovered("ops:whole");
    assert.equal((await put(wholly, policy, (await wholly.get("/v1/policy")).headers.etag)).status, 200);
    assert.equal((await wholly.create({ audience: "mail", scopes: ["mail:send"] })).status, 201);
  });
});
