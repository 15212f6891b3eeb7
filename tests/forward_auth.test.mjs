// Forward auth: what a proxy is told, and what real proxies make of it on the configuration that the README shows.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, it } from "node:test";

import { eventually } from "./harness/client.mjs";
import { flipped, KeyText } from "./harness/key_text.mjs";
import { certificate, freePort, Proxy, Service } from "./harness/proxy.mjs";
import { POLICY, Worker } from "./harness/worker.mjs";

const PROXIES = ["nginx", "caddy"];
const ROUTE = "/v1/forward-auth/1/api?scope=reports:read";
const CHALLENGE = 'Bearer realm="wardkey"';
const bearer = (key) => ["Authorization", `Bearer ${key}`];
const later = () => Math.floor(Date.now() / 1000) + 600;

/** Servers that end with the file, whatever happens before. */
const servers = [];
after(() => servers.map((server) => (server.closeAllConnections(), server.close())));
async function listening(server) {
  servers.push(server);
  await new Promise((listens) => server.listen(0, "127.0.0.1", listens));
  return server.address().port;
}

/** As a proxy asks. */
const ask = (worker, key, { route = ROUTE, method = "GET", headers } = {}) =>
  worker.client(key).request(method, route, { headers });

describe("the route, as a proxy asks it", () => {
  let worker, admin, made, key;

  before(async () => {
    worker = await Worker.start();
    admin = await worker.administrator();
    made = (await admin.create({ scopes: ["reports:read", "reports:write"] })).json;
    key = made.key;
  });

  it("an allow is 200 without a body: subject, key id, scopes and end of the key in headers", async () => {
    for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      const answer = await ask(worker, key, { method });
      assert.equal(answer.status, 200, `${method} ${answer.text}`);
      assert.equal(answer.text, "");
      const { headers } = answer;
      assert.equal(headers["wardkey-subject"], "svc:billing");
      assert.equal(headers["wardkey-key-id"], made.key_id);
      assert.equal(headers["wardkey-scopes"], "reports:read reports:write");
      assert.equal(headers["wardkey-expires-at"], String(made.generations[0].expires_at));
      assert.equal(headers["cache-control"], "no-store");
      assert.equal(headers["wardkey-code"], undefined);
    }
  });

  it("no verifier's credential is needed, and nobody's key set or list is given out", async () => {
    const answer = await ask(worker, undefined);
    assert.deepEqual([answer.status, answer.json.code], [401, "credential_missing"]);
    assert.equal(answer.headers["www-authenticate"], CHALLENGE);
    assert.equal(answer.headers["wardkey-code"], "credential_missing");
  });

  it("the key may stand in the header that the proxy's configuration names, and then only there", async () => {
    const route = `${ROUTE}&header=X-API-Key`;
    const inHeader = await ask(worker, undefined, { route, headers: { "x-api-key": key } });
    assert.equal(inHeader.status, 200);
    const elsewhere = await ask(worker, key, { route });
    assert.deepEqual([elsewhere.status, elsewhere.json.code], [400, "invalid_request"]);
    // Another service's credential is none of ours.
    const basic = await ask(worker, undefined, { route, headers: { "x-api-key": key, Authorization: "Basic dTpw" } });
    assert.equal(basic.status, 200);
    for (const headers of [{}, { "x-api-key": "" }]) {
      assert.equal((await ask(worker, undefined, { route, headers })).headers["www-authenticate"], CHALLENGE);
    }
    const twice = await ask(worker, undefined, { route, headers: { "x-api-key": [key, key] } });
    assert.deepEqual([twice.status, twice.json.code], [400, "invalid_request"]);
    // A caller does not choose the header.
    const ofCaller = await ask(worker, undefined, { headers: { "x-api-key": key } });
    assert.notEqual(ofCaller.status, 200);
  });

  it("any-of and strict are asked for in the configuration", async () => {
    const route = (query) => `/v1/forward-auth/1/api?${query}`;
    const both = "scope=reports:read&scope=reports:export";
    assert.equal((await ask(worker, key, { route: route(both) })).json.code, "scope_missing");
    assert.equal((await ask(worker, key, { route: route(`${both}&match=all`) })).json.code, "scope_missing");
    assert.equal((await ask(worker, key, { route: route(`${both}&match=any`) })).status, 200);
    assert.equal((await ask(worker, key, { route: route("scope=reports:read&strict=true") })).status, 200);
    assert.equal((await ask(worker, key, { route: route("scope=reports%3Aread") })).status, 200);
  });

  it("what follows `original=`, where Envoy puts its caller's URL, changes nothing but for a key in it", async () => {
    const { key: other } = (await admin.create({ scopes: ["reports:write"] })).json;
    const uris = ["", "/", "/reports?x=1", "/?scope=reports:write", "/&scope=reports:write&match=any", "/?match=any&scope=reports:write&original=/", "/x&header=X-Other", "/#&scope=reports:write", "/%"];
    for (const uri of uris) {
      const route = `${ROUTE}&original=${uri}`;
      assert.equal((await ask(worker, key, { route })).status, 200, uri);
      assert.equal((await ask(worker, other, { route })).json.code, "scope_missing", uri);
    }
    for (const uri of [`/${key}`, `/?key=${key}`, `/?key=${key.replace("wk_", "wk%5F")}`]) {
      const answer = await ask(worker, key, { route: `${ROUTE}&original=${uri}` });
      assert.deepEqual([answer.status, answer.json.code], [400, "invalid_request"]);
    }
  });

  it("a configuration that says nothing, something twice or something unknown is refused", async () => {
    const wrong = ["", "?", "?scope=", "?scope=reports:read&scope=", "?scope=reports:fly", `${"?scope=reports:read"}&match=some`,
      "?scope=reports:read&match=any&match=any", "?scope=reports:read&strict=1", "?scope=reports:read&header=", "?scope=reports:read&header=a_b",
      "?scope=reports:read&header=Authorization", "?scope=reports:read&header=wardkey-subject", "?scope=reports:read&header=A&header=B",
      "?scope=reports:read&subject=ops:ada", "?scope=reports:read&tenant=1", "?original=/&scope=reports:read", "?scope=reports:read/x?original=", "?SCOPE=reports:read"];
    for (const query of wrong) {
      const answer = await ask(worker, key, { route: `/v1/forward-auth/1/api${query}` });
      assert.deepEqual([answer.status, answer.json.code], [400, "invalid_field"], query);
      assert.equal(answer.headers["wardkey-subject"], undefined);
    }
    assert.equal((await ask(worker, key, { route: "/v1/forward-auth/1/api/more?scope=reports:read" })).status, 404);
  });

  it("every refusal is the table's", async () => {
    const text = KeyText.parse(key);
    const of = async (request) => (await admin.create(request)).json;
    const suspended = await of({});
    assert.equal((await admin.post(`/v1/keys/${suspended.key_id}/suspend`, { reason: "holiday" })).status, 200);
    const revoked = await of({ scopes: ["reports:read", "reports:purge"] });
    await admin.revoke(revoked.key_id);
    const second = (type, time) => [type, 4, ...Buffer.from(new Uint32Array([time]).buffer).reverse()];
    const purge = "/v1/forward-auth/1/api?scope=reports:purge";
    const cases = [
      ["expired", text.narrowed(second(2, later() - 900)).text, ROUTE, 401, "invalid_token"],
      ["not_yet_valid", text.narrowed(second(3, later())).text, ROUTE, 401, "invalid_token"],
      ["revoked", revoked.key, purge, 401, "invalid_token"],
      ["suspended", suspended.key, `${ROUTE}&strict=true`, 401, "invalid_token"],
      ["scope_missing", (await of({ scopes: ["reports:write"] })).key, ROUTE, 403, "insufficient_scope"],
      ["narrowed", text.narrowed([1, 1, 2]).text, ROUTE, 403, "insufficient_scope"],
      ["address_not_allowed", text.narrowed([4, 6, 4, 8, 10, 0, 0, 0]).text, ROUTE, 403, "insufficient_scope"],
      ["invalid_token", text.with({ tag: randomBytes(16) }).text, ROUTE, 401, "invalid_token"],
    ];
    for (const [code, one, route, status, error] of cases) {
      // The list knows of the suspension within the bound; where the registry is asked, at once.
      const answer = await ask(worker, one, { route });
      assert.deepEqual([answer.status, answer.json.code, answer.headers["wardkey-code"]], [status, code, code], code);
      assert.equal(answer.headers["www-authenticate"], `${CHALLENGE}, error="${error}"`, code);
      assert.equal(answer.headers["cache-control"], "no-store");
      assert.match(answer.headers["content-type"], /problem\+json/);
      for (const name of ["subject", "key-id", "scopes", "expires-at"]) assert.equal(answer.headers[`wardkey-${name}`], undefined);
    }
  });

  it("the caller's address is the proxy's word, one word, or it is not known", async () => {
    const { key: local } = (await admin.create({ constraints: { networks: ["10.0.0.0/8", "2001:db8::/32"] } })).json;
    const from = (value) => ask(worker, local, { headers: { "Wardkey-Client-Address": value } });
    for (const good of ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1", " 10.1.2.3 "]) assert.equal((await from(good)).status, 200, good);
    for (const bad of [undefined, "", "11.0.0.1", "2001:db9::1", "10.1.2.3:80", "10.1.2.3, 10.1.2.3", ["10.1.2.3", "10.1.2.3"], "unix:", "10.1.2"]) {
      const answer = await from(bad);
      assert.deepEqual([answer.status, answer.json.code], [403, "address_not_allowed"], String(bad));
    }
    const other = { "X-Forwarded-For": "10.1.2.3", "X-Real-IP": "10.1.2.3", Forwarded: "for=10.1.2.3", Wardkey_Client_Address: "10.1.2.3" };
    assert.equal((await ask(worker, local, { headers: other })).status, 403);
  });

  it("a key in the caller's URL, or a second one in any header, is refused though the first is good", async () => {
    const encoded = [...key].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join("");
    const uris = [`/${key}`, `/x?key=${key}`, `/x?key=${encoded}`, `/x?a=b&${key}`, `/x?u=${encodeURIComponent(`/y?k=${key}`)}`];
    for (const name of ["X-Original-URI", "X-Original-URL", "X-Forwarded-Uri", "X-Envoy-Original-Path", "Referer"]) {
      for (const uri of uris) {
        const answer = await ask(worker, key, { headers: { [name]: uri } });
        assert.deepEqual([answer.status, answer.json.code], [400, "invalid_request"], `${name} ${uri.slice(0, 12)}`);
        assert.match(answer.json.detail, /URL/);
        assert.ok(!answer.text.includes(key));
      }
      assert.equal((await ask(worker, key, { headers: { [name]: "/x?key=hunter2#wk_live_" } })).status, 200);
    }
    for (const name of ["X-API-Key", "Cookie", "X-Anything", "Wardkey-Subject", "Proxy-Authorization"]) {
      const answer = await ask(worker, key, { headers: { [name]: `a=${key}; b` } });
      assert.deepEqual([answer.status, answer.json.code], [400, "invalid_request"], name);
    }
    const twice = await ask(worker, undefined, { headers: { Authorization: [`Bearer ${key}`, `Bearer ${key}`] } });
    assert.deepEqual([twice.status, twice.json.code], [400, "invalid_request"]);
    assert.equal(twice.headers["www-authenticate"], `${CHALLENGE}, error="invalid_request"`);
    const inOurs = await ask(worker, undefined, { route: `${ROUTE}&header=${key}` });
    assert.deepEqual([inOurs.status, inOurs.json.code], [400, "invalid_request"]);
  });

  it("what is no key of this audience, and what audience is not there, is one answer, byte for byte", async () => {
    const other = (await admin.create({ audience: "jobs", scopes: ["jobs:run"] })).json.key;
    const text = KeyText.parse(key);
    const foreign = text.with({ base: { tenant: 999 } }).text;
    const at = (path) => `/v1/forward-auth/${path}?scope=reports:read`;
    const cases = {
      "not a key": [ROUTE, "hunter2"],
      "a typo": [ROUTE, `${key.slice(0, -1)}${key.endsWith("A") ? "B" : "A"}`],
      "a forged tag": [ROUTE, text.with({ tag: flipped(text.tag) }).text],
      "another epoch": [ROUTE, text.with({ base: { epoch: 2 } }).text],
      "a right key of another audience": [ROUTE, other],
      "an administrator": [ROUTE, admin.credential],
      "a bootstrap token": [ROUTE, worker.token],
      "another tenant's key": [ROUTE, foreign],
      "a tenant that nobody made": [at("999/api"), foreign],
      "a right key at another tenant": [at("999/api"), key],
      "a right key at an audience that is not there": [at("1/nothing"), key],
      "a right key at another audience, whose scope that is not": [at("1/jobs"), key],
      "a scope that is not there, for a forged key": ["/v1/forward-auth/1/api?scope=reports:fly", text.with({ tag: flipped(text.tag) }).text],
      "a scope that is not there, for another audience's key": ["/v1/forward-auth/1/api?scope=reports:fly", other],
      "administration by name": [at("1/wardkey"), admin.credential],
      "administration by number": [at("1/0"), admin.credential],
      "an audience by number": [at("1/1"), key],
      "a name too long": [at(`1/${"a".repeat(64)}`), key],
      "a name escaped": [at("1/a%70i"), key],
      "a tenant in another spelling": [at("01/api"), key],
      "no number": [at("x/api"), key],
      "a number too large": [at("65537/api"), key],
    };
    const likenesses = new Map();
    for (const [name, [route, one]] of Object.entries(cases)) {
      const { likeness } = await ask(worker, one, { route });
      likenesses.set(likeness, [...(likenesses.get(likeness) ?? []), name]);
    }
    assert.deepEqual([...likenesses.values()], [Object.keys(cases)]);
    const [likeness] = likenesses.keys();
    assert.match(likeness, /^401\n/);
    assert.match(likeness, /"code":"invalid_token"/);
    assert.equal((await ask(worker, key)).status, 200);
    // Without a credential, too, nothing shows.
    const without = await Promise.all([ROUTE, at("999/api"), at("1/nothing"), at("x/y")].map((route) => ask(worker, undefined, { route })));
    assert.equal(new Set(without.map((answer) => answer.likeness)).size, 1);
  });

  it("revoked, it is refused within the stated bound, and asked strictly at once", async () => {
    const { key: short, key_id } = (await admin.create({})).json;
    assert.equal((await ask(worker, short)).status, 200);
    const { bound } = (await admin.revoke(key_id)).json;
    assert.equal((await ask(worker, short, { route: `${ROUTE}&strict=true` })).status, 401);
    const within = bound.typical_ms + bound.max_skew_ms;
    const refused = await eventually("a refusal", async () => {
      const answer = await ask(worker, short);
      return answer.status !== 200 && answer;
    }, within);
    assert.deepEqual([refused.status, refused.json.code], [401, "inactive"]);
  });
});

