// The reverse proxy on wasmtime, in front of an upstream and with a real registry: what it lets through, what the caller is told, and what the upstream is.

import assert from "node:assert/strict";
import net from "node:net";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { eventually } from "../harness/client.mjs";
import { Guard } from "../harness/guard.mjs";
import { endsWell, proxied } from "../harness/proxied.mjs";
import { FRESH_FOR_MS } from "../harness/tenant.mjs";

describe("the proxy on wasmtime", () => {
  let worker, admin, gateway, upstream, key, options, guard;

  before(async () => {
    ({ worker, admin, gateway, upstream, key, options, guard } = await proxied());
  });
  after(() => upstream.close());

  it("lets through what the key may do, and says who calls", async () => {
    const answer = await guard.bearer(key.key, "/reports?page=2&a=%2F");
    assert.deepEqual([answer.status, answer.json], [200, { path: "/reports?page=2&a=%2F", length: 0 }]);
    const { headers } = upstream.heard.at(-1);
    assert.equal(headers["wardkey-subject"], "svc:billing");
    assert.equal(headers["wardkey-key-id"], key.key_id);
    assert.equal(headers["x-forwarded-for"], "127.0.0.1");
    assert.equal(headers["x-forwarded-host"], new URL(guard.url).host);
    assert.equal(headers.host, new URL(upstream.url).host);
    assert.equal(headers.authorization, undefined);
    assert.ok(!JSON.stringify(upstream.heard).includes(key.key));
  });

  it("tells the upstream nothing that the caller only claims, and neither side what is of one connection", async () => {
    const headers = {
      "Wardkey-Subject": "svc:root", "wardkey_subject": "svc:root", "Wardkey-Key-Id": ["key_0", "key_1"], "Wardkey-Scopes": "all",
      "X-Forwarded-For": "10.0.0.1", "X-Real-IP": "10.0.0.1", Forwarded: "for=10.0.0.1", Connection: "keep-alive, X-Hop", "X-Hop": "1", TE: "trailers", "X-Kept": "1",
    };
    const answer = await guard.bearer(key.key, "/", { headers });
    assert.equal(answer.status, 200);
    const { rawHeaders } = upstream.heard.at(-1);
    const heard = rawHeaders.filter((_, place) => place % 2 === 0).map((name) => name.toLowerCase()).filter((name) => name !== "connection").sort();
    assert.deepEqual(heard, ["host", "wardkey-key-id", "wardkey-subject", "x-forwarded-for", "x-forwarded-host", "x-kept"]);
    assert.ok(!rawHeaders.includes("svc:root") && !rawHeaders.includes("10.0.0.1"));
    assert.deepEqual([answer.headers["x-only-here"], answer.headers["x-kept"]], [undefined, "1"]);
  });

  it("answers by the table, with a challenge where a credential would help, and the upstream hears nothing of it", async () => {
    const forged = `${key.key.slice(0, -8)}AAAAAAAA`;
    const other = (await admin.create({ audience: "jobs", scopes: ["jobs:run"] })).json.key;
    const readOnly = (await admin.create({ scopes: ["reports:read"] })).json.key;
    const { key: bound } = (await admin.create({ constraints: { networks: ["192.0.2.0/24"] } })).json;
    const bearer = (text) => ({ headers: { Authorization: `Bearer ${text}` } });
    const before = upstream.heard.length;
    const challenge = (error) => `Bearer realm="wardkey"${error === undefined ? "" : `, error="${error}"`}`;
    for (const [path, asked, status, code, error] of [
      ["/", {}, 401, "credential_missing", undefined],
      ["/", { headers: { Authorization: "Basic YTpi" } }, 401, "credential_missing", undefined],
      ["/", bearer("nonsense"), 401, "invalid_token", "invalid_token"],
      ["/", bearer(forged), 401, "invalid_token", "invalid_token"],
      ["/", bearer(other), 401, "invalid_token", "invalid_token"],
      ["/", { headers: { Authorization: [`Bearer ${key.key}`, `Bearer ${key.key}`] } }, 400, "invalid_request", "invalid_request"],
      ["/", { headers: { Authorization: `Bearer ${key.key}`, "X-API-Key": key.key } }, 400, "invalid_request", "invalid_request"],
      ["/", { headers: { Authorization: `Bearer ${key.key}`, Cookie: `k=${key.key}` } }, 400, "invalid_request", "invalid_request"],
      [`/?key=${key.key}`, bearer(key.key), 400, "invalid_request", "invalid_request"],
      [`/${encodeURIComponent(key.key).replaceAll("_", "%5F")}`, bearer(key.key), 400, "invalid_request", "invalid_request"],
      ["/", { ...bearer(readOnly), method: "POST" }, 403, "scope_missing", "insufficient_scope"],
      ["/", bearer(bound), 403, "address_not_allowed", "insufficient_scope"],
    ]) {
      const answer = await guard.ask(path, asked);
      assert.deepEqual([answer.status, answer.json?.code, answer.json?.status], [status, code, status], answer.text);
      assert.equal(answer.headers["www-authenticate"], status === 401 || error !== undefined ? challenge(error) : undefined, code);
      assert.equal(answer.headers["content-type"], "application/problem+json");
      assert.equal(answer.headers["cache-control"], "no-store");
    }
    assert.equal(upstream.heard.length, before);
    const like = async (text) => {
      const { status, text: body, headers: { date, ...headers } } = await guard.bearer(text);
      return { status, body, headers };
    };
    assert.deepEqual(await like(forged), await like("nonsense"), "byte for byte");
  });

  it("asks the registry for strict scopes, and takes its word at once", async () => {
    const purger = (await admin.create({ scopes: ["reports:purge"] })).json;
    const answers = await Promise.all(Array.from({ length: 10 }, () => guard.bearer(purger.key, "/", { method: "DELETE" })));
    assert.deepEqual(answers.map(({ status }) => status), Array(10).fill(200));
    await admin.revoke(purger.key_id);
    const { status, json } = await guard.bearer(purger.key, "/", { method: "DELETE" });
    assert.deepEqual([status, json.code], [401, "revoked"]);
  });

  it("denies a revoked key within fresh-for, on every thread", async () => {
    const doomed = (await admin.create({})).json;
    assert.equal((await guard.bearer(doomed.key)).status, 200);
    const revoked = Date.now();
    await admin.revoke(doomed.key_id);
    let [last, inARow] = [0, 0];
    while (inARow < 40) {
      const { status, json } = await guard.bearer(doomed.key);
      if (status === 200) [last, inARow] = [Date.now(), 0];
      else {
        assert.deepEqual([status, json.code], [401, "inactive"]);
        inARow += 1;
      }
      assert.ok(Date.now() - revoked < FRESH_FOR_MS + 5_000, "still allowed");
      await sleep(5);
    }
    console.log(`allowed for the last time ${Math.max(0, last - revoked)} ms after the revocation; bound ${FRESH_FOR_MS} ms and the clocks' skew`);
    assert.ok(last - revoked <= FRESH_FOR_MS + 1_000);
  });

  it("believes no header about where a call comes from, but the one that it is told to", async () => {
    const { key: bound } = (await admin.create({ constraints: { networks: ["127.0.0.0/8"] } })).json;
    assert.equal((await guard.bearer(bound, "/", { headers: { "X-Forwarded-For": "192.0.2.1" } })).status, 200);
    const behind = await Guard.start(options("--scope", "reports:read", "--address-header", "X-Real-IP"), gateway.credential);
    await eventually("a first list", async () => (await behind.bearer(key.key)).status === 200);
    const from = async (...values) => (await behind.bearer(bound, "/", { headers: values.length === 0 ? {} : { "X-Real-IP": values } })).status;
    assert.deepEqual([await from("127.0.0.1"), await from("192.0.2.1"), await from(), await from("127.0.0.1", "127.0.0.1"), await from("127.0.0.1, 127.0.0.1"), await from("localhost")], [200, 403, 403, 403, 403, 403]);
    assert.equal(await behind.end(), 0);
  });

  it("takes the bare key from a header of one's own, and refuses methods without a rule", async () => {
    const other = await Guard.start(options("--method-scope", "GET=reports:read", "--header", "X-API-Key"), gateway.credential);
    const ask = (method, headers) => other.ask("/", { method, headers });
    await eventually("a first list", async () => (await ask("GET", { "X-API-Key": key.key })).status === 200);
    assert.equal(upstream.heard.at(-1).headers["x-api-key"], undefined);
    assert.equal((await ask("GET", { Authorization: `Bearer ${key.key}` })).status, 400);
    assert.equal((await ask("GET", {})).status, 401);
    const refused = await ask("PUT", { "X-API-Key": key.key });
    assert.deepEqual([refused.status, refused.headers.allow], [405, "GET"]);
    await other.end();
  });

  /** Sends a request line with the key, and answers the status line. */
  const raw = (line) => new Promise((answered) => {
    const socket = net.connect(new URL(guard.url).port, "127.0.0.1");
    let text = "";
    socket.on("data", (chunk) => (text += chunk)).on("close", () => answered(text.slice(0, text.indexOf("\r\n"))));
    socket.write(`${line} HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer ${key.key}\r\nConnection: close\r\n\r\n`);
  });

  it("lets no spelling of a method pass by another one's rule, and no header name one", async () => {
    const before = upstream.heard.length;
    for (const line of ["delete /reports", "Delete /reports", "get /reports", "CONNECT /reports", "TRACE /reports"]) assert.match(await raw(line), / 405 /, line);
    const refused = await guard.ask("/", { method: "TRACE" });
    assert.deepEqual([refused.status, refused.headers.allow], [405, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"]);
    assert.equal(upstream.heard.length, before);
    const overriding = { "X-HTTP-Method-Override": "DELETE", "X-HTTP-Method": "DELETE", "X-Method-Override": "DELETE", X_HTTP_Method_Override: "DELETE", "wardkey.subject": "svc:root", "x.forwarded.for": "10.0.0.1" };
    assert.equal((await guard.bearer(key.key, "/", { headers: overriding })).status, 200);
    assert.ok(!upstream.heard.at(-1).rawHeaders.some((text) => /DELETE|svc:root|10\.0\.0\.1/.test(text)));
  });

  it("takes a target for a path and nothing else", async () => {
    assert.match(await raw("GET http://other.example/reports?a=1"), / 200 /);
    assert.equal(upstream.heard.at(-1).path, "/reports?a=1");
    assert.equal(upstream.heard.at(-1).headers["x-forwarded-host"], "other.example", "RFC 9112, section 3.2.2");
    const before = upstream.heard.length;
    for (const line of ["CONNECT other.example:443", "OPTIONS *", "GET reports"]) assert.match(await raw(line), / 400 /, line);
    assert.equal(upstream.heard.length, before);
  });

  it("does not start with what could only go wrong, and says what", async () => {
    const good = ["--registry", worker.url, "--upstream", upstream.url, "--scope", "reports:read"];
    const without = (name) => good.filter((_, place) => good[place] !== name && good[place - 1] !== name);
    for (const [given, credential, words, status = 1] of [
      [good, undefined, /WARDKEY_CREDENTIAL/],
      [good, key.key, /the registry gives no key set: it answers 40/],
      [without("--scope"), gateway.credential, /--scope/],
      [[...without("--scope"), "--scope", "reports:raed"], gateway.credential, /reports:raed: a scope is not in the audience's catalog/],
      [[...good, "--method-scope", "CONNECT=reports:read"], gateway.credential, /no rule can be about CONNECT/, 2],
      [[...good, "--method-scope", "get=reports:read"], gateway.credential, /in capitals/, 2],
      [[...without("--registry"), "--registry", "http://registry.example"], gateway.credential, /https/],
      [[...good, "--listen", "0.0.0.0:0"], gateway.credential, /--tls-in-front/],
      [[...good, "--component", "/dev/null"], gateway.credential, /component/],
    ]) {
      const { code, said } = await Guard.outcome(given, credential);
      assert.equal(code, status, said);
      assert.match(said, words);
      assert.ok(!said.includes(gateway.credential) && !said.includes(key.key));
    }
  });

  it("has said who did what, and never a key", async () => {
    assert.match(guard.said, new RegExp(`allow svc:billing ${key.key_id.slice(0, 4)}`));
    assert.match(guard.said, /deny 401 malformed/);
    assert.match(guard.said, /deny 401 inactive svc:billing key_/);
    await endsWell(guard, gateway, key);
  });
});
