// For minutes after a deployment a new Worker speaks to old objects, and the reverse. What one does not know of the other is never
// an allow and never a success: it is 503.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, describe, it } from "node:test";

import { eventually } from "../harness/client.mjs";
import { KeyText } from "../harness/key_text.mjs";
import { POLICY } from "../harness/policies.mjs";
import { Worker } from "../harness/worker.mjs";

const KEY = "key_0011223344556677";
/** What an object of another version may say to a call. */
const FOREIGN = {
  "that it does not know the call, as objects said before there was a word for it": { Err: { error: "internal", message: "the registry does not know this call" } },
  "that it does not know the call": { Err: { error: "unknown_call" } },
  "an error that this version does not have": { Err: { error: "from_a_later_version", detail: "a detail" } },
  "a reply that this version does not have": { Ok: { reply: "from_a_later_version", value: {} } },
  "a reply without what this version needs": { Ok: { reply: "revoked", value: {} } },
  "a reply to another call": { Ok: { reply: "keys", value: { keys: [], next_after: null } } },
};

describe("a new Worker and an old object", () => {
  let worker, admin, made;

  before(async () => {
    worker = await Worker.start({ shim: true });
    admin = await worker.administrator();
    made = (await admin.create({ scopes: ["reports:read", "reports:purge"] })).json;
  });

  /** Every call of the registry, and a request that makes it. */
  const REQUESTS = {
    bootstrap: () => worker.client(worker.token).post("/v1/bootstrap", { subject: "ops:eve", policy: POLICY }),
    create_key: () => admin.create({}),
    read_key: () => admin.read(made.key_id),
    revoke_key: () => admin.revoke(KEY),
    update_key: () => admin.request("PATCH", `/v1/keys/${KEY}`, { body: { name: "a name" } }),
    rotate_key: () => admin.post(`/v1/keys/${KEY}/rotate`),
    confirm_key: () => admin.post(`/v1/keys/${KEY}/confirm`),
    suspend_key: () => admin.post(`/v1/keys/${KEY}/suspend`),
    revoke_self: () => worker.client(made.key).post("/v1/revoke-self"),
    revoke: () => admin.post("/v1/revocations", { select: { subject: { subject: "svc:nobody" } } }),
    read_revocation: () => admin.get("/v1/revocations/rev_0011223344556677"),
    read_audit: () => admin.get("/v1/audit"),
    read_policy: () => admin.get("/v1/policy"),
    replace_policy: () => admin.request("PUT", "/v1/policy", { body: POLICY, headers: { "If-Match": '"1"' } }),
    try_policy: () => admin.request("PUT", "/v1/policy?dry_run=true", { body: POLICY, headers: { "If-Match": '"1"' } }),
    admit: () => admin.post("/v1/keys", { unknown: true }),
    admit_verifier: () => admin.verify(made.key),
    read_key_set: () => admin.get("/v1/key-set?audience=api"),
    rotate_signing_keys: () => admin.post("/v1/signing-keys/api/rotate", { compromised: false }),
    read_root: () => admin.get("/v1/root/rewrap"),
    rewrap_root: () => admin.post("/v1/root/rewrap"),
    destroy_tenant: () => admin.post("/v1/tenant/destroy", { confirm: 1 }),
    head: () => worker.client().get("/v1/list/1/head"),
    state: () => worker.client().get(`/v1/list/1/state/1-${"0".repeat(64)}`),
  };
  // Their requests do without these, or are told of below.
  const OTHERWISE = ["list_keys", "material", "check", "sweep"];

  for (const [says, answer] of Object.entries(FOREIGN)) {
    it(`is 503 on every route when the object says ${says}, and nothing is done`, async () => {
      await worker.published();
      const before = worker.wholeBook();
      for (const [call, request] of Object.entries(REQUESTS)) {
        if (call === "admit" && answer.Ok) continue;
        await worker.shimAnswers({ to: call, with: answer });
        const seen = (await worker.shimSeen()).answered;
        const got = await request();
        assert.deepEqual([got.status, got.json.code], [503, "registry_unavailable"], `${call}: ${got.text}`);
        assert.ok(Number(got.headers["retry-after"]) > 0, call);
        // Control: it was this call that was asked.
        assert.ok((await worker.shimSeen()).answered > seen, call);
      }
      await worker.shimAnswers(null);
      const { tenant: _, head: __, ...after } = worker.wholeBook();
      for (const [table, rows] of Object.entries(after)) assert.deepEqual(rows, before[table], table);
    });

    it(`is never an allow when the object says ${says} to what a decision needs`, async () => {
      const strict = () => admin.verify(made.key, { scopes: ["reports:purge"] });
      assert.equal((await strict()).json.decision, "allow");
      await worker.shimAnswers({ to: "check", with: answer });
      assert.deepEqual((await strict()).json, { decision: "deny", status: 503, reason: "registry_unavailable", retry_after_s: 1 });
      // From cold, so that there is no list and no key set to answer from.
      await worker.restart();
      await worker.shimAnswers({ to: "head", with: answer });
      assert.deepEqual((await admin.verify(made.key)).json, { decision: "deny", status: 503, reason: "list_stale", retry_after_s: 1 });
      await worker.restart();
      await worker.shimAnswers({ to: "material", with: answer });
      const proxied = await worker.client(made.key).get("/v1/forward-auth/1/api?scope=reports:read");
      assert.equal(proxied.status, 503, proxied.text);
      await worker.shimAnswers(null);
      assert.equal((await worker.client(made.key).get("/v1/forward-auth/1/api?scope=reports:read")).status, 200);
    });
  }

  it("is never an allow on a verdict or a reason that this version does not have", async () => {
    const checked = (value) => ({ Ok: { reply: "checked", value } });
    for (const value of [{ verdict: "paused" }, { verdict: "dead", reason: "from_a_later_version" }, { verdict: "dead" }, { verdict: "alive" }, {}, null]) {
      await worker.shimAnswers({ to: "check", with: checked(value) });
      const { json } = await admin.verify(made.key, { scopes: ["reports:purge"] });
      assert.deepEqual([json.decision, json.status], ["deny", 503], JSON.stringify(value));
    }
    await worker.shimAnswers(null);
    assert.equal((await admin.verify(made.key, { scopes: ["reports:purge"] })).json.decision, "allow");
  });

  it("costs cron that tenant until it has been restarted, and is told to the operator", async () => {
    await worker.shimAnswers({ to: "sweep", with: FOREIGN["that it does not know the call"] });
    await worker.cron();
    await eventually("a word of it", () => worker.log.some((line) => line.includes("sweep: looked at 1 tenants, 1 of them silent")));
    await worker.shimAnswers(null);
  });

  it("is told of every call that there is", () => {
    const written = [1, 2].flatMap((version) => wire(`calls.${version}`)).map(({ call }) => call);
    assert.deepEqual([...Object.keys(REQUESTS), ...OTHERWISE].sort(), [...new Set(written)].sort());
  });
});

