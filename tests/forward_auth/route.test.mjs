// Forward auth: what a proxy is told, whatever its configuration and its caller say.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { before, describe, it } from "node:test";

import { eventually } from "../harness/client.mjs";
import { ask, CHALLENGE, ROUTE } from "../harness/forward_auth.mjs";
import { flipped, KeyText } from "../harness/key_text.mjs";
import { Worker } from "../harness/worker.mjs";

const later = () => Math.floor(Date.now() / 1000) + 600;

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
    const named = async (scopes) => (await ask(worker, key, { route: `/v1/forward-auth/1/api?scope=${scopes}` })).json;
    const unknown = await named("reports:read&scope=reports:fly");
    assert.equal(unknown.field, "scope");
    assert.match(unknown.detail, /^scope: reports:fly must be of the audience's catalog: reports:read, reports:write, /);
    // What does not even read as a scope is not repeated.
    assert.match((await named("%1b[31mreports:fly")).detail, /^scope: must be of the audience's catalog: reports:read, /);
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
