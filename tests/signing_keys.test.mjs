// Signing keys over HTTP: what a key set is, how the next signing key is planned, and what a compromise ends.

import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { before, describe, it } from "node:test";

import { eventually } from "./harness/client.mjs";
import { parseKeySet } from "./harness/key_set.mjs";
import { KeyText } from "./harness/key_text.mjs";
import { parseHead } from "./harness/revocation_list.mjs";
import { RULED } from "./harness/policies.mjs";
import { Worker } from "./harness/worker.mjs";

const TAG_LEN = 16;
const tag = (key, bytes) => createHmac("sha256", key).update(bytes).digest().subarray(0, TAG_LEN);
/** The published bound of what the list does not ask the registry about, and what clocks may add. */
const WITHIN_MS = 5_000 + 5_000;

const rotate = (client, body, { audience = "api", ...headers } = {}) => client.post(`/v1/signing-keys/${audience}/rotate`, body, { headers });
const takeKeySet = (client, headers) => client.get("/v1/key-set", { headers });
const headOf = async (worker) => parseHead((await worker.client().get("/v1/list/1/head")).bytes);
const throughProxy = (worker, key, query = "scope=reports:read") => worker.client(key).get(`/v1/forward-auth/1/api?${query}`);

/** Starts a worker; answers it with its administrator and a holder of the key set of `api`. */
async function tenant(options) {
  const worker = await Worker.start(options);
  const admin = await worker.administrator({ policy: RULED });
  const gateway = await admin.deputy(["verifier:key-set"], ["api"], { subject: "svc:gateway" });
  return { worker, admin, gateway };
}

/** A key that nobody issued, made by whoever holds a key set: of the next status index but many. */
function forged(key, { signingKeys }) {
  const { base, prefix } = KeyText.parse(key).with({ base: { statusIndex: KeyText.parse(key).statusIndex + 10_000 } });
  const { key: secret } = signingKeys.find(({ epoch }) => epoch === base[4]);
  return new KeyText(prefix, base, tag(secret, base)).text;
}

describe("a key set", () => {
  let worker, admin, gateway;

  before(async () => {
    ({ worker, admin, gateway } = await tenant());
  });

  it("is what a stranger needs to verify keys and lists, and is for one audience", async () => {
    const answer = await takeKeySet(gateway);
    assert.deepEqual([answer.status, answer.headers["content-type"], answer.headers["cache-control"]], [200, "application/octet-stream", "no-store"]);
    const set = parseKeySet(answer.bytes);
    assert.deepEqual([set.tenant, set.audience, set.version, answer.headers["wardkey-key-set-version"]], [1, 1, 1, "1"]);
    assert.deepEqual(set.scopes.map(({ name, risk }) => [name, risk]), RULED.audiences[0].scopes.map(({ name, risk }) => [name, risk]));
    assert.deepEqual(set.signingKeys.map(({ epoch, prefix }) => [epoch, prefix]), [[1, "wk_live_"]]);

    const key = KeyText.parse((await admin.create({})).json.key);
    assert.ok(tag(set.signingKeys[0].key, key.base).equals(key.tag), "it makes the tag of the audience's keys");
    const job = KeyText.parse((await admin.create({ audience: "jobs", scopes: ["jobs:run"] })).json.key);
    assert.ok(!tag(set.signingKeys[0].key, job.base).equals(job.tag), "and of no other's");
    const head = await worker.client().get("/v1/list/1/head");
    const { tags } = parseHead(head.bytes);
    assert.equal(tag(set.listKey, head.bytes.subarray(0, -TAG_LEN * tags.length)).toString("hex"), tags[0]);
  });

  it("is given again only to whoever has another edition, and each giving is in the log", async () => {
    const first = await takeKeySet(gateway);
    const { etag } = first.headers;
    assert.equal(etag, '"1-1-1"');
    for (const seen of [etag, `W/${etag}`, `"1-1-7", ${etag}`, "*"]) {
      const answer = await takeKeySet(gateway, { "If-None-Match": seen });
      assert.deepEqual([answer.status, answer.bytes.length, answer.headers.etag, answer.headers["cache-control"]], [304, 0, etag, "no-store"], seen);
    }
    const others = ['"1-1-2"', '"2-1-1"', '"1-2-1"', '"nonsense"', "1-1-1"];
    for (const seen of others) assert.equal((await takeKeySet(gateway, { "If-None-Match": seen })).status, 200, seen);
    const taken = (await admin.audit()).filter(({ action }) => action === "key_set.read");
    assert.deepEqual(taken.map(({ target, actor, audience }) => [target, actor.subject, audience]).at(-1), ["key set 1", "svc:gateway", 1]);
    const asked = worker.exchanges.filter(({ path, answer }) => path === "/v1/key-set" && answer.status === 200);
    const given = asked.map(({ answer }) => answer.requestId);
    assert.equal(given.length, 1 + 1 + others.length);
    const logged = taken.map(({ request_id }) => request_id);
    assert.deepEqual(given.filter((id) => !logged.includes(id)), []);
    // Whoever has the newest edition has taken nothing; with `*` it was made, and is in the log although it was held back.
    assert.equal(logged.length, given.length + 1);
  });
});