describe("an old Worker and a new object", () => {
  it("is understood in every call that it makes, and given what it needs in every reply", async () => {
    const worker = await Worker.start();
    const admin = await worker.administrator();
    const { key, key_id } = (await admin.create({})).json;
    const base = KeyText.parse(key).base.toString("base64url");
    const needed = membersNeeded();
    const replies = new Set();
    // Last what ends the tenant, and after it what would have ended its administrator before.
    const ends = ({ call, request }) => (call === "revoke_self" || request?.select?.everything ? 2 : call === "destroy_tenant" ? 1 : 0);
    for (const call of wire("calls.1").toSorted((a, b) => ends(a) - ends(b))) {
      if (call.authority) call.authority = { ...call.authority, credential: admin.credential, idempotency_key: undefined };
      if (call.key_id) call.key_id = key_id;
      if (call.base) call.base = base;
      const answer = await worker.tell(call);
      assert.ok(!["unknown_call", "internal"].includes(answer.Err?.error), `${JSON.stringify({ ...call, authority: 0 })}: ${JSON.stringify(answer.Err)}`);
      if (!answer.Ok) continue;
      const { reply, value } = answer.Ok;
      replies.add(reply);
      for (const member of needed.get(reply)) assert.ok(member in value, `${reply} has no ${member}`);
    }
    // Control: most calls were carried out, and what nobody knows is said to be unknown.
    assert.ok(replies.size >= 10, [...replies].join(" "));
    assert.deepEqual(await worker.tell({ call: "from_a_later_version" }), { Err: { error: "unknown_call" } });
    assert.deepEqual(await worker.tell({ call: "head", request: {} }).then(({ Ok, Err }) => Ok?.reply ?? Err.error), "tenant_gone");
  });
});

/** A file of messages as an earlier version wrote them: crates/registry/tests/wire. */
function wire(name) {
  return JSON.parse(readFileSync(new URL(`../../crates/registry/tests/wire/${name}.json`, import.meta.url), "utf8"));
}

/** The members that each reply of version 1 always had. */
function membersNeeded() {
  const needed = new Map();
  for (const { Ok } of wire("replies.1")) {
    if (!Ok) continue;
    const members = Ok.value && typeof Ok.value === "object" ? Object.keys(Ok.value) : [];
    const before = needed.get(Ok.reply);
    needed.set(Ok.reply, before ? before.filter((member) => members.includes(member)) : members);
  }
  return needed;
}
