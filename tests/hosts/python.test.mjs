// The component in Python before a Starlette application under uvicorn, against a real registry.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { before, describe, it } from "node:test";

import { Asgi } from "../harness/asgi.mjs";
import { FRESH_FOR_MS, Tenant } from "../harness/tenant.mjs";

describe("an ASGI application behind the component", () => {
  let tenant, asgi, key;

  before(async () => {
    tenant = await Tenant.start();
    key = await tenant.created({ scopes: ["reports:read", "reports:export"] });
    asgi = await Asgi.start({ registry: tenant.worker.url, credential: tenant.gateway.credential });
  });

  const asked = (path, token, init = {}) => fetch(asgi.url + path, { ...init, headers: token && { Authorization: `Bearer ${token}` } });

  it("lets through what is allowed, and Starlette knows who calls", async () => {
    const answer = await asked("/reports/", key.key);
    assert.equal(answer.status, 200);
    assert.deepEqual(await answer.json(), { subject: "svc:billing", key_id: key.key_id, judged: ["reports:read"], zone: "fresh" });
    // The key has it, and nobody judged it.
    assert.equal((await asked("/reports/export", key.key)).status, 403);
    assert.equal((await asked("/healthz")).status, 200);
  });

  it("answers as the registry's own routes do", async () => {
    const other = await tenant.created({ scopes: ["reports:write"] });
    const forged = `${key.key.slice(0, -8)}AAAAAAAA`;
    for (const [path, token, status, code, challenge] of [
      ["/reports/", undefined, 401, "credential_missing", 'Bearer realm="wardkey"'],
      ["/reports/", forged, 401, "invalid_token", 'Bearer realm="wardkey", error="invalid_token"'],
      ["/reports/", "nonsense", 401, "invalid_token", 'Bearer realm="wardkey", error="invalid_token"'],
      ["/reports/", other.key, 403, "scope_missing", 'Bearer realm="wardkey", error="insufficient_scope"'],
      [`/reports/?key=${key.key}`, key.key, 400, "invalid_request", 'Bearer realm="wardkey", error="invalid_request"'],
      [`/reports/?key=${[...key.key].map((each) => `%${each.charCodeAt(0).toString(16)}`).join("")}`, key.key, 400, "invalid_request", 'Bearer realm="wardkey", error="invalid_request"'],
    ]) {
      const answer = await asked(path, token);
      const body = await answer.json();
      assert.deepEqual([answer.status, body.code, body.status], [status, code, status]);
      assert.equal(answer.headers.get("WWW-Authenticate"), challenge);
      assert.equal(answer.headers.get("Content-Type"), "application/problem+json");
      assert.equal(answer.headers.get("Cache-Control"), "no-store");
    }
  });

  it("asks the registry for strict scopes, and takes its word", async () => {
    const purger = await tenant.created({ scopes: ["reports:purge"] });
    const answer = await asked("/purge/", purger.key, { method: "POST" });
    assert.equal(answer.status, 200);
    assert.equal((await answer.json()).zone, "registry");
    await tenant.admin.revoke(purger.key_id);
    const refused = await asked("/purge/", purger.key, { method: "POST" });
    assert.deepEqual([refused.status, (await refused.json()).code], [401, "revoked"]);
  });

  it("denies a revoked key within the bound", async () => {
    const doomed = await tenant.created({ scopes: ["reports:read"] });
    assert.equal((await asked("/reports/", doomed.key)).status, 200);
    const { answer, ms } = await tenant.revoked(doomed.key_id, () => asked("/reports/", doomed.key));
    assert.deepEqual([answer.status, (await answer.json()).code], [401, "inactive"]);
    const { refreshes, waits } = await asgi.status();
    console.log(`denied ${ms} ms after the revocation; bound ${FRESH_FOR_MS} ms; ${refreshes} refreshes, ${waits} waits`);
  });

  it("closes a WebSocket whose key dies, and opens none without a key", async () => {
    const doomed = await tenant.created({ scopes: ["reports:read"] });
    const url = `${asgi.url.replace("http", "ws")}/reports/live`;
    const refused = await handshake(url, "nonsense");
    assert.equal(refused.status, 401);
    assert.equal(JSON.parse(refused.body).code, "invalid_token");
    const socket = new WebSocket(url, { headers: { Authorization: `Bearer ${doomed.key}` } });
    const closed = new Promise((done) => socket.addEventListener("close", done));
    await new Promise((open, failed) => (socket.addEventListener("open", open), socket.addEventListener("error", failed)));
    const messages = [];
    socket.addEventListener("message", ({ data }) => messages.push(data));
    socket.send("hello");
    await sleep(200);
    assert.deepEqual(messages, ["svc:billing: hello"]);
    await tenant.admin.revoke(doomed.key_id);
    const revoked = Date.now();
    const chatter = setInterval(() => socket.readyState === 1 && socket.send("still there"), 100);
    const { code } = await closed;
    clearInterval(chatter);
    assert.equal(code, 4401);
    assert.ok(Date.now() - revoked <= FRESH_FOR_MS + 2_000);
    console.log(`closed ${Date.now() - revoked} ms after the revocation`);
  });

  it("takes a newer key set as soon as the list names one", async () => {
    await tenant.renewed(async () => (await asgi.status()).key_set_version, () => asked("/reports/", key.key));
    assert.equal((await asked("/reports/", key.key)).status, 200);
  });

  it("goes on within the bound while the registry is away, and asks for what is strict in vain", async () => {
    const purger = await tenant.created({ scopes: ["reports:purge"] });
    assert.equal((await asked("/reports/", key.key)).status, 200);
    await tenant.worker.stop();
    const started = Date.now();
    while (Date.now() - started < 7_000) {
      const answer = await asked("/reports/", key.key);
      assert.equal(answer.status, 200, "of low risk: an hour");
      await sleep(100);
    }
    assert.equal((await (await asked("/reports/", key.key)).json()).zone, "must_ask");
    const strict = await asked("/purge/", purger.key, { method: "POST" });
    assert.deepEqual([strict.status, (await strict.json()).code, strict.headers.get("Retry-After")], [503, "registry_unavailable", "1"]);
    assert.equal((await asked("/reports/", "nonsense")).status, 401);
  });

  it("allows nothing where there was never a registry", async () => {
    const alone = await Asgi.start({ registry: "http://127.0.0.1:9", credential: tenant.gateway.credential });
    const answer = await fetch(`${alone.url}/reports/`, { headers: { Authorization: `Bearer ${key.key}` } });
    assert.deepEqual([answer.status, (await answer.json()).code, answer.headers.get("Retry-After")], [503, "no_key_set", "1"]);
    assert.equal(await alone.status(), null);
    await alone.end();
  });

  it("says nothing of a key, whatever happens", async () => {
    assert.equal((await asked("/reports/fails", key.key)).status, 500);
    await asgi.end();
    assert.match(asgi.said, /the application's own/);
    for (const each of tenant.secrets) assert.ok(!asgi.said.includes(each.slice(8, 60)), "a key stands in what the server said");
  });
});

/** A handshake that is refused: its status and body. */
async function handshake(url, token) {
  const { default: http } = await import("node:http");
  return new Promise((resolve, reject) => {
    const headers = { Authorization: `Bearer ${token}`, Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==" };
    const request = http.request(url.replace("ws", "http"), { headers, agent: false }, (response) => {
      let body = "";
      response.on("data", (chunk) => (body += chunk));
      response.on("end", () => resolve({ status: response.statusCode, body }));
    });
    request.on("error", reject);
    request.on("upgrade", () => reject(new Error("it was accepted")));
    request.end();
  });
}
