// The example of crates/hosts/jco: a server of node:http behind the component, against a real registry.

import assert from "node:assert/strict";
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, it } from "node:test";

import { server } from "../../crates/hosts/jco/server.mjs";
import { component } from "../harness/component.mjs";
import { transpiled } from "../harness/jco.mjs";
import { FRESH_FOR_MS, Tenant } from "../harness/tenant.mjs";

const { folder } = await transpiled();
const holding = (await component("holding")).instantiate().holder;

describe("a server of node:http behind the component by jco", () => {
  let tenant, api, origin, key;
  const logged = [];
  const { error } = console;

  before(async () => {
    tenant = await Tenant.start();
    key = await tenant.created({ scopes: ["reports:read"] });
    api = await server({ folder, url: tenant.worker.url, credential: tenant.gateway.credential });
    await new Promise((listens) => api.listen(0, "127.0.0.1", listens));
    origin = `http://127.0.0.1:${api.address().port}`;
    console.error = (...line) => logged.push(line.join(" "));
  });
  after(() => {
    console.error = error;
    api.closeAllConnections();
    api.close();
  });

  const asked = (path, token, init = {}) => fetch(origin + path, { ...init, headers: token && { Authorization: `Bearer ${token}` } });

  it("lets through what is allowed, and says who calls", async () => {
    const answer = await asked("/reports", key.key);
    assert.deepEqual([answer.status, await answer.json()], [200, { subject: "svc:billing", key_id: key.key_id, zone: "fresh" }]);
  });

  it("answers as the registry's own routes do", async () => {
    const other = await tenant.created({ scopes: ["reports:write"] });
    for (const [path, token, status, code, challenge] of [
      ["/reports", undefined, 401, "credential_missing", 'Bearer realm="wardkey"'],
      ["/reports", `${key.key.slice(0, -8)}AAAAAAAA`, 401, "invalid_token", 'Bearer realm="wardkey", error="invalid_token"'],
      ["/reports", other.key, 403, "scope_missing", 'Bearer realm="wardkey", error="insufficient_scope"'],
      [`/reports?key=${key.key}`, key.key, 400, "invalid_request", 'Bearer realm="wardkey", error="invalid_request"'],
      ["/reports", `${key.key}, Bearer ${key.key}`, 400, "invalid_request", 'Bearer realm="wardkey", error="invalid_request"'],
    ]) {
      const answer = await asked(path, token);
      const body = await answer.json();
      assert.deepEqual([answer.status, body.code, body.status], [status, code, status]);
      assert.equal(answer.headers.get("WWW-Authenticate"), challenge);
      assert.equal(answer.headers.get("Content-Type"), "application/problem+json");
    }
    // Two of one name, which `headers` of node:http would make one of.
    const twice = await new Promise((resolve, reject) => http.get(`${origin}/reports`, { headers: { Authorization: [`Bearer ${key.key}`, `Bearer ${key.key}`] } }, resolve).on("error", reject));
    assert.equal(twice.statusCode, 400);
    twice.resume();
  });

  it("knows the caller's address where it is asked to", async () => {
    const bound = await tenant.created({ scopes: ["reports:read"], constraints: { networks: ["127.0.0.0/8"] } });
    assert.equal((await asked("/from-here", bound.key)).status, 200);
    const refused = await asked("/reports", bound.key);
    assert.deepEqual([refused.status, (await refused.json()).code], [403, "address_not_allowed"]);
  });

  it("asks the registry for strict scopes, and takes its word", async () => {
    const purger = await tenant.created({ scopes: ["reports:purge"] });
    assert.equal((await (await asked("/purge", purger.key)).json()).zone, "registry");
    // Of a key that its holder has narrowed the registry says another end.
    const narrowed = holding.narrow(purger.key, { expiresAtS: holding.inspect(purger.key).expiresAtS - 1 });
    tenant.secrets.push(narrowed);
    assert.equal((await (await asked("/purge", narrowed)).json()).zone, "registry");
    await tenant.admin.revoke(purger.key_id);
    const refused = await asked("/purge", purger.key);
    assert.deepEqual([refused.status, (await refused.json()).code], [401, "revoked"]);
  });

  it("denies a revoked key within the bound", async () => {
    const doomed = await tenant.created({ scopes: ["reports:read"] });
    assert.equal((await asked("/reports", doomed.key)).status, 200);
    const { answer, ms } = await tenant.revoked(doomed.key_id, () => asked("/reports", doomed.key));
    assert.deepEqual([answer.status, (await answer.json()).code], [401, "inactive"]);
    console.log(`denied ${ms} ms after the revocation; bound ${FRESH_FOR_MS} ms`);
  });

  it("takes a newer key set as soon as the list names one", async () => {
    const version = async () => (await (await fetch(`${origin}/healthz`)).json()).version;
    await tenant.renewed(version, () => asked("/reports", key.key));
  });

  it("goes on within the bound while the registry is away, and asks for what is strict in vain", async () => {
    const purger = await tenant.created({ scopes: ["reports:purge"] });
    await tenant.worker.stop();
    const until = Date.now() + 6_500;
    let zone;
    while (Date.now() < until) {
      const answer = await asked("/reports", key.key);
      assert.equal(answer.status, 200, "of low risk: an hour");
      ({ zone } = await answer.json());
      await sleep(100);
    }
    assert.equal(zone, "must_ask");
    assert.equal(logged.filter((line) => line.includes("the list is not refreshed: registry_unreachable")).length, 1);
    const strict = await asked("/purge", purger.key);
    assert.deepEqual([strict.status, (await strict.json()).code, strict.headers.get("Retry-After")], [503, "registry_unavailable", "1"]);
  });

  it("allows nothing where there was never a registry, and logs no key", async () => {
    const alone = await server({ folder, url: "http://127.0.0.1:9", credential: tenant.gateway.credential });
    await new Promise((listens) => alone.listen(0, "127.0.0.1", listens));
    const answer = await fetch(`http://127.0.0.1:${alone.address().port}/reports`, { headers: { Authorization: `Bearer ${key.key}` } });
    assert.deepEqual([answer.status, (await answer.json()).code, answer.headers.get("Retry-After")], [503, "no_key_set", "1"]);
    alone.closeAllConnections();
    alone.close();
    assert.ok(logged.some((line) => line.includes("no verifier")));
    for (const each of tenant.secrets) assert.ok(!logged.join("\n").includes(each.slice(8, 60)));
  });
});
