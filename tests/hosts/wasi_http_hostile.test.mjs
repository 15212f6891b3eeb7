// Callers who want more than their key, and a registry that hangs, against the guard of wasi:http: what they write is what no client would send.

import assert from "node:assert/strict";
import http from "node:http";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { eventually } from "../harness/client.mjs";
import { Guarded, LASTING } from "../harness/guarded.mjs";
import { RULED } from "../harness/policies.mjs";
import { lines, raw } from "../harness/raw.mjs";
import { Worker } from "../harness/worker.mjs";

const FRESH_FOR_MS = 5_000;

describe("the guard of a service of wasi:http, among those who mean it no good", () => {
  let worker, admin, settings, guarded, key, front;
  let isHanging = false;
  const asked = [];
  const sent = (method, headers = {}, rest = "", target = "/") =>
    raw({ url: guarded.url, exchanges: [] }, lines(method, target, { Authorization: `Bearer ${key.key}`, ...headers }) + rest);

  before(async () => {
    worker = await Worker.start();
    admin = await worker.administrator({ policy: RULED });
    const { credential } = await admin.deputy(["verifier:key-set", "verifier:verify"], ["api"]);
    front = http.createServer((request, response) => {
      asked.push(request.url);
      if (isHanging) return;
      const { host } = new URL(worker.url);
      const behind = http.request(new URL(request.url, worker.url), { method: request.method, headers: { ...request.headers, host } }, (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      });
      request.pipe(behind.on("error", () => response.destroy()));
    });
    await new Promise((done) => front.listen(0, "127.0.0.1", done));
    settings = { WARDKEY_REGISTRY: worker.url, WARDKEY_CREDENTIAL: credential, WARDKEY_SCOPES: "reports:read", WARDKEY_SCOPES_DELETE: "reports:purge", WARDKEY_ADDRESS_HEADER: "X-Real-IP" };
    key = (await admin.create({ scopes: ["reports:read"] })).json;
    guarded = await Guarded.start(settings);
    await eventually("a first list", async () => (await guarded.bearer(key.key)).status === 200);
  });
  after(async () => {
    await guarded.end();
    front.closeAllConnections();
    front.close();
  });

  it("lets no spelling of a method pass by another one's rule", async () => {
    for (const [method, status] of [["GET", 200], ["M-SEARCH", 200], ["DELETE", 403], ["delete", 405], ["Delete", 405], ["get", 405], ["DELETE_", 405], ["TRACE", 405]]) {
      const answer = await sent(method);
      assert.equal(answer.status, status, `${method}: ${answer.text}`);
      if (status === 405) assert.equal(answer.headers.allow, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    }
    assert.equal((await sent("OPTIONS", {}, "", "*")).status, 400);
    assert.notEqual((await sent("CONNECT", {}, "", "example.org:443")).status, 200);
  });

  it("takes away whatever a service may take for who calls, for the method, or for where from", async () => {
    const headers = {
      "Wardkey.Subject": "svc:root", "wardkey~key~id": "key_0", "Wardkey_Subject": "svc:root", "X-HTTP-Method-Override": "DELETE", "X.HTTP.Method": "DELETE",
      X_Method_Override: "DELETE", "X_Real_IP": "10.0.0.1", "X.Real.IP": "10.0.0.1", "X-Real-IP": "192.0.2.1", "X-Kept": "1",
    };
    const { status, text } = await sent("GET", headers);
    assert.equal(status, 200);
    const heard = text.split("\n").filter((line) => /^[\w.~-]+: /.test(line)).map((line) => line.replace("\r", "")).sort();
    assert.deepEqual(heard, [`wardkey-key-id: ${key.key_id}`, "wardkey-subject: svc:billing", "x-kept: 1", "x-real-ip: 192.0.2.1"]);
  });

  it("hands on no trailer: the credential and who calls may stand in one", async () => {
    const body = "2\r\nhi\r\n0\r\nWardkey-Subject: svc:root\r\nAuthorization: Bearer x\r\n\r\n";
    const { status, text } = await sent("POST", { "Transfer-Encoding": "chunked", Trailer: "Wardkey-Subject, Authorization" }, body);
    assert.equal(status, 200, text);
    assert.match(text, /hi/);
    assert.doesNotMatch(text, /svc:root|Bearer x|trailer/);
  });

  it("hands on a long body whole, and one that breaks off as what it is", async () => {
    const body = Array.from({ length: 300_000 }, (_, place) => `${place}`).join(" ");
    for (const headers of [{ "Content-Length": body.length }, {}]) {
      const { status, text } = await guarded.bearer(key.key, "/", { method: "POST", headers, body });
      assert.equal(status, 200);
      assert.ok(text.endsWith(`\n\n${body}`), `${text.length} bytes came back of ${body.length}`);
    }
    const broken = await sent("POST", { "Transfer-Encoding": "chunked" }, "2\r\nhi\r\nnonsense\r\n");
    assert.match(broken.text, /broken off/);
  });

  it("takes one key only, and leaves those of others to the service", async () => {
    const ours = key.key;
    const theirs = `sk_live_${"A".repeat(100)}`;
    for (const [headers, target, status] of [
      [{ "Stripe-Key": theirs, Cookie: `k=${theirs}` }, "/", 200],
      [{ "X-API-Key": theirs }, "/", 400],
      [{ Cookie: `k=${ours}` }, "/", 400],
      [{ Referer: `https://a.example/?k=${ours.replaceAll("_", "%25255F")}` }, "/", 400],
      [{}, `/?next=${ours.replaceAll("_", "%25255F")}`, 400],
      [{}, `/a;${ours}`, 400],
      [{}, `http://${ours}@localhost/`, 400],
      [{}, "http://user:password@localhost/", 400],
      [{}, "http://localhost/", 200],
      [{}, `/my-file_wk_live_${"A".repeat(100)}`, 200],
    ]) {
      const answer = await sent("GET", headers, "", target);
      assert.equal(answer.status, status, `${JSON.stringify(headers)} ${target}: ${answer.text}`);
    }
  });

  it("does not start with settings that are nearly right", async () => {
    for (const [name, value] of [
      ["WARDKEY_SCOPES_delete", "reports:purge"], ["WARDKEY_SCOPES_Delete", "reports:purge"], ["WARDKEY_SCOPESPUT", "reports:write"], ["WARDKEY_SCOPE_PUT", "reports:write"],
      ["WARDKEY_SCOPES_", "reports:write"], ["WARDKEY_SCOPES_TRACE", "reports:read"], ["WARDKEY_ADDRESS_HEADER", "X Real IP"],
    ]) {
      const wrong = await Guarded.start({ ...settings, [name]: value });
      const { status, json } = await wrong.bearer(key.key);
      assert.deepEqual([status, json.code], [503, "verifier_failed"], name);
      await wrong.says(new RegExp(`wardkey: .*${name}`));
      await wrong.end();
    }
  });

  it("says once, and not at every call, that its scopes are none", async () => {
    const wrong = await Guarded.start({ ...settings, WARDKEY_SCOPES: "reports:unknown" });
    for (let call = 0; call < 20; call++) assert.equal((await wrong.bearer("nonsense")).status, 503);
    await wrong.says(/reports:unknown|WARDKEY_SCOPES/);
    await sleep(200);
    assert.equal(wrong.said.match(/WARDKEY_SCOPES/g).length, 1, wrong.said);
    await wrong.end();
  });

  it("has calls wait once a second, and not each, for a registry that hangs", async () => {
    const patient = await Guarded.start({ ...settings, WARDKEY_REGISTRY: `http://127.0.0.1:${front.address().port}` }, LASTING);
    await eventually("a first list", async () => (await patient.bearer(key.key)).status === 200);
    isHanging = true;
    await sleep(FRESH_FOR_MS + 500);
    const took = [];
    for (const end = Date.now() + 6_000; Date.now() < end; ) {
      const start = Date.now();
      assert.equal((await patient.bearer(key.key)).status, 200, "by the list that is there");
      took.push(Date.now() - start);
    }
    const slow = took.filter((ms) => ms > 300).length;
    console.log(`${slow} of ${took.length} calls in 6 s waited; ${patient.said.match(/not refreshed/g)?.length} lines say so`);
    assert.ok(took.length > 50 && slow <= 6, `${slow} of ${took.length}`);
    assert.ok((patient.said.match(/not refreshed/g) ?? []).length <= 2, patient.said);
    isHanging = false;
    const back = Date.now();
    await eventually("it is over", async () => {
      await patient.bearer(key.key);
      return /the list is refreshed again/.test(patient.said);
    }, 15_000);
    console.log(`over after ${Date.now() - back} ms`);
    assert.ok(Date.now() - back < 4_000, "one that hangs holds up no other");
    await patient.end();
  });

  it("holds nobody up for long where the registry hangs from the start", async () => {
    isHanging = true;
    const begun = asked.length;
    const patient = await Guarded.start({ ...settings, WARDKEY_REGISTRY: `http://127.0.0.1:${front.address().port}` }, LASTING);
    const took = [];
    for (const end = Date.now() + 6_000; Date.now() < end; ) {
      const start = Date.now();
      const { status, json } = await patient.bearer(key.key);
      assert.deepEqual([status, json.code], [503, "no_key_set"]);
      took.push(Date.now() - start);
    }
    const slow = took.filter((ms) => ms > 300).length;
    console.log(`${slow} of ${took.length} calls in 6 s waited, the longest ${Math.max(...took)} ms, and ${asked.length - begun} requests were sent`);
    assert.ok(took.length > 50 && slow <= 4 && asked.length - begun <= 6);
    isHanging = false;
    await eventually("it is over", async () => (await patient.bearer(key.key)).status === 200, 8_000);
    await patient.end();
  });
});