// Each with a worker of its own, and most of them wait: side by side.
describe("what the registry is asked, and when it is away", { concurrency: true }, () => {
  // One after the other: the harness knows a workerd by when it was started.
  let starting = Promise.resolve();
  const start = (options) => (starting = starting.then(() => Worker.start(options)));

  it("nothing for what is no well-formed key of the tenant, and nothing for a forged one once the key set is there", async () => {
    const worker = await start({ shim: true });
    const admin = await worker.administrator();
    const { key } = (await admin.create({})).json;
    const text = KeyText.parse(key);
    const forged = text.with({ tag: flipped(text.tag) }).text;
    await worker.shim("fail");
    const before = await worker.shimCalls();
    // Cold: only a key that might be one makes it ask, and then no answer is no allow and no 401.
    for (const one of ["hunter2", key.slice(0, -1), text.with({ base: { tenant: 2 } }).text]) assert.equal((await ask(worker, one)).status, 401);
    assert.equal(await worker.shimCalls(), before);
    for (const one of [key, forged]) {
      const answer = await ask(worker, one);
      assert.deepEqual([answer.status, answer.json.code], [503, "no_key_set"]);
      assert.ok(Number(answer.headers["retry-after"]) > 0);
      assert.equal(answer.headers["www-authenticate"], undefined);
    }
    assert.equal(await worker.shimCalls(), before + 2);
    await worker.shim("pass");
    assert.equal((await ask(worker, key)).status, 200);
    const warm = await worker.shimCalls();
    for (let n = 0; n < 50; n++) {
      const one = n % 2 ? text.with({ tag: randomBytes(16) }) : text.with({ base: { epoch: 2 } });
      assert.equal((await ask(worker, one.text)).status, 401);
    }
    assert.equal(await worker.shimCalls(), warm);
    // A key of an epoch that is not known may be of a new one: that is asked, once in some seconds.
    await sleep(5_100);
    for (let n = 0; n < 10; n++) assert.equal((await ask(worker, text.with({ base: { epoch: 2 } }).text)).status, 401);
    assert.equal(await worker.shimCalls(), warm + 1);
    // Nor does it turn into anything else when nobody answers.
    await worker.shim("hang");
    await sleep(5_100);
    assert.equal((await ask(worker, text.with({ base: { epoch: 2 } }).text)).status, 401);
  });

  it("once for a cold burst of one audience, and what would ask more often is limited", async () => {
    const worker = await start({ limit: 3 });
    const admin = await worker.administrator();
    const { key } = (await admin.create({})).json;
    const burst = await Promise.all(Array.from({ length: 50 }, () => ask(worker, key)));
    assert.deepEqual([...new Set(burst.map(({ status }) => status))], [200]);
    // One of three is used up: two more names may be asked for, and then no more.
    const statuses = [];
    for (const name of ["a", "b", "c", "d"]) {
      const answer = await ask(worker, key, { route: `/v1/forward-auth/1/${name}?scope=reports:read` });
      statuses.push(answer.status);
      if (answer.status === 429) {
        assert.equal(answer.json.code, "too_many_requests");
        assert.ok(Number(answer.headers["retry-after"]) > 0);
      }
    }
    assert.deepEqual(statuses, [401, 401, 429, 429]);
    for (let n = 0; n < 10; n++) assert.equal((await ask(worker, key)).status, 200);
  });

  it("a key of a new epoch is judged by a new key set, and one of a compromised epoch dies", async () => {
    const worker = await start();
    const admin = await worker.administrator();
    const { key: old } = (await admin.create({})).json;
    assert.equal((await ask(worker, old)).status, 200);
    await sleep(5_100);
    const rotated = await admin.post("/v1/signing-keys/api/rotate", { compromised: true, reason: "found in a log" });
    assert.ok(rotated.status < 300, rotated.text);
    const { key } = (await admin.create({})).json;
    assert.equal((await ask(worker, key)).status, 200);
    // The isolate has the new key set at once: what it does not hold it does not know.
    const dead = await ask(worker, old);
    assert.deepEqual([dead.status, dead.json.code], [401, "invalid_token"]);
  });

  it("a tenant that was destroyed is as unknown as one that never was, strictly at once and otherwise within the bound", async () => {
    const worker = await start();
    const admin = await worker.administrator();
    const { key } = (await admin.create({ scopes: ["reports:read", "reports:purge"] })).json;
    assert.equal((await ask(worker, key)).status, 200);
    const unknown = await ask(worker, "hunter2");
    assert.equal((await admin.post("/v1/tenant/destroy", { confirm: 1 })).status, 200);
    assert.equal((await ask(worker, key, { route: "/v1/forward-auth/1/api?scope=reports:purge" })).likeness, unknown.likeness);
    await eventually("a refusal", async () => (await ask(worker, key)).likeness === unknown.likeness, 10_000);
    // And where nothing is held.
    assert.equal((await ask(worker, key, { route: "/v1/forward-auth/1/jobs?scope=jobs:run" })).likeness, unknown.likeness);
  });

  it("a level's figure counts, as for /v1/verify: then 503 and never an allow", async () => {
    const worker = await start({ shim: true });
    const admin = await worker.administrator();
    const keys = (await admin.create({ scopes: ["reports:read", "reports:export", "reports:purge"] })).json;
    const at = (scope) => ask(worker, keys.key, { route: `/v1/forward-auth/1/api?scope=${scope}` });
    for (const scope of ["reports:read", "reports:export", "reports:purge"]) assert.equal((await at(scope)).status, 200);
    const warmed = Date.now();
    await worker.shim("hang");
    const strict = await at("reports:purge");
    assert.deepEqual([strict.status, strict.json.code], [503, "registry_unavailable"]);
    await sleep(6_000);
    for (const scope of ["reports:read", "reports:export"]) assert.equal((await at(scope)).status, 200, scope);
    await sleep(Math.max(0, warmed + 31_500 - Date.now()));
    const high = await at("reports:export");
    assert.deepEqual([high.status, high.json.code], [503, "list_stale"]);
    assert.equal((await at("reports:read")).status, 200);
    await worker.shim("pass");
    await sleep(1_100);
    for (const scope of ["reports:read", "reports:export", "reports:purge"]) assert.equal((await at(scope)).status, 200, scope);
  });

  for (const kind of PROXIES) {
    it(`${kind} passes on 503 for what cannot be judged, and what the list may still decide`, async () => {
      const worker = await start({ shim: true });
      const admin = await worker.administrator();
      const { key } = (await admin.create({ scopes: ["reports:read", "reports:purge"] })).json;
      const service = await Service.start();
      const usual = await Proxy.start(kind, { backend: worker.url, service });
      const strict = await Proxy.start(kind, { backend: worker.url, service, changes: { "scope=reports:read": "scope=reports:purge" } });
      const sent = (proxy) => proxy.request("GET", "/", [bearer(key)]);
      const unjudged = (answer, code) => {
        assert.deepEqual([answer.status, answer.json.code], [503, code]);
        assert.ok(Number(answer.headers["retry-after"]) > 0);
        assert.equal(answer.headers["www-authenticate"], undefined);
        assert.deepEqual(service.seen(), []);
      };
      for (const mode of ["fail", "hang"]) {
        await worker.shim(mode);
        unjudged(await sent(usual), "no_key_set");
      }
      await worker.shim("pass");
      for (const proxy of [usual, strict]) assert.equal((await sent(proxy)).status, 200);
      assert.equal(service.seen().length, 2);
      for (const mode of ["fail", "hang", "mute"]) {
        await worker.shim(mode);
        unjudged(await sent(strict), "registry_unavailable");
        assert.equal((await sent(usual)).status, 200);
        assert.equal(service.seen().length, 1);
      }
    });

    it(`${kind} passes on 429 when too many ask for the first time`, async () => {
      const worker = await start({ limit: 1 });
      const admin = await worker.administrator();
      assert.equal((await worker.client().get("/v1/list/1/head")).status, 200);
      const { key } = (await admin.create({})).json;
      const service = await Service.start();
      const proxy = await Proxy.start(kind, { backend: worker.url, service });
      const answer = await proxy.request("GET", "/", [bearer(key)]);
      assert.deepEqual([answer.status, answer.json.code], [429, "too_many_requests"]);
      assert.ok(Number(answer.headers["retry-after"]) > 0);
      assert.deepEqual(service.seen(), []);
    });
  }
});

