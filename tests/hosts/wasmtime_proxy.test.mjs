// The reverse proxy on wasmtime, in front of an upstream and with a real registry: what it lets through, what the caller is told, what the upstream is
// told, and what happens when the registry is away.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { eventually } from "../harness/client.mjs";
import { Guard, Upstream } from "../harness/guard.mjs";
import { RULED } from "../harness/policies.mjs";
import { Worker } from "../harness/worker.mjs";

const FRESH_FOR_MS = 5_000;

describe("the proxy on wasmtime", () => {
  let worker, admin, gateway, upstream, guard, key;
  const options = (...more) => ["--registry", worker.url, "--upstream", upstream.url, "--threads", "2", "--log-decisions", ...more];

  before(async () => {
    worker = await Worker.start();
    admin = await worker.administrator({ policy: RULED });
    gateway = await admin.deputy(["verifier:key-set", "verifier:verify"], ["api"]);
    upstream = new Upstream();
    await upstream.listen();
    key = (await admin.create({ scopes: ["reports:read", "reports:write"] })).json;
    guard = await Guard.start(options("--scope", "reports:read", "--method-scope", "POST=reports:write", "--method-scope", "DELETE=reports:purge"), gateway.credential);
    await eventually("a first list", async () => (await guard.bearer(key.key)).status === 200);
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

  it("streams what is long, both ways", async () => {
    const long = randomBytes(8 << 20);
    const { status, json } = await guard.bearer(key.key, "/", { method: "POST", body: long });
    assert.deepEqual([status, json.length], [200, long.length]);
    const { hostname, port } = new URL(guard.url);
    const request = http.request({ hostname, port, path: "/echo", method: "POST", headers: { Authorization: `Bearer ${key.key}` } });
    request.write("first");
    const response = await new Promise((answered) => request.on("response", answered));
    const [chunk] = await Promise.all([new Promise((read) => response.once("data", read))]);
    // The answer has begun before the question ends.
    assert.equal(chunk.toString(), "first");
    request.end("last");
    response.resume();
    await new Promise((ended) => response.on("end", ended));
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

  it("takes a newer key set when the list names one", async () => {
    const rotated = await admin.post("/v1/signing-keys/api/rotate", { compromised: true, reason: "try" }, { headers: { "Idempotency-Key": "proxy-rotate" } });
    assert.ok(rotated.status < 300, rotated.text);
    const next = (await admin.create({ scopes: ["reports:read"] })).json.key;
    await eventually("the new signing key is known", async () => (await guard.bearer(next)).status === 200, 15_000);
    await eventually("the old one is dead", async () => (await guard.bearer(key.key)).status === 401, 15_000);
    key = (await admin.create({ scopes: ["reports:read", "reports:write"] })).json;
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

  it("reaches a registry by https, if its certificate is good", async () => {
    const folder = mkdtempSync(join(tmpdir(), "wardkey-proxy-"));
    const [secret, certificate] = ["key.pem", "cert.pem"].map((name) => join(folder, name));
    execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", secret, "-out", certificate, "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"], { stdio: "ignore" });
    const front = https.createServer({ key: readFileSync(secret), cert: readFileSync(certificate) }, (request, response) => {
      // Plain http is refused but on this machine, and behind TLS the worker sees this machine.
      const behind = http.request(new URL(request.url, worker.url), { method: request.method, headers: { ...request.headers, host: new URL(worker.url).host } }, (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      });
      request.pipe(behind);
    });
    await new Promise((done) => front.listen(0, "127.0.0.1", done));
    const by = (host) => ["--registry", `https://${host}:${front.address().port}`, "--upstream", upstream.url, "--scope", "reports:read"];
    const good = await Guard.start(by("localhost"), gateway.credential, { SSL_CERT_FILE: certificate });
    await eventually("a first list", async () => (await good.bearer(key.key)).status === 200);
    await good.end();
    for (const [host, roots] of [["localhost", {}], ["127.0.0.1", { SSL_CERT_FILE: certificate }]]) {
      const wary = await Guard.start(by(host), gateway.credential, roots);
      await eventually("a word on it", () => /no key set: the registry cannot be reached/.test(wary.said));
      assert.equal((await wary.bearer(key.key)).json.code, "no_key_set", host);
      await wary.end();
    }
    front.closeAllConnections();
    front.close();
    rmSync(folder, { recursive: true });
  });

  it("says so when the upstream is away or silent", async () => {
    const gone = new Upstream();
    await gone.listen();
    const lonely = await Guard.start(["--registry", worker.url, "--upstream", gone.url, "--scope", "reports:read", "--upstream-timeout-s", "1"], gateway.credential);
    await eventually("a first list", async () => (await lonely.bearer(key.key)).status === 200);
    const { status, json } = await lonely.bearer(key.key, "/silence");
    assert.deepEqual([status, json.code], [504, "upstream_timeout"]);
    gone.close();
    const after = await lonely.bearer(key.key);
    assert.deepEqual([after.status, after.json.code], [502, "upstream_unreachable"]);
    await lonely.end();
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

  it("has calls wait once a second, and not each, for a registry that hangs", async () => {
    let isHanging = false;
    const front = http.createServer((request, response) => {
      if (isHanging) return;
      const behind = http.request(new URL(request.url, worker.url), { method: request.method, headers: { ...request.headers, host: new URL(worker.url).host } }, (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      });
      request.pipe(behind);
    });
    await new Promise((done) => front.listen(0, "127.0.0.1", done));
    const patient = await Guard.start(["--registry", `http://127.0.0.1:${front.address().port}`, "--upstream", upstream.url, "--scope", "reports:read", "--threads", "2"], gateway.credential);
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
    assert.ok(patient.said.match(/not refreshed/g).length <= 2, patient.said);
    isHanging = false;
    await eventually("it is over", async () => /the list is refreshed again/.test(patient.said), 15_000);
    await patient.end();
    front.closeAllConnections();
    front.close();
  });

  it("lets a body take its time, and nobody be silent for long", async () => {
    const hasty = await Guard.start(["--registry", worker.url, "--upstream", upstream.url, "--scope", "reports:read", "--upstream-timeout-s", "1", "--log-decisions"], gateway.credential);
    await eventually("a first list", async () => (await hasty.bearer(key.key)).status === 200);
    const { hostname, port } = new URL(hasty.url);
    const upload = async (path, chunks, pause) => {
      const request = http.request({ hostname, port, path, method: "POST", agent: false, headers: { Authorization: `Bearer ${key.key}` } });
      const answered = new Promise((done, failed) => request.on("response", done).on("error", failed));
      request.flushHeaders();
      for (let sent = 0; sent < chunks; sent++) {
        request.write("x".repeat(100));
        await sleep(pause);
      }
      if (chunks < 5) {
        const response = await answered;
        response.on("error", () => {}).resume();
        return { status: response.statusCode };
      }
      request.end();
      const response = await answered;
      let text = "";
      for await (const chunk of response) text += chunk;
      return { status: response.statusCode, text };
    };
    const [slow, echoed, stopped] = await Promise.all([upload("/reports", 6, 400), upload("/echo", 6, 400), upload("/reports", 1, 0)]);
    assert.deepEqual([slow.status, JSON.parse(slow.text).length], [200, 600]);
    assert.deepEqual([echoed.status, echoed.text.length], [200, 600], "the answer's silence is the request's time");
    assert.equal(stopped.status, 408);
    const { status } = await hasty.bearer(key.key, "/silence");
    assert.equal(status, 504);
    // What is no body is the caller's fault, and no word on the service behind.
    const broken = await new Promise((answered) => {
      const socket = net.connect(port, hostname);
      let text = "";
      socket.on("data", (chunk) => (text += chunk)).on("close", () => answered(text));
      socket.write(`POST /reports HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${key.key}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`);
    });
    assert.match(broken, /^HTTP\/1.1 400 /);
    assert.doesNotMatch(hasty.said, /cannot be reached/);
    await hasty.end();
  });

  it("has room for a caller however many only hold connections", async () => {
    const narrow = await Guard.start(["--registry", worker.url, "--upstream", upstream.url, "--scope", "reports:read", "--threads", "2", "--max-connections", "8"], gateway.credential);
    await eventually("a first list", async () => (await narrow.bearer(key.key)).status === 200);
    const { hostname, port } = new URL(narrow.url);
    const closed = new Set();
    const silent = Array.from({ length: 40 }, (_, place) => net.connect(port, hostname).on("close", () => closed.add(place)).on("error", () => {}).resume());
    // Half of a request's headers are no request.
    for (const socket of silent.slice(20)) socket.write("GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ");
    await sleep(500);
    const answers = await Promise.all(Array.from({ length: 6 }, () => narrow.bearer(key.key)));
    assert.deepEqual(answers.map(({ status }) => status), Array(6).fill(200));
    assert.ok(closed.size >= 32 - 1, `${closed.size} of 40 gave way`);
    const long = http.request({ hostname, port, path: "/echo", method: "POST", agent: false, headers: { Authorization: `Bearer ${key.key}` } });
    const response = new Promise((done) => long.on("response", done));
    long.write("first");
    await response;
    const more = Array.from({ length: 40 }, () => net.connect(port, hostname).on("error", () => {}).resume());
    await sleep(500);
    long.end("last");
    let text = "";
    for await (const chunk of await response) text += chunk;
    assert.equal(text, "firstlast", "a call that is under way gives way to nobody");
    await sleep(5_500);
    assert.equal(more.filter((socket) => !socket.destroyed).length, 0, "a word within three seconds");
    await narrow.end();
  });

  it("reads its credential from a file, too", async () => {
    const folder = mkdtempSync(join(tmpdir(), "wardkey-proxy-"));
    const deputy = () => admin.deputy(["verifier:key-set", "verifier:verify"], ["api"]);
    const first = await deputy();
    writeFileSync(join(folder, "credential"), `${first.credential}\n`, { mode: 0o600 });
    const filed = await Guard.start(options("--scope", "reports:read", "--method-scope", "DELETE=reports:purge", "--credential-file", join(folder, "credential")));
    await eventually("a first list", async () => (await filed.bearer(key.key)).status === 200);
    // The credential is rotated, as it has to be before it expires: the file's new one is taken without a restart.
    const { key: purger } = (await admin.create({ scopes: ["reports:purge"] })).json;
    const next = await deputy();
    const purge = async () => (await filed.bearer(purger, "/", { method: "DELETE" })).status;
    assert.equal(await purge(), 200);
    await admin.revoke(first.keyId);
    await eventually("the old one is dead", async () => (await purge()) === 503);
    writeFileSync(join(folder, "credential"), `${next.credential}\n`, { mode: 0o600 });
    await eventually("the new one is taken", async () => (await purge()) === 200, 10_000);
    await filed.end();
    rmSync(folder, { recursive: true });
  });

  it("grows by nothing under calls that are broken off while the registry is asked", async () => {
    const { key: purger } = (await admin.create({ scopes: ["reports:purge"] })).json;
    const { hostname, port } = new URL(guard.url);
    const resident = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${guard.pid}/status`, "utf8"))[1]);
    const broken = () => new Promise((done) => {
      const request = http.request({ hostname, port, path: "/", method: "DELETE", headers: { Authorization: `Bearer ${purger}` }, agent: false });
      request.on("error", done).on("response", (response) => (response.resume(), done()));
      request.end();
      setTimeout(() => request.destroy(), 2);
    });
    const round = async () => {
      for (let count = 0; count < 20; count++) await Promise.all(Array.from({ length: 20 }, broken));
      return resident();
    };
    await round();
    const first = await round();
    const last = await round();
    console.log(`${first} KiB, then ${last} KiB`);
    assert.ok(last < first + 4_096);
  });

  it("goes on by the list it has while the registry is away, and denies what it may not know", async () => {
    const risky = await Guard.start(options("--scope", "reports:read", "--method-scope", "PUT=reports:export", "--method-scope", "DELETE=reports:purge"), gateway.credential);
    const all = (await admin.create({ scopes: ["reports:read", "reports:export", "reports:purge"] })).json.key;
    await eventually("a first list", async () => (await risky.bearer(all)).status === 200);
    await worker.stop();
    await sleep(FRESH_FOR_MS + 500);
    const low = await risky.bearer(all);
    assert.equal(low.status, 200, "an hour is allowed for a low risk");
    const strict = await risky.bearer(all, "/", { method: "DELETE" });
    assert.deepEqual([strict.status, strict.json.code, strict.headers["retry-after"], strict.headers["www-authenticate"]], [503, "registry_unavailable", "1", undefined]);
    // With nobody to fetch it from, there is no key set, and nothing is allowed.
    const blind = await Guard.start(options("--scope", "reports:read"), gateway.credential);
    const denied = await blind.bearer(all);
    assert.deepEqual([denied.status, denied.json.code, denied.headers["retry-after"]], [503, "no_key_set", "1"]);
    await worker.restart();
    // On a port of its own: whoever was away is somebody else now, and the old address stays dead.
    assert.equal((await risky.bearer(all)).status, 200);
    await Promise.all([risky.end(), blind.end()]);
  });

  it("has said who did what, and never a key", async () => {
    assert.match(guard.said, new RegExp(`allow svc:billing ${key.key_id.slice(0, 4)}`));
    assert.match(guard.said, /deny 401 malformed/);
    assert.match(guard.said, /deny 401 inactive svc:billing key_/);
    const payload = key.key.slice(key.key.indexOf("_test_") + 6);
    for (const secret of [key.key, payload.slice(0, 40), payload.slice(-40), gateway.credential]) assert.ok(!guard.said.includes(secret));
    assert.equal(await guard.end(), 0);
  });
});
