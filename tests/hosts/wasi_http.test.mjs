// A guard and a service of wasi:http that knows nothing of keys, composed into one component, in wasmtime and with a real registry: what reaches the
// service, what the caller is told, how long a revoked key lives, and what an instance knows when the registry is away.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { eventually } from "../harness/client.mjs";
import { Front } from "../harness/front.mjs";
import { Guarded } from "../harness/guarded.mjs";
import { FRESH_FOR_MS, Tenant } from "../harness/tenant.mjs";

describe("the guard of a service of wasi:http", () => {
  let worker, admin, settings, guarded, key;

  before(async () => {
    const tenant = await Tenant.start();
    ({ worker, admin } = tenant);
    settings = {
      WARDKEY_REGISTRY: worker.url, WARDKEY_CREDENTIAL: tenant.gateway.credential, WARDKEY_SCOPES: "reports:read",
      WARDKEY_SCOPES_POST: "reports:read reports:write", WARDKEY_SCOPES_PUT: "reports:export", WARDKEY_SCOPES_DELETE: "reports:purge",
      WARDKEY_ADDRESS_HEADER: "X-Real-IP",
    };
    key = (await admin.create({ scopes: ["reports:read", "reports:write"] })).json;
    guarded = await Guarded.start(settings);
  });

  it("lets the first call through, with nothing fetched before it", async () => {
    const { status, text } = await guarded.bearer(key.key);
    assert.equal(status, 200, text);
  });

  it("tells the service who calls, and neither the key nor what a caller only claims", async () => {
    const headers = { "Wardkey-Subject": "svc:root", wardkey_subject: "svc:root", "Wardkey-Key-Id": ["key_0", "key_1"], "Wardkey-Scopes": "all", "X-Kept": "1" };
    const { status, text } = await guarded.bearer(key.key, "/reports?page=2&a=%2F", { method: "POST", headers, body: "in the body" });
    assert.equal(status, 200);
    const [target, ...lines] = text.split("\n");
    const heard = lines.slice(0, lines.indexOf("")).sort();
    assert.equal(target, "POST /reports?page=2&a=%2F");
    assert.deepEqual(heard.filter((line) => !line.startsWith("content-length")), [`wardkey-key-id: ${key.key_id}`, "wardkey-subject: svc:billing", "x-kept: 1"]);
    assert.ok(text.endsWith("in the body"));
    assert.ok(!text.includes(key.key));
  });

  it("gives the service an environment with nothing in it: the guard's credential is in the host's", async () => {
    const { text } = await guarded.bearer(key.key, "/environment");
    assert.match(text, /^GET \/environment\n/);
    assert.ok(text.endsWith("0.2: [], []\n0.3: [], []\n"), "empty in either version");
  });

  it("answers by the table, with a challenge where a credential would help, and no service hears of it", async () => {
    const forged = `${key.key.slice(0, -8)}AAAAAAAA`;
    const other = (await admin.create({ audience: "jobs", scopes: ["jobs:run"] })).json.key;
    const readOnly = (await admin.create({ scopes: ["reports:read"] })).json.key;
    const bearer = (text) => ({ headers: { Authorization: `Bearer ${text}` } });
    const challenge = (error) => `Bearer realm="wardkey"${error === undefined ? "" : `, error="${error}"`}`;
    for (const [path, asked, status, code, error] of [
      ["/", {}, 401, "credential_missing", undefined],
      ["/", { headers: { Authorization: "Basic YTpi" } }, 401, "credential_missing", undefined],
      ["/", bearer("nonsense"), 401, "invalid_token", "invalid_token"],
      ["/", bearer(forged), 401, "invalid_token", "invalid_token"],
      ["/", bearer(other), 401, "invalid_token", "invalid_token"],
      ["/", { headers: { Authorization: [`Bearer ${key.key}`, `Bearer ${key.key}`] } }, 400, "invalid_request", "invalid_request"],
      ["/", { headers: { Authorization: `Bearer ${key.key}`, Cookie: `k=${key.key}` } }, 400, "invalid_request", "invalid_request"],
      [`/?key=${key.key}`, bearer(key.key), 400, "invalid_request", "invalid_request"],
      ["/", { ...bearer(readOnly), method: "POST" }, 403, "scope_missing", "insufficient_scope"],
    ]) {
      const answer = await guarded.ask(path, asked);
      assert.deepEqual([answer.status, answer.json?.code, answer.json?.status], [status, code, status], answer.text);
      assert.equal(answer.headers["www-authenticate"], status === 401 || error !== undefined ? challenge(error) : undefined, code);
      assert.equal(answer.headers["content-type"], "application/problem+json");
      assert.equal(answer.headers["cache-control"], "no-store");
    }
  });

  it("knows where a call comes from by the header that a proxy in front sets, and by nothing else", async () => {
    const { key: bound } = (await admin.create({ constraints: { networks: ["192.0.2.0/24"] } })).json;
    const from = async (headers) => (await guarded.bearer(bound, "/", { headers })).status;
    assert.equal(await from({ "X-Real-IP": "192.0.2.7" }), 200);
    assert.equal(await from({ "X-Real-IP": "198.51.100.7" }), 403);
    assert.equal(await from({ "X-Real-IP": ["192.0.2.7", "192.0.2.7"] }), 403);
    assert.equal(await from({ "X-Forwarded-For": "192.0.2.7" }), 403);
    assert.equal(await from({}), 403);
  });

  it("asks the registry for strict scopes, and takes its word at once", async () => {
    const purger = (await admin.create({ scopes: ["reports:purge"] })).json;
    const answers = await Promise.all(Array.from({ length: 10 }, () => guarded.bearer(purger.key, "/", { method: "DELETE" })));
    assert.deepEqual(answers.map(({ status }) => status), Array(10).fill(200));
    await admin.revoke(purger.key_id);
    const { status, json } = await guarded.bearer(purger.key, "/", { method: "DELETE" });
    assert.deepEqual([status, json.code], [401, "revoked"]);
  });

  it("denies a revoked key within fresh-for, in a crowd of calls", async () => {
    const doomed = (await admin.create({})).json;
    assert.equal((await guarded.bearer(doomed.key)).status, 200);
    await admin.revoke(doomed.key_id);
    const revoked = Date.now();
    let last = revoked;
    for (let denied = 0; denied < 40; ) {
      const asked = Date.now();
      const answers = await Promise.all(Array.from({ length: 20 }, () => guarded.bearer(doomed.key)));
      for (const { status, json } of answers) {
        if (status === 200) [last, denied] = [asked, 0];
        else assert.deepEqual([status, json.code, ++denied > 0], [401, "inactive", true]);
      }
      assert.ok(Date.now() < revoked + 2 * FRESH_FOR_MS, "it lives on");
      await sleep(50);
    }
    console.log(`the last was let through ${last - revoked} ms after the revocation`);
    assert.ok(last - revoked <= FRESH_FOR_MS);
  });

  it("with an instance for every call fetches all of it every time, and decides the same", async () => {
    const fresh = await Guarded.start(settings, ["--max-instance-reuse-count", "1"]);
    const doomed = (await admin.create({})).json;
    assert.equal((await fresh.bearer(doomed.key)).status, 200);
    await admin.revoke(doomed.key_id);
    assert.equal((await fresh.bearer(doomed.key)).status, 401, "at once");
    assert.equal((await fresh.bearer(key.key)).status, 200);
    await fresh.end();
  });

  it("reads the registry's answers however they arrive, and takes none that broke off", async () => {
    const front = await Front.start(worker.url);
    const behind = { ...settings, WARDKEY_REGISTRY: front.url };
    front.manner = "pieces";
    // An instance for every call reads three answers for each.
    const patient = await Guarded.start(behind, ["--max-instance-reuse-count", "1"]);
    for (let call = 0; call < 8; call++) assert.equal((await patient.bearer(key.key)).status, 200, patient.said);
    front.manner = "cut";
    const { status, json } = await patient.bearer(key.key);
    assert.deepEqual([status, json.code], [503, "no_key_set"]);
    await patient.says(/there is no new key set: the registry's answer cannot be read/);
    await patient.end();
  });

  it("has a fresh instance after one that trapped", async () => {
    assert.equal((await guarded.bearer(key.key, "/trap")).status, 500);
    assert.equal((await guarded.ask("/")).status, 401);
    assert.equal((await guarded.bearer(key.key)).status, 200);
  });

  it("goes on under callers who go away while something is fetched for them", async () => {
    const { key: purger } = (await admin.create({ scopes: ["reports:purge"] })).json;
    const besieged = await Guarded.start(settings);
    for (let round = 0; round < 10; round++) {
      await Promise.all(Array.from({ length: 20 }, (_, after) => besieged.breakOff(purger, { method: "DELETE", after })));
    }
    assert.equal((await besieged.bearer(key.key)).status, 200);
    assert.equal((await besieged.bearer(purger, "/", { method: "DELETE" })).status, 200);
    await besieged.end();
  });

  it("says what is wrong with its settings, and lets nothing through", async () => {
    for (const [name, value] of [["WARDKEY_CREDENTIAL", ""], ["WARDKEY_REGISTRY", "http://registry.example"], ["WARDKEY_SCOPES", "reports:unknown"]]) {
      const wrong = await Guarded.start({ ...settings, [name]: value });
      const { status, json } = await wrong.bearer(key.key);
      assert.deepEqual([status, json.code], [503, "verifier_failed"]);
      await wrong.says(new RegExp(name));
      await wrong.end();
    }
    const stranger = await Guarded.start({ ...settings, WARDKEY_CREDENTIAL: key.key });
    const { status, json } = await stranger.bearer(key.key);
    assert.deepEqual([status, json.code], [503, "no_key_set"]);
    await stranger.says(/the registry answers 40/);
    await stranger.end();
  });

  it("goes on by the list it has while the registry is away, and denies what it may not know", async () => {
    const all = (await admin.create({ scopes: ["reports:read", "reports:export", "reports:purge"] })).json.key;
    const fresh = await Guarded.start(settings, ["--max-instance-reuse-count", "1"]);
    await eventually("a list that knows the key", async () => (await guarded.bearer(all)).status === 200);
    await worker.stop();
    await sleep(FRESH_FOR_MS + 500);
    assert.equal((await guarded.bearer(all)).status, 200, "an hour is allowed for a low risk");
    const strict = await guarded.bearer(all, "/", { method: "DELETE" });
    assert.deepEqual([strict.status, strict.json.code, strict.headers["retry-after"], strict.headers["www-authenticate"]], [503, "registry_unavailable", "1", undefined]);
    // Whose every call begins with nothing has nobody to fetch it from.
    const denied = await fresh.bearer(all);
    assert.deepEqual([denied.status, denied.json.code, denied.headers["retry-after"]], [503, "no_key_set", "1"]);
    await fresh.end();
  });

  it("has said who was denied what, and never a key", async () => {
    await guarded.says(/deny 403 scope_missing svc:billing key_/);
    await guarded.says(/the list is not refreshed: the registry/);
    const payload = key.key.slice(key.key.indexOf("_test_") + 6);
    for (const secret of [key.key, payload.slice(0, 40), payload.slice(-40), settings.WARDKEY_CREDENTIAL]) assert.ok(!guarded.said.includes(secret));
    await guarded.end();
  });
});