for (const kind of PROXIES) {
  describe(`${kind}, as the README configures it`, () => {
    let worker, admin, service, proxy, made, key;

    before(async () => {
      worker = await Worker.start();
      const wide = Array.from({ length: 100 }, (_, number) => ({ number, name: `${"a-long-resource-name".repeat(2)}${number}:read` }));
      const policy = { audiences: [...POLICY.audiences, { number: 3, name: "wide", scopes: wide }] };
      admin = await worker.administrator({ policy });
      service = await Service.start();
      proxy = await Proxy.start(kind, { backend: worker.url, service });
      made = (await admin.create({ scopes: ["reports:read", "reports:write"] })).json;
      key = made.key;
    });

    /** What reached the service, which must be one request. */
    const reached = () => {
      const seen = service.seen();
      assert.equal(seen.length, 1);
      return seen[0];
    };
    const refused = (answer, status, code) => {
      assert.deepEqual([answer.status, answer.json.code], [status, code], `${answer.status} ${answer.text}`);
      assert.deepEqual(service.seen(), []);
      assert.equal(answer.headers["wardkey-subject"], undefined);
      assert.equal(answer.headers["cache-control"], "no-store");
    };
    const vouched = (request, { subject = "svc:billing", keyId = made.key_id } = {}) => {
      assert.deepEqual(request.values("wardkey-subject"), [subject]);
      assert.deepEqual(request.values("wardkey-key-id"), [keyId]);
      assert.deepEqual(request.values("authorization"), []);
      assert.ok(!JSON.stringify(request).includes(key.slice(8, 40)), "the key reached the service");
      // Under no spelling that a gateway interface (CGI, WSGI, PHP) takes for one of ours is there another.
      const alike = request.headers.filter(([name]) => /^wardkey[^a-z0-9]*(subject|key|scopes|expires|client)/i.test(name));
      assert.deepEqual(alike.map(([name]) => name.toLowerCase()).sort(), ["wardkey-expires-at", "wardkey-key-id", "wardkey-scopes", "wardkey-subject"]);
    };

    it("what is allowed reaches the service with subject and key id, and without the key", async () => {
      const answer = await proxy.request("GET", "/reports?x=1", [bearer(key), ["Accept", "text/plain"]]);
      assert.deepEqual([answer.status, answer.text], [200, "the service"]);
      const request = reached();
      vouched(request);
      assert.deepEqual([request.method, request.url], ["GET", "/reports?x=1"]);
      assert.deepEqual(request.values("wardkey-scopes"), ["reports:read reports:write"]);
      assert.deepEqual(request.values("wardkey-expires-at"), [String(made.generations[0].expires_at)]);
      assert.deepEqual(request.values("accept"), ["text/plain"]);
    });

    it("the caller's own headers of these names do not reach it, in no spelling and number", async () => {
      const names = ["Wardkey-Subject", "wardkey-subject", "WARDKEY-SUBJECT", "wardkey_subject", "Wardkey_Subject", "WARDKEY_SUBJECT", "wardkey-Key-Id", "wardkey_key_id", "wardkey_key-id",
        "wardkey.subject", "Wardkey-Scopes", "wardkey_scopes", "Wardkey-Expires-At", "Wardkey_Expires_At", "Wardkey-Client-Address", "wardkey_client_address"];
      for (const name of names) {
        await proxy.request("GET", "/", [bearer(key), [name, "ops:root"], [name, "ops:ada"]]);
        vouched(reached());
      }
      await proxy.request("GET", "/", [bearer(key), ...names.map((name) => [name, "ops:root"])]);
      const request = reached();
      vouched(request);
      assert.ok(!JSON.stringify(request).includes("ops:root"));
      // Nor does a request without a key become somebody by them.
      refused(await proxy.request("GET", "/", names.map((name) => [name, "ops:root"])), 401, "credential_missing");
      // A name that the caller has the proxy drop between hops is not dropped from what the proxy says.
      for (const more of [[], [["Upgrade", "websocket"]], [["Upgrade", "h2c"]]]) {
        const names = ["Wardkey-Subject", "Wardkey-Key-Id", "Wardkey-Scopes", "Authorization", "Wardkey-Client-Address", "X-Original-URI", "X-Forwarded-Uri"];
        await proxy.request("GET", "/", [bearer(key), ["Connection", names.join(", ")], ...more]);
        vouched(reached());
        refused(await proxy.request("GET", `/${key}`, [bearer(key), ["Connection", names.join(", ")], ...more]), 400, "invalid_request");
      }
    });

    it("the query, method and address that the caller names change nothing of what is asked", async () => {
      const { key: other } = (await admin.create({ scopes: ["reports:write"] })).json;
      for (const path of ["/?scope=reports:write", "/?scope=reports:write&match=any", "/&scope=reports:write&match=any", "/?header=X-Other&match=any", "//x/../?scope=reports:write", "/%3Fscope=reports:write"]) {
        refused(await proxy.request("GET", path, [bearer(other), ["X-Other", "x"]]), 403, "scope_missing");
      }
      const { key: far } = (await admin.create({ constraints: { networks: ["10.0.0.0/8"] } })).json;
      const claims = ["Wardkey-Client-Address", "wardkey_client_address", "X-Forwarded-For", "X-Real-IP", "CF-Connecting-IP", "Forwarded"];
      refused(await proxy.request("GET", "/", [bearer(far), ...claims.map((name) => [name, "10.1.2.3"])]), 403, "address_not_allowed");
      const { key: near, key_id: keyId } = (await admin.create({ constraints: { networks: ["127.0.0.0/8"] } })).json;
      await proxy.request("GET", "/", [bearer(near), ...claims.map((name) => [name, "10.1.2.3"])]);
      vouched(reached(), { keyId });
    });

    it("what is denied never reaches it, and its caller is told why", async () => {
      const without = await proxy.request("GET", "/");
      refused(without, 401, "credential_missing");
      assert.equal(without.headers["www-authenticate"], CHALLENGE);
      const text = KeyText.parse(key);
      for (const one of ["hunter2", text.with({ tag: flipped(text.tag) }).text]) {
        const answer = await proxy.request("GET", "/", [bearer(one)]);
        refused(answer, 401, "invalid_token");
        assert.equal(answer.headers["www-authenticate"], `${CHALLENGE}, error="invalid_token"`);
        assert.match(answer.headers["content-type"], /problem\+json/);
        assert.match(answer.headers["wardkey-request-id"], /^req_/);
      }
      const narrowed = await proxy.request("GET", "/", [bearer(text.narrowed([1, 1, 2]).text)]);
      refused(narrowed, 403, "narrowed");
      assert.equal(narrowed.headers["www-authenticate"], `${CHALLENGE}, error="insufficient_scope"`);
      refused(await proxy.request("GET", "/", [bearer(text.narrowed([4, 6, 4, 8, 10, 0, 0, 0]).text)]), 403, "address_not_allowed");
      refused(await proxy.request("GET", "/", [["Authorization", "Basic dTpw"]]), 401, "credential_missing");
    });

    it("two credentials, or one in the URL, are 400", async () => {
      const two = await proxy.request("GET", "/", [bearer(key), bearer(key)]);
      assert.equal(two.status, 400);
      const other = await proxy.request("GET", "/", [bearer("hunter2"), bearer(key)]);
      assert.equal(other.status, 400);
      assert.deepEqual(service.seen(), []);
      refused(await proxy.request("GET", "/", [bearer(key), ["X-API-Key", key]]), 400, "invalid_request");
      refused(await proxy.request("GET", "/", [bearer(`${key}, Bearer ${key}`)]), 400, "invalid_request");
      for (const path of [`/${key}`, `/x?key=${key}`, `/x?key=${key.replace("wk_", "wk%5f")}`]) {
        refused(await proxy.request("GET", path, [bearer(key)]), 400, "invalid_request");
      }
    });

    it("bodies pass whole, and only for those who are allowed", async () => {
      const body = randomBytes(1 << 20);
      const answer = await proxy.request("POST", "/upload", [bearer(key), ["Content-Type", "application/octet-stream"]], { body });
      assert.equal(answer.status, 200);
      const request = reached();
      vouched(request);
      assert.deepEqual([request.method, request.length], ["POST", 1 << 20]);
      const ways = [["Transfer-Encoding", "chunked"], ["Expect", "100-continue"], ["Range", "bytes=0-1"], ["If-None-Match", "*"], ["If-Modified-Since", new Date().toUTCString()]];
      for (const way of ways) {
        const chunked = way[0] === "Transfer-Encoding";
        const headers = [bearer(key), way, ...(chunked ? [] : [["Content-Length", "1000"]])];
        assert.equal((await proxy.request("POST", "/upload", headers, { chunks: randomBytes(1_000) })).status, 200, way[0]);
        const one = reached();
        vouched(one);
        assert.equal(one.length, 1_000, way[0]);
      }
      refused(await proxy.request("POST", "/upload", [bearer("hunter2")], { body: randomBytes(1_000) }), 401, "invalid_token");
    });

    it("every method passes and is asked about", async () => {
      for (const method of ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]) {
        const answer = await proxy.request(method, "/", [bearer(key)]);
        assert.deepEqual([answer.status, answer.text], [200, method === "HEAD" ? "" : "the service"]);
        const request = reached();
        vouched(request);
        assert.equal(request.method, method);
        assert.equal((await proxy.request(method, "/", [bearer("hunter2")])).status, 401);
        assert.deepEqual(service.seen(), []);
      }
    });

    it("a websocket is opened for who is allowed, and for nobody else", async () => {
      const upgrade = [["Connection", "Upgrade"], ["Upgrade", "websocket"], ["Sec-WebSocket-Version", "13"], ["Sec-WebSocket-Key", randomBytes(16).toString("base64")]];
      refused(await proxy.request("GET", "/socket", [bearer("hunter2"), ...upgrade]), 401, "invalid_token");
      const { hostname, port } = new URL(proxy.url);
      const said = await new Promise((resolve, reject) => {
        const headers = [["Host", "api.example.com"], bearer(key), ["Wardkey-Subject", "ops:root"], ...upgrade].flat();
        const request = http.request({ hostname, port, path: "/socket", headers, agent: false });
        request.on("upgrade", (response, socket, head) => {
          let text = head.toString();
          socket.on("data", (chunk) => (text += chunk));
          socket.on("end", () => resolve([response.statusCode, text]));
        });
        request.on("response", (response) => reject(new Error(`answered ${response.statusCode}`)));
        request.on("error", reject);
        request.end();
      });
      assert.deepEqual(said, [101, "hello"]);
      const request = reached();
      vouched(request);
      assert.deepEqual(request.values("upgrade").map((value) => value.toLowerCase()), ["websocket"]);
    });

    it("each request of one connection is judged for itself", async () => {
      const other = (await admin.create({ subject: "svc:other" })).json;
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      let reused = 0;
      for (let n = 0; n < 5; n++) {
        for (const [one, subject, keyId] of [[key, "svc:billing", made.key_id], [other.key, "svc:other", other.key_id]]) {
          const answer = await proxy.request("GET", "/", [bearer(one)], { agent });
          assert.equal(answer.status, 200);
          vouched(reached(), { subject, keyId });
          reused += answer.reused;
          const without = await proxy.request("GET", "/", [["Wardkey-Subject", "svc:billing"]], { agent });
          refused(without, 401, "credential_missing");
          reused += without.reused;
        }
      }
      assert.ok(reused >= 15, `${reused} of 20 requests came on a connection that was there`);
      agent.destroy();
    });

    it("what the service itself refuses or fails with is passed on as it is", async () => {
      for (const status of [400, 401, 403, 404, 429, 500, 503]) {
        service.status = status;
        const answer = await proxy.request("GET", "/", [bearer(key)]);
        assert.deepEqual([answer.status, answer.text], [status, "the service"]);
        reached();
      }
      service.status = 200;
    });

    it("the key may stand in another header, which then ends at the proxy", async () => {
      const [shown, here] = kind === "nginx" ? ['proxy_set_header Authorization          "";', 'proxy_set_header X-API-Key "";'] : ["request_header -Authorization", "request_header -X-API-Key"];
      const changes = { "scope=reports:read": "scope=reports:read&header=X-API-Key", [shown]: here };
      const other = await Proxy.start(kind, { backend: worker.url, service, changes });
      assert.equal((await other.request("GET", "/", [["x-api-key", key], ["Authorization", "Basic dTpw"]])).status, 200);
      const request = reached();
      assert.deepEqual([request.values("x-api-key"), request.values("wardkey-subject"), request.values("authorization")], [[], ["svc:billing"], ["Basic dTpw"]]);
      refused(await other.request("GET", "/", [bearer(key)]), 400, "invalid_request");
      refused(await other.request("GET", "/", [["X-API-Key", key], ["x-api-key", key]]), 400, "invalid_request");
      refused(await other.request("GET", "/"), 401, "credential_missing");
    });

    it("a key of very many scopes passes", async () => {
      const audience = { "1/api?scope=reports:read": "1/wide?scope=a-long-resource-namea-long-resource-name0:read" };
      const wide = await Proxy.start(kind, { backend: worker.url, service, changes: audience });
      const scopes = Array.from({ length: 100 }, (_, number) => `${"a-long-resource-name".repeat(2)}${number}:read`);
      const { key: all } = (await admin.create({ audience: "wide", scopes })).json;
      assert.equal((await wide.request("GET", "/", [bearer(all)])).status, 200);
      assert.equal(reached().values("wardkey-scopes")[0].split(" ").length, 100);
    });

    it("where it cannot reach the Worker, nothing passes", async () => {
      const nowhere = await Proxy.start(kind, { backend: `http://127.0.0.1:${await freePort()}`, service });
      const answer = await nowhere.request("GET", "/", [bearer(key)]);
      assert.ok([502, 503].includes(answer.status), String(answer.status));
      assert.deepEqual(service.seen(), []);
    });

    it("whatever stands in the Worker's place and is no 2xx, nothing passes", async () => {
      const impostor = http.createServer((_, response) => {
        if (impostor.status === "hang") return;
        if (impostor.status === "garbage") return response.socket.end("what?\r\n\r\n");
        response.writeHead(impostor.status, { "Wardkey-Subject": "svc:billing", Location: "http://127.0.0.1:1/" });
        response.end();
      });
      const asked = await Proxy.start(kind, { backend: `http://127.0.0.1:${await listening(impostor)}`, service });
      for (const status of [300, 302, 304, 307, 400, 401, 403, 404, 407, 429, 500, 502, 503, "garbage", "hang"]) {
        impostor.status = status;
        const started = performance.now();
        const answer = await asked.request("GET", "/", [bearer(key)]);
        assert.ok(answer.status >= 300, `${status} became ${answer.status}`);
        assert.ok(performance.now() - started < 7_500, `${status}: ${performance.now() - started} ms`);
        assert.deepEqual(service.seen(), [], String(status));
      }
    });

    it("it believes no other certificate than the Worker's", async () => {
      const folder = mkdtempSync(join(tmpdir(), "wardkey-tls-"));
      const right = certificate(folder, "localhost");
      const named = certificate(folder, "elsewhere.example");
      const front = async ({ key: tlsKey, cert }) => {
        const server = https.createServer({ key: tlsKey, cert }, (request, response) => {
          const { hostname, port } = new URL(worker.url);
          const { method, url, headers } = request;
          const onward = http.request({ hostname, port, method, path: url, headers }, (answer) => {
            response.writeHead(answer.statusCode, answer.rawHeaders);
            answer.pipe(response);
          });
          onward.end();
        });
        return `https://localhost:${await listening(server)}`;
      };
      const through = async (shown, trusted) => {
        const changes = kind === "nginx" ? { "/etc/ssl/certs/ca-certificates.crt": trusted.path } : {};
        const one = await Proxy.start(kind, { backend: await front(shown), service, changes, roots: trusted.path });
        return one.request("GET", "/", [bearer(key)]);
      };
      assert.equal((await through(right, right)).status, 200);
      vouched(reached());
      for (const [shown, trusted] of [[certificate(mkdtempSync(join(folder, "x-")), "localhost"), right], [named, named]]) {
        const answer = await through(shown, trusted);
        assert.ok([502, 503].includes(answer.status), String(answer.status));
        assert.deepEqual(service.seen(), []);
      }
      rmSync(folder, { recursive: true });
    });

    it("revoked, nothing of it passes after the bound", async () => {
      const { key: short, key_id } = (await admin.create({})).json;
      assert.equal((await proxy.request("GET", "/", [bearer(short)])).status, 200);
      const { bound } = (await admin.revoke(key_id)).json;
      const answeredAt = Date.now();
      const within = bound.typical_ms + bound.max_skew_ms;
      await eventually("a refusal", async () => (await proxy.request("GET", "/", [bearer(short)])).status === 401, within);
      console.log(`${kind}: refused ${Date.now() - answeredAt} ms after the answer to its revocation, bound ${within} ms`);
      service.seen();
      refused(await proxy.request("GET", "/", [bearer(short)]), 401, "inactive");
    });
  });
}

describe("the README", () => {
  it("shows the very configurations that are tried here", () => {
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    for (const file of ["nginx.conf", "Caddyfile"]) {
      const text = readFileSync(new URL(`./proxies/${file}`, import.meta.url), "utf8");
      assert.ok(readme.includes(`\n${text}\`\`\``), file);
    }
  });
});