describe("a planned signing key", () => {
  let worker, admin, gateway, early;

  before(async () => {
    ({ worker, admin, gateway } = await tenant());
    early = (await admin.create({})).json.key;
  });

  it("is in key sets at once and mints two hours later: no key and no verifier notices", async () => {
    const before = parseKeySet((await takeKeySet(gateway)).bytes);
    const now = Math.floor(Date.now() / 1000);
    const planned = await rotate(admin, { compromised: false, reason: "every year" });
    assert.equal(planned.status, 200, planned.text);
    const { epoch, epochs, dead_epochs, keys_to_reissue, key_set_version, least_key_set_version, bound, list_sequence } = planned.json;
    assert.deepEqual([epoch, dead_epochs, keys_to_reissue, key_set_version, least_key_set_version, bound], [2, [], 0, 2, 1, undefined]);
    const [old, next] = epochs;
    assert.ok(next.mint_from >= now + 7_200 && next.mint_from <= now + 7_230, `${next.mint_from - now} s`);
    assert.deepEqual([old.mint_until, next.mint_until, next.verify_until], [next.mint_from - 1, null, null]);
    assert.ok(old.verify_until > old.mint_until);

    const head = await headOf(worker);
    assert.deepEqual([head.sequence, head.audiences[0].currentKeySet, head.audiences[0].leastKeySet, head.dead], [list_sequence, 2, 1, []]);
    const answer = await takeKeySet(gateway, { "If-None-Match": '"1-1-1"' });
    assert.deepEqual([answer.status, answer.headers.etag], [200, '"1-1-2"']);
    const set = parseKeySet(answer.bytes);
    assert.deepEqual(set.signingKeys.map((one) => [one.epoch, one.mintFrom]), [[1, before.signingKeys[0].mintFrom], [2, next.mint_from]]);
    assert.ok(set.signingKeys[0].key.equals(before.signingKeys[0].key) && !set.signingKeys[1].key.equals(set.signingKeys[0].key));
    assert.ok(set.listKey.equals(before.listKey));

    const late = (await admin.create({})).json.key;
    assert.equal(KeyText.parse(late).base[4], 1, "the present one still mints");
    for (const key of [early, late]) {
      assert.equal((await admin.verify(key)).json.decision, "allow");
      assert.equal((await throughProxy(worker, key)).status, 200);
    }
    // A key that the next one made too early is none, although the key set's holder can make its tag.
    const base = Buffer.from(KeyText.parse(late).base);
    base[4] = 2;
    const tooEarly = new KeyText(KeyText.parse(late).prefix, base, tag(set.signingKeys[1].key, base)).text;
    assert.deepEqual((await admin.verify(tooEarly)).json, { decision: "deny", status: 401, reason: "invalid_token" });
  });

  it("is planned one at a time, once under one Idempotency-Key, and with two hours' to 90 days' notice", async () => {
    const second = await rotate(admin, { compromised: false });
    assert.deepEqual([second.status, second.json.code], [409, "epoch_pending"]);
    const jobs = { audience: "jobs", "Idempotency-Key": "jobs-once" };
    const notice = { compromised: false, mint_from_in_s: 90 * 24 * 3_600 };
    const first = await rotate(admin, notice, jobs);
    const again = await rotate(admin, notice, jobs);
    assert.deepEqual([first.status, again.status, again.json], [200, 200, first.json]);
    for (const [body, field] of [
      [{ compromised: false, mint_from_in_s: 7_199 }, "mint_from_in_s"],
      [{ compromised: false, mint_from_in_s: 90 * 24 * 3_600 + 1 }, "mint_from_in_s"],
      [{ compromised: true, mint_from_in_s: 7_200 }, "mint_from_in_s"],
      [{ compromised: false, reason: "x".repeat(257) }, "reason"],
    ]) {
      const answer = await rotate(admin, body);
      assert.deepEqual([answer.status, answer.json.field], [400, field], JSON.stringify(body));
    }
    for (const body of [{}, { compromised: "yes" }, { compromised: false, epoch: 9 }]) assert.equal((await rotate(admin, body)).json.code, "invalid_body");
    const nowhere = await rotate(admin, { compromised: false }, { audience: "nowhere" });
    assert.deepEqual([nowhere.status, nowhere.json.rule], [403, "signing_keys_audience"]);
    const entries = (await admin.audit()).filter(({ action }) => action.startsWith("signing_key."));
    assert.deepEqual(entries.map(({ action, outcome, target, reason }) => [action, outcome, target, reason]), [
      ["signing_key.rotate", "done", "epoch 2", "every year"],
      ["signing_key.rotate", "done", "epoch 2", null],
      ["signing_key.rotate", "refused", null, "signing_keys_audience"],
    ]);
  });
});

