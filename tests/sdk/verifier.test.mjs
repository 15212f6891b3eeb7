// The package's verifier against a real registry: what it allows, how it keeps itself fresh, and what it does when nobody answers.

import assert from "node:assert/strict";
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, it } from "node:test";

import { createVerifier } from "../../crates/js/js/index.mjs";
import { wardkeyFetch } from "../../crates/js/js/holder/index.mjs";
import { protect } from "../../crates/js/js/middleware/fetch.mjs";
import { wardkey as forExpress } from "../../crates/js/js/middleware/express.mjs";
import { RULED } from "../harness/policies.mjs";
import { Worker } from "../harness/worker.mjs";

const FRESH_FOR_MS = 5_000;

describe("a verifier of the package", () => {
  let worker, admin, gateway, verifier, key;

  before(async () => {
    worker = await Worker.start();
    admin = await worker.administrator({ policy: RULED });
    gateway = await admin.deputy(["verifier:key-set", "verifier:verify"], ["api"]);
    key = (await admin.create({ scopes: ["reports:read", "reports:write"] })).json;
    verifier = await createVerifier({ url: worker.url, credential: gateway.credential });
  });

  const request = (headers, url = "https://api.example/reports") => new Request(url, { headers });
  const bearer = (token) => request({ Authorization: `Bearer ${token}` });

  it("allows what the key may do, and says who calls", async () => {
    const decision = await verifier.authorize(bearer(key.key), "reports:read");
    assert.equal(decision.allowed, true);
    assert.equal(decision.subject, "svc:billing");
    assert.equal(decision.keyId, key.key_id);
    assert.deepEqual(decision.scopes, ["reports:read", "reports:write"]);
    assert.equal(decision.list.zone, "fresh");
    assert.ok(!JSON.stringify(decision).includes(key.key));
    const both = await verifier.authorize(bearer(key.key), ["reports:read", "reports:export"], { any: true });
    assert.equal(both.allowed, true);
  });

  it("answers as the registry's own routes do", async () => {
    const forged = `${key.key.slice(0, -8)}AAAAAAAA`;
    for (const [asked, scope, status, code, challenge] of [
      [bearer(key.key), "reports:export", 403, "scope_missing", 'Bearer realm="wardkey", error="insufficient_scope", scope="reports:export"'],
      [bearer(forged), "reports:read", 401, "invalid_token", 'Bearer realm="wardkey", error="invalid_token"'],
      [bearer("nonsense"), "reports:read", 401, "invalid_token", 'Bearer realm="wardkey", error="invalid_token"'],
      [request({}), "reports:read", 401, "credential_missing", 'Bearer realm="wardkey"'],
      [request({ Authorization: `Bearer ${key.key}, Bearer ${key.key}` }), "reports:read", 400, "invalid_request", 'Bearer realm="wardkey", error="invalid_request"'],
      [request({ Authorization: `Bearer ${key.key}`, "X-API-Key": key.key }), "reports:read", 400, "invalid_request", 'Bearer realm="wardkey", error="invalid_request"'],
      [request({ Authorization: `Bearer ${key.key}` }, `https://api.example/?key=${key.key}`), "reports:read", 400, "invalid_request", 'Bearer realm="wardkey", error="invalid_request"'],
    ]) {
      const response = (await verifier.authorize(asked, scope)).response();
      const body = await response.json();
      assert.deepEqual([response.status, body.code, body.status], [status, code, status]);
      assert.equal(response.headers.get("WWW-Authenticate"), challenge, code);
      assert.equal(response.headers.get("Content-Type"), "application/problem+json");
      assert.equal(response.headers.get("Cache-Control"), "no-store");
    }
    // The registry's forward-auth answers a forged key with the same challenge and code.
    const theirs = await worker.client().get("/v1/forward-auth/1/api?scope=reports:read", { headers: { Authorization: `Bearer ${forged}` } });
    assert.deepEqual([theirs.status, theirs.json?.code ?? "invalid_token"], [401, "invalid_token"]);
  });

  it("asks the registry for strict scopes, and for each of many calls at once", async () => {
    const { key: purger } = (await admin.create({ scopes: ["reports:purge"] })).json;
    const decisions = await Promise.all(Array.from({ length: 10 }, () => verifier.authorize(bearer(purger), "reports:purge")));
    for (const decision of decisions) {
      assert.equal(decision.allowed, true, decision.reason);
      assert.deepEqual([decision.list.zone, decision.list.ageMs], ["registry", 0]);
    }
    assert.equal(verifier.verifySync(purger, "reports:purge").outcome, "strict");
    // What many share, nobody changes.
    for (const shared of [verifier.verifySync(purger, "reports:purge"), verifier.verifySync("nonsense", "reports:read", { claims: false })]) {
      assert.throws(() => (shared.outcome = "allow"), TypeError);
    }
    assert.equal(verifier.verifySync(purger, "reports:purge").response().status, 503);
    // The registry's own word comes before any list: revoked, not inactive.
    const doomed = (await admin.create({ scopes: ["reports:purge"] })).json;
    await verifier.verify(doomed.key, "reports:purge");
    await admin.revoke(doomed.key_id);
    const after = await verifier.verify(doomed.key, "reports:purge");
    assert.deepEqual([after.outcome, after.reason, after.answer.status], ["deny", "revoked", 401]);
  });

  it("denies a revoked key within fresh-for, with no call of its own but for the head", async () => {
    const doomed = (await admin.create({})).json;
    assert.equal((await verifier.verify(doomed.key, "reports:read")).allowed, true);
    const revoked = Date.now();
    await admin.revoke(doomed.key_id);
    let last;
    for (;;) {
      const decision = await verifier.verify(doomed.key, "reports:read");
      if (!decision.allowed) {
        assert.equal(decision.reason, "inactive");
        break;
      }
      last = Date.now();
      assert.ok(last - revoked <= FRESH_FOR_MS + 1_000, "still allowed");
      await sleep(20);
    }
    console.log(`denied ${Date.now() - revoked} ms after the revocation; bound ${FRESH_FOR_MS} ms and the clocks' skew`);
  });

  it("takes a newer key set as soon as the list names one", async () => {
    const before = verifier.status().keySetVersion;
    const rotated = await admin.post("/v1/signing-keys/api/rotate", { compromised: false, mint_from_in_s: 7_200, reason: "try" }, { headers: { "Idempotency-Key": "sdk-rotate" } });
    assert.ok(rotated.status < 300, rotated.text);
    const until = Date.now() + 12_000;
    while (verifier.status().keySetVersion === before && Date.now() < until) {
      assert.equal((await verifier.verify(key.key, "reports:read")).allowed, true);
      await sleep(50);
    }
    assert.ok(verifier.status().keySetVersion > before, JSON.stringify(verifier.status()));
    assert.equal((await verifier.verify(key.key, "reports:read")).allowed, true);
  });

  it("tells in a log who did what, after the fact, and never the key", async () => {
    const lines = [];
    const logging = await createVerifier({
      url: worker.url, credential: () => gateway.credential,
      onDecision(entry) {
        lines.push(entry);
        throw new Error("the log is full");
      },
    });
    await logging.verify(key.key, "reports:read", { requestId: "r-1" });
    assert.deepEqual(lines, [], "not before the answer");
    await logging.verify("nonsense", "reports:read");
    await sleep(20);
    assert.deepEqual(lines.map(({ outcome, reason, requestId }) => [outcome, reason, requestId]), [["allow", undefined, "r-1"], ["deny", "malformed", undefined]]);
    assert.equal(lines[0].subject, "svc:billing");
    assert.ok(!JSON.stringify(lines).includes(key.key));
    assert.throws(() => (lines[0].outcome = "deny"), TypeError);
  });

  it("refuses what cannot be", async () => {
    const options = { url: worker.url, credential: gateway.credential };
    await assert.rejects(createVerifier({}), { code: "one_transport" });
    await assert.rejects(createVerifier({ ...options, binding: {} }), { code: "one_transport" });
    await assert.rejects(createVerifier({ url: "http://registry.example", credential: "x" }), { code: "https_required" });
    await assert.rejects(createVerifier({ url: worker.url }), { code: "credential_missing" });
    await assert.rejects(createVerifier({ url: worker.url, credential: key.key }), { code: "credential_refused" });
    await assert.rejects(verifier.verify(key.key, "reports:unknown"), { code: "unknown_scope" });
    await assert.rejects(verifier.verify(key.key, []), { code: "scope_malformed" });
    await assert.rejects(verifier.verify(key.key, "reports:read reports:write"), { code: "scope_malformed" });
    for (const odd of [undefined, null, 5, {}, [5]]) await assert.rejects(verifier.verify(key.key, odd), { code: "scope_malformed" });
    for (const odd of [undefined, null, 5, {}, "", "\u{1F511}", "x".repeat(10_000)]) {
      assert.equal((await verifier.verify(odd, "reports:read")).reason, "malformed");
    }
  });

  it("says what is wrong with a credential, an audience or an address, in the registry's own words", async () => {
    const of = (more) => createVerifier({ url: worker.url, credential: gateway.credential, ...more });
    const request = "request req_[0-9a-f]{32}";
    const lister = await admin.deputy(["verifier:verify"], ["api"]);
    const dead = await admin.deputy(["verifier:key-set", "verifier:verify"], ["api"]);
    const started = await of({ credential: dead.credential });
    for (const [more, told] of [
      [{ credential: key.key }, `refuses \`credential\` \\(401 invalid_token, ${request}\\): is it a key of audience wardkey, with verifier:key-set\\?$`],
      [{ credential: lister.credential }, `\\(403 scope_missing verifier:key-set, ${request}\\)$`],
      [{ audience: "apo" }, `\\(403 forbidden_by_rule key_set_audience, ${request}\\): it is not for audience "apo"$`],
      [{ url: `${worker.url}/v1` }, "answers 404 no_route, .*: `url` is without /v1$"],
    ]) {
      await assert.rejects(of(more), (error) => (assert.match(error.message, new RegExp(told)), !error.message.includes(gateway.credential.slice(20, 40))));
    }
    await admin.revoke(dead.keyId);
    const lines = [];
    const { error: printed } = console;
    console.error = (line) => lines.push(line);
    try {
      const { key: purger } = (await admin.create({ scopes: ["reports:purge"] })).json;
      for (let call = 0; call < 3; call++) assert.equal((await started.verify(purger, "reports:purge")).answer.status, 503);
    } finally {
      console.error = printed;
    }
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(lines[0], new RegExp(`^wardkey: strict scopes are answered 503: credential_refused: .*\\(401 revoked, ${request}\\)$`));
  });

  it("stands before a handler of Fetch requests", async () => {
    const handler = protect(verifier, "reports:read", (_request, decision) => new Response(`hello ${decision.subject}`));
    assert.equal(await (await handler(bearer(key.key))).text(), "hello svc:billing");
    assert.equal((await handler(request({}))).status, 401);
    // Where there is no verifier, there is no answer of the handler's.
    const without = protect({ url: "http://127.0.0.1:9", credential: "x" }, "reports:read", () => new Response("open"));
    assert.equal((await without(bearer(key.key))).status, 503);
  });

  it("tells the holder of a key that was rotated by when to have the next one", async () => {
    const old = (await admin.create({ scopes: ["reports:purge"] })).json;
    const told = [];
    const handler = protect(verifier, "reports:purge", () => new Response("done"));
    const call = (text) => wardkeyFetch({ key: text, origins: ["https://api.example"], onRotateBy: (date) => told.push(date.getTime()), fetch: handler })("https://api.example/");
    assert.equal((await call(old.key)).status, 200);
    assert.deepEqual(told, []);
    const next = (await admin.post(`/v1/keys/${old.key_id}/rotate`, { overlap_s: 3_600 })).json;
    assert.equal((await call(next.key)).status, 200);
    assert.equal((await call(old.key)).status, 200);
    const { generations } = (await admin.get(`/v1/keys/${old.key_id}`)).json;
    assert.deepEqual(told, [Math.floor(generations[0].retire_at_ms / 1_000) * 1_000]);
  });

  it("stands before a handler of Node's requests", async () => {
    const middleware = forExpress(verifier, "reports:read");
    const server = http.createServer((req, res) => middleware(req, res, (error) => res.end(error ? "error" : `hello ${req.auth.keyId}`)));
    await new Promise((up) => server.listen(0, "127.0.0.1", up));
    const url = `http://127.0.0.1:${server.address().port}/`;
    assert.equal(await (await fetch(url, { headers: { Authorization: `Bearer ${key.key}` } })).text(), `hello ${key.key_id}`);
    const refused = await fetch(url);
    assert.deepEqual([refused.status, (await refused.json()).code], [401, "credential_missing"]);
    // Two of them: Node keeps the first and says nothing.
    const twice = await new Promise((answered) => {
      http.get(url, { headers: { Authorization: [`Bearer ${key.key}`, "Bearer other"] } }, (response) => answered(response.resume().statusCode));
    });
    assert.equal(twice, 400);
    assert.equal((await fetch(`${url}?token=${key.key}`, { headers: { Authorization: `Bearer ${key.key}` } })).status, 400);
    server.close();
  });
});

