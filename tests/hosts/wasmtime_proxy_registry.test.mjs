// The reverse proxy on wasmtime towards its registry: how it reaches it, what it takes from it, and what it does while it is slow or away.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { eventually } from "../harness/client.mjs";
import { Front } from "../harness/front.mjs";
import { Guard } from "../harness/guard.mjs";
import { endsWell, proxied } from "../harness/proxied.mjs";
import { FRESH_FOR_MS } from "../harness/tenant.mjs";

describe("the proxy on wasmtime, towards its registry", () => {
  let tenant, worker, admin, gateway, upstream, key, options, guard;

  before(async () => {
    ({ tenant, worker, admin, gateway, upstream, key, options, guard } = await proxied());
  });
  after(() => upstream.close());

  /** A proxy that reaches the registry through a front, once it has a first list. */
  const behind = async (front) => {
    const guard = await Guard.start(["--registry", front.url, "--upstream", upstream.url, "--scope", "reports:read", "--threads", "2"], gateway.credential);
    await eventually("a first list", async () => (await guard.bearer(key.key)).status === 200);
    return guard;
  };

  it("takes a newer key set when the list names one", async () => {
    await tenant.rotate({ compromised: true });
    const next = (await admin.create({ scopes: ["reports:read"] })).json.key;
    await eventually("the new signing key is known", async () => (await guard.bearer(next)).status === 200, 15_000);
    await eventually("the old one is dead", async () => (await guard.bearer(key.key)).status === 401, 15_000);
    key = (await admin.create({ scopes: ["reports:read", "reports:write"] })).json;
  });

  it("reaches a registry by https, if its certificate is good", async () => {
    const folder = mkdtempSync(join(tmpdir(), "wardkey-proxy-"));
    const [secret, certificate] = ["key.pem", "cert.pem"].map((name) => join(folder, name));
    execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", secret, "-out", certificate, "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"], { stdio: "ignore" });
    const front = await Front.start(worker.url, { key: readFileSync(secret), cert: readFileSync(certificate) });
    const by = (host) => ["--registry", `https://${host}:${front.port}`, "--upstream", upstream.url, "--scope", "reports:read"];
    const good = await Guard.start(by("localhost"), gateway.credential, { SSL_CERT_FILE: certificate });
    await eventually("a first list", async () => (await good.bearer(key.key)).status === 200);
    await good.end();
    for (const [host, roots] of [["localhost", {}], ["127.0.0.1", { SSL_CERT_FILE: certificate }]]) {
      const wary = await Guard.start(by(host), gateway.credential, roots);
      await eventually("a word on it", () => /no key set: the registry cannot be reached/.test(wary.said));
      assert.equal((await wary.bearer(key.key)).json.code, "no_key_set", host);
      await wary.end();
    }
    front.end();
    rmSync(folder, { recursive: true });
  });

  it("has calls wait once a second, and not each, for a registry that hangs", async () => {
    const front = await Front.start(worker.url);
    const patient = await behind(front);
    assert.match(patient.said, /ready: there are a key set and a list/);
    front.silences = Infinity;
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
    front.silences = 0;
    await eventually("it is over", async () => /the list is refreshed again/.test(patient.said), 15_000);
    await patient.end();
    front.end();
  });

  it("asks anew beside a question that hangs, before that one is given up", async () => {
    const front = await Front.start(worker.url);
    const patient = await behind(front);
    const doomed = await tenant.created({ scopes: ["reports:read"] });
    assert.equal((await patient.bearer(doomed.key)).status, 200);
    front.silences = 1;
    await eventually("a question that hangs", () => front.unanswered.length > 0, 10_000);
    const { answer, ms } = await tenant.revoked(doomed.key_id, () => patient.bearer(doomed.key));
    assert.deepEqual([answer.status, answer.json.code], [401, "inactive"]);
    assert.ok(front.beside > 0);
    console.log(`denied ${ms} ms after the revocation`);
    await patient.end();
    front.end();
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
    await endsWell(guard, gateway, key);
  });
});