describe("after a compromise", () => {
  let worker, admin, gateway, stolen, made, revoked, job, answer;
  const strict = { scopes: ["reports:purge"] };

  before(async () => {
    ({ worker, admin, gateway } = await tenant({ limit: 1_000_000 }));
    made = (await admin.create({ scopes: ["reports:read", "reports:purge"] })).json;
    revoked = (await admin.create({})).json;
    await admin.revoke(revoked.key_id);
    job = (await admin.create({ audience: "jobs", scopes: ["jobs:run"] })).json;
    stolen = parseKeySet((await takeKeySet(gateway)).bytes);
    await rotate(admin, { compromised: false });
  });

  it("before it, a thief of a key set makes keys that pass by the list, and the registry raises the alarm", async () => {
    const key = forged(made.key, stolen);
    assert.equal((await admin.verify(key)).json.decision, "allow");
    assert.equal((await throughProxy(worker, key)).status, 200);
    assert.deepEqual((await admin.verify(key, strict)).json, { decision: "deny", status: 401, reason: "invalid_token" });
    const alarm = (await admin.audit()).at(-1);
    assert.deepEqual([alarm.action, alarm.outcome, alarm.target], ["key.never_issued", "alarm", made.key_id]);
  });

  it("every signing key of the audience is dead with the answer, planned ones too, and who must be issued anew is counted", async () => {
    for (const key of [made.key, revoked.key]) await throughProxy(worker, key);
    answer = await rotate(admin, { compromised: true, reason: "a key set was found in a bucket" });
    assert.equal(answer.status, 200, answer.text);
    const { epoch, epochs, dead_epochs, keys_to_reissue, key_set_version, least_key_set_version, bound } = answer.json;
    assert.deepEqual([epoch, dead_epochs, epochs.map((one) => one.epoch), keys_to_reissue], [3, [1, 2], [3], 1]);
    assert.deepEqual([key_set_version, least_key_set_version, bound.typical_ms], [3, 3, 5_000]);
    const head = await headOf(worker);
    assert.deepEqual(head.dead, [{ audience: 1, epoch: 1 }, { audience: 1, epoch: 2 }]);
    assert.deepEqual([head.audiences[0].currentKeySet, head.audiences[0].leastKeySet], [3, 3]);
    assert.deepEqual([head.audiences[1].currentKeySet, head.audiences[1].leastKeySet], [1, 1], "another audience's are what they were");
  });

  it("old keys and forged ones are dead: for the registry at once, for the list and behind proxies within the bound", async () => {
    const keys = [made.key, forged(made.key, stolen)];
    for (const key of keys) assert.equal((await admin.verify(key, strict)).json.decision, "deny");
    const end = Date.now() + WITHIN_MS;
    for (const key of keys) {
      await eventually("a denial", async () => (await admin.verify(key)).json.decision === "deny", end - Date.now());
      await eventually("a refusal behind a proxy", async () => (await throughProxy(worker, key)).status !== 200, end - Date.now());
      for (let n = 0; n < 5; n++) {
        assert.equal((await admin.verify(key)).json.status, 401);
        assert.equal((await throughProxy(worker, key)).status, 401);
      }
    }
    const view = await admin.read(made.key_id);
    assert.deepEqual(view.json.generations.map(({ state, end_reason }) => [state, end_reason]), [["revoked", "its signing key was compromised"]]);
    const jobs = await admin.verify(job.key, { audience: "jobs", scopes: ["jobs:run"] });
    assert.equal(jobs.json.decision, "allow");
  });

  it("the new key set holds nothing of the old one but what tells lists", async () => {
    const fresh = await takeKeySet(gateway, { "If-None-Match": '"1-1-2"' });
    assert.equal(fresh.status, 200);
    const set = parseKeySet(fresh.bytes);
    assert.deepEqual(set.signingKeys.map(({ epoch }) => epoch), [3]);
    for (const { key } of stolen.signingKeys) assert.ok(!fresh.bytes.includes(key));
    assert.throws(() => forged(made.key, set), "there is nothing left to forge with");
  });

  it("keys are issued anew under their ids by rotating them; one that was revoked for itself stays dead", async () => {
    const again = await admin.post(`/v1/keys/${made.key_id}/rotate`);
    assert.deepEqual([again.status, again.json.key_id, again.json.generations.length], [201, made.key_id, 2], again.text);
    assert.equal(KeyText.parse(again.json.key).base[4], 3);
    assert.equal((await admin.verify(again.json.key, strict)).json.decision, "allow");
    await eventually("the new one passes the proxy", async () => (await throughProxy(worker, again.json.key)).status === 200, WITHIN_MS);
    assert.equal((await admin.verify(made.key)).json.decision, "deny");
    const dead = await admin.post(`/v1/keys/${revoked.key_id}/rotate`);
    assert.deepEqual([dead.status, dead.json.code], [409, "key_ended"]);
    assert.equal((await admin.create({})).status, 201);
    const entry = (await admin.audit()).find(({ action }) => action === "signing_key.compromise");
    assert.deepEqual([entry.target, entry.reason, entry.audience, entry.request_id], ["epoch 3 instead of 1, 2", "a key set was found in a bucket", 1, answer.requestId]);
  });

  it("of the administration itself every administrator is dead: not without force, and a new bootstrap issues anew", async () => {
    const refused = await rotate(admin, { compromised: true }, { audience: "wardkey" });
    assert.deepEqual([refused.status, refused.json.code], [409, "last_admin"]);
    assert.equal((await admin.get("/v1/policy")).status, 200);
    const forced = await rotate(admin, { compromised: true, force: true }, { audience: "wardkey" });
    assert.deepEqual([forced.status, forced.json.key_set_version, forced.json.dead_epochs], [200, null, [1]], forced.text);
    for (const dead of [admin, gateway]) assert.equal((await dead.get("/v1/policy")).status, 401);
    const next = await worker.recovered("ops:grace");
    const again = await next.post(`/v1/keys/${gateway.keyId}/rotate`);
    assert.equal(again.status, 201, again.text);
    assert.equal((await takeKeySet(worker.client(again.json.key))).status, 200);
  });
});