describe("a verifier whose registry does not answer", () => {
  let worker, admin, gateway, key;
  /** What stands between: passes on, or does what it is told. */
  let between, server;

  before(async () => {
    worker = await Worker.start();
    admin = await worker.administrator({ policy: RULED });
    gateway = await admin.deputy(["verifier:key-set", "verifier:verify"], ["api"]);
    key = (await admin.create({ scopes: ["reports:read", "reports:purge"], expires_in: 86_400 })).json.key;
    server = http.createServer(async (req, res) => {
      const chunks = [];
      for await (const chunk of req) chunks.push(chunk);
      between.seen.push(req.url);
      await between.answer(req, Buffer.concat(chunks), res);
    });
    await new Promise((up) => server.listen(0, "127.0.0.1", up));
  });

  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const pass = async (req, body, res) => {
    const { authorization, "content-type": type, "if-none-match": etag } = req.headers;
    const headers = Object.entries({ authorization, "content-type": type, "if-none-match": etag }).filter(([, value]) => value !== undefined);
    const answer = await fetch(worker.url + req.url, { method: req.method, headers, body: req.method === "POST" ? body : undefined });
    const kept = ["content-type", "etag", "wardkey-request-id"].map((name) => [name, answer.headers.get(name)]).filter(([, value]) => value !== null);
    res.writeHead(answer.status, Object.fromEntries(kept));
    res.end(Buffer.from(await answer.arrayBuffer()));
  };
  const hostile = {
    "hangs": () => new Promise(() => {}),
    "fails": (_req, _body, res) => res.writeHead(500).end("{}"),
    "says it is not there": (_req, _body, res) => res.writeHead(404).end(),
    "sends another place": (_req, _body, res) => res.writeHead(302, { Location: "http://127.0.0.1:9/" }).end(),
    "cuts its answers short": (_req, _body, res) => res.writeHead(200, { "Content-Length": 100 }).write("x") && res.destroy(),
    "answers nothing": (_req, _body, res) => res.writeHead(200).end(),
    "answers random bytes": (_req, _body, res) => res.writeHead(200).end(crypto.getRandomValues(new Uint8Array(700))),
    "answers without end": (_req, _body, res) => {
      res.writeHead(200);
      const more = () => res.destroyed || (res.write(Buffer.alloc(65_536)), setTimeout(more, 1));
      more();
    },
  };

  /** A verifier behind what stands between, at a clock that can be moved. */
  async function made() {
    between = { answer: pass, seen: [] };
    const clock = { ahead: 0 };
    const verifier = await createVerifier({
      url: `http://127.0.0.1:${server.address().port}`, credential: gateway.credential, now: () => Date.now() + clock.ahead, refreshTimeoutMs: 200,
    });
    assert.equal((await verifier.verify(key, "reports:read")).allowed, true);
    return { verifier, clock };
  }

  for (const [does, answer] of Object.entries(hostile)) {
    it(`answers from its list as long as the level allows it, where the registry ${does}`, async () => {
      const { verifier, clock } = await made();
      between.answer = answer;
      const started = performance.now();
      // Low risk: an hour. Past it, and for strict scopes at once: it cannot be known.
      clock.ahead = 60_000;
      const decision = await verifier.verify(key, "reports:read");
      assert.deepEqual([decision.outcome, decision.list?.zone], ["allow", "must_ask"], decision.reason);
      assert.ok(performance.now() - started < 2_000, "waits no longer than it may");
      clock.ahead = 3_600_001 + 5_000;
      assert.equal((await verifier.verify(key, "reports:read")).reason, "list_stale");
      clock.ahead = 0;
      const strict = await verifier.verify(key, "reports:purge", {});
      assert.deepEqual([strict.reason, strict.answer.status], ["registry_unavailable", 503]);
      // And is well again by itself.
      between.answer = pass;
      clock.ahead = 10_000;
      await sleep(1_100);
      clock.ahead = 0;
      assert.equal((await verifier.verify(key, "reports:purge")).allowed, true);
    });
  }

  it("has one refresh under way, however many wait for it", async () => {
    const { verifier, clock } = await made();
    await sleep(50);
    between.seen.length = 0;
    clock.ahead = 4_900;
    const decisions = await Promise.all(Array.from({ length: 200 }, () => verifier.verify(key, "reports:read")));
    assert.ok(decisions.every(({ allowed }) => allowed));
    await sleep(200);
    clock.ahead = 0;
    const heads = between.seen.filter((url) => url.endsWith("/head")).length;
    assert.ok(heads <= 2, `${heads} heads for 200 calls`);
    assert.ok(heads >= 1, "the list was looked after");
  });

  it("takes no answer of the registry for another", async () => {
    const { verifier } = await made();
    for (const [answer, reason] of [
      [{ decision: "deny", reason: "constructor", status: 401 }, "constructor"],
      [{ decision: "deny", reason: "allow", status: 401 }, "registry_unavailable"],
      [{ decision: "deny", reason: `revoked${" ".repeat(60_000)}`, status: 401 }, "registry_unavailable"],
      [{ decision: "deny", reason: "__proto__", status: 503 }, "registry_unavailable"],
      [{ decision: "deny", reason: "too_many_strict_calls", status: 429 }, "too_many_strict_calls"],
      [{ decision: "deny" }, "registry_unavailable"],
      [{ decision: "allow", status: 200, key_id: "key_0011223344556677", tenant: 1, audience: 1, list: { sequence: 1 } }, "registry_unavailable"],
      [{ decision: "allow", status: 200 }, "registry_unavailable"],
      [{ decision: "allowed" }, "registry_unavailable"],
      [{}, "registry_unavailable"],
      [null, "registry_unavailable"],
      ["allow", "registry_unavailable"],
    ]) {
      between.answer = (_req, _body, res) => res.writeHead(200).end(JSON.stringify(answer));
      const decision = await verifier.verify(key, "reports:purge");
      assert.deepEqual([decision.outcome, decision.reason], ["deny", reason], JSON.stringify(answer));
    }
    between.answer = pass;
    assert.equal((await verifier.verify(key, "reports:purge")).allowed, true);
  });

  it("does not step back when its clock does, and allows nothing by a clock that is behind the list", async () => {
    const { verifier, clock } = await made();
    const { sequence } = verifier.status();
    clock.ahead = -60_000;
    const behind = await verifier.verify(key, "reports:read");
    assert.deepEqual([behind.outcome, behind.answer.status], ["deny", 503]);
    clock.ahead = 0;
    assert.equal((await verifier.verify(key, "reports:read")).allowed, true);
    assert.ok(verifier.status().sequence >= sequence);
  });
});