describe("a verifier that cannot have the new key set", () => {
  it("answers 503 no_key_set to good and bad keys alike, and never allows by the old one", async () => {
    const { worker, admin } = await tenant({ shim: true, limit: 1_000_000 });
    const { key, key_id } = (await admin.create({})).json;
    const forgery = KeyText.parse(key).with({ tag: randomBytes(TAG_LEN) }).text;
    assert.equal((await throughProxy(worker, key)).status, 200);
    await worker.shim("no-material");
    assert.equal((await rotate(admin, { compromised: true })).status, 200);
    const renewed = (await admin.post(`/v1/keys/${key_id}/rotate`)).json.key;
    const lost = await eventually("no_key_set", async () => {
      const found = await throughProxy(worker, key);
      return found.status !== 200 && found;
    }, WITHIN_MS);
    assert.deepEqual([lost.status, lost.headers["wardkey-code"]], [503, "no_key_set"], lost.text);
    assert.ok(Number(lost.headers["retry-after"]) > 0);
    for (let n = 0; n < 5; n++) {
      const answers = [await throughProxy(worker, key), await throughProxy(worker, renewed)];
      assert.deepEqual(answers.map(({ status, headers }) => [status, headers["wardkey-code"]]), [[503, "no_key_set"], [503, "no_key_set"]]);
      // What was never right is told so all the same.
      assert.equal((await throughProxy(worker, forgery)).status, 401);
    }
    await worker.shim("pass");
    await eventually("the new one passes", async () => (await throughProxy(worker, renewed)).status === 200, WITHIN_MS);
    assert.equal((await throughProxy(worker, key)).status, 401);
  });
});