describe("a verifier of static files", () => {
  it("verifies by what is kept renewing, and cannot answer for strict scopes", async () => {
    const worker = await Worker.start();
    const admin = await worker.administrator({ policy: RULED });
    const gateway = await admin.deputy(["verifier:key-set"], ["api"]);
    const { key } = (await admin.create({ scopes: ["reports:read", "reports:purge"], expires_in: 86_400 })).json;
    const files = {};
    const bytes = async (path) => (await gateway.get(path)).bytes;
    const renew = async () => Object.assign(files, { keySet: await bytes("/v1/key-set"), head: await bytes("/v1/list/1/head") });
    await renew();
    let ahead = 0;
    const verifier = await createVerifier({
      files: { keySet: () => files.keySet, head: () => files.head, state: (name) => bytes(`/v1/list/1/state/${name}`) },
      now: () => Date.now() + ahead,
    });
    const judged = async (scope) => (await verifier.verify(key, scope)).reason ?? "allow";
    assert.equal(await judged("reports:read"), "allow");
    assert.equal(await judged("reports:purge"), "registry_unavailable");
    // Nobody renews them: stale as anywhere.
    ahead = 3_600_001 + 5_000;
    assert.equal(await judged("reports:read"), "list_stale");
    assert.ok(Buffer.isBuffer(files.keySet) && files.keySet.some((byte) => byte !== 0), "what it was given is not wiped");
  });
});
