// The middlewares: nobody reaches what is behind one unless the key allows it, whatever goes wrong and however it is put together.

import assert from "node:assert/strict";
import http from "node:http";
import http2 from "node:http2";
import { afterEach, beforeEach, describe, it, mock } from "node:test";

import { createVerifier } from "../../crates/js/js/index.mjs";
import { narrow } from "../../crates/js/js/holder/index.mjs";
import { protect } from "../../crates/js/js/middleware/fetch.mjs";
import { protect as protectNode } from "../../crates/js/js/middleware/node.mjs";
import { wardkey as forExpress } from "../../crates/js/js/middleware/express.mjs";
import { wardkey as forHono } from "../../crates/js/js/middleware/hono.mjs";
import { HOSTILE, MemoryRegistry } from "../harness/memory_registry.mjs";
import { holdProcess, request, soon } from "../harness/verifying.mjs";

let registry, key, lines;
const closing = [];
beforeEach(() => {
  registry = new MemoryRegistry();
  ({ key } = registry);
  lines = [];
  mock.method(console, "error", (line) => lines.push(line));
});
afterEach(() => {
  mock.restoreAll();
  closing.splice(0).forEach((close) => close());
});
holdProcess();

const made = (more) => createVerifier(registry.options(more));
const bearer = (text) => ({ Authorization: `Bearer ${text}` });
/** The key, for one network. */
const within = (cidr) => narrow(key, { cidr: [cidr], now: registry.now });

/** A server's address. */
async function listening(handler) {
  const server = http.createServer(handler);
  await new Promise((up) => server.listen(0, "127.0.0.1", up));
  closing.push(() => (server.closeAllConnections(), server.close()));
  return `http://127.0.0.1:${server.address().port}/`;
}

const told = async (answer) => [answer.status, answer.headers.get("Content-Type"), (await answer.clone().json()).code];
const FAILED = [500, "application/problem+json", "verifier_failed"];

/** A verifier each of whose calls throws. */
async function failing() {
  const verifier = await made();
  mock.method(verifier, "authorizeHeaders", () => Promise.reject(new Error(`trap near ${key}`)));
  return verifier;
}

describe("an error of judging", () => {
  const throwing = (req) => req.headers["x-forwarded-for"].split(",")[0];
  for (const [what, verifierOf, scope, options] of [
    ["a scope that is misspelt", async () => registry.options(), "invoice:raed", {}],
    ["an address that throws", made, "invoice:read", { address: throwing }],
    ["an address of the verifier's that throws", () => made({ address: throwing }), "invoice:read", {}],
    ["a verifier that fails", failing, "invoice:read", {}],
  ]) {
    it(`lets nobody in to a server of Node's that looks at nothing: ${what}`, async () => {
      const reached = [];
      const guard = forExpress(await verifierOf(), scope, options);
      const wrapped = protectNode(await verifierOf(), scope, (_req, res) => (reached.push("protect"), res.end("open")), options);
      const urls = [await listening((req, res) => guard(req, res, () => (reached.push("next"), res.end("open")))), await listening(wrapped)];
      for (const url of urls) {
        for (const text of ["garbage", key]) {
          const answer = await fetch(url, { headers: bearer(text) });
          assert.deepEqual(await told(answer), FAILED);
          assert.equal(answer.headers.get("Cache-Control"), "no-store");
          assert.deepEqual(Object.keys(await answer.json()), ["type", "title", "status", "code", "detail"]);
        }
      }
      assert.deepEqual(reached, []);
      // Once from each of them, and never the key.
      assert.equal(lines.length, 2, lines.join("\n"));
      assert.match(lines[0], what.includes("scope") ? /^wardkey: verifier_failed for invoice:raed: unknown_scope: / : /^wardkey: verifier_failed for invoice:read: (TypeError|Error): /);
      assert.ok(!lines.join().includes(key.slice(8, 20)), lines.join());
    });
  }

  it("goes to Express's error handlers where that is asked for, and is answered by them", async () => {
    const errors = [];
    const guard = forExpress(await made(), "invoice:read", { errorsToNext: true, address: throwing });
    const url = await listening((req, res) => guard(req, res, (error) => (errors.push(error), res.writeHead(502).end())));
    assert.equal((await fetch(url, { headers: bearer(key) })).status, 502);
    assert.ok(errors[0] instanceof TypeError);
    assert.equal(lines.length, 0);
  });

  it("is an error to Express whatever was thrown", async () => {
    for (const thrown of [undefined, null, false, 0, "", "route", "router"]) {
      const guard = forExpress(await made(), "invoice:read", { errorsToNext: true, address: () => { throw thrown; } });
      const error = await new Promise((next) => guard({ url: "/", headers: bearer(key) }, {}, next));
      assert.ok(error instanceof Error);
      assert.equal(error.cause, thrown);
    }
  });

  it("is said once a minute, and cut to what is no piece of a key", async () => {
    let now = 1_000_000;
    mock.method(performance, "now", () => now);
    const cut = key.slice(0, 40);
    const guard = forExpress(await made(), "invoice:read", { address: () => { throw Object.assign(new Error(`no address in ${key}, ${cut}, ${btoa(key)}`), { code: "odd" }); } });
    const url = await listening((req, res) => guard(req, res, () => res.end("open")));
    for (let call = 0; call < 10; call++) await fetch(url);
    assert.deepEqual(lines, ["wardkey: verifier_failed for invoice:read: odd: no address in [redacted], [redacted], [redacted]"]);
    now += 60_001;
    await fetch(url);
    assert.equal(lines.length, 2);
  });

  it("says nothing to whoever has been answered already", async () => {
    const guard = forExpress(await made(), "invoice:read");
    const url = await listening(async (req, res) => {
      res.writeHead(504).end();
      await guard(req, res, () => assert.fail("reached"));
    });
    assert.equal((await fetch(url)).status, 504);
  });
});

describe("a handler", () => {
  it("that throws is called once", async () => {
    let calls = 0;
    const boom = new Error("boom");
    const guard = forExpress(await made(), "invoice:read");
    const thrown = [];
    const url = await listening((req, res) => guard(req, res, () => {
      calls += 1;
      throw boom;
    }).catch((error) => (thrown.push(error), res.writeHead(500).end())));
    assert.equal((await fetch(url, { headers: bearer(key) })).status, 500);
    assert.deepEqual([calls, thrown], [1, [boom]]);
  });

  it("of Node's is reached by whoever is allowed, with the decision", async () => {
    const handler = protectNode(await made(), "invoice:read", (req, res) => res.end(`hello ${req.auth.subject}`));
    const url = await listening(handler);
    assert.equal(await (await fetch(url, { headers: bearer(key) })).text(), "hello svc:billing");
    assert.deepEqual(await told(await fetch(url)), [401, "application/problem+json", "credential_missing"]);
    assert.deepEqual(await told(await fetch(url, { headers: bearer("garbage") })), [401, "application/problem+json", "invalid_token"]);
  });

  it("of HTTP/2 is, too", async () => {
    const handler = protectNode(await made(), "invoice:read", (req, res) => res.end(`hello ${req.auth.subject}`));
    const server = http2.createServer(handler);
    await new Promise((up) => server.listen(0, "127.0.0.1", up));
    const client = http2.connect(`http://127.0.0.1:${server.address().port}`);
    closing.push(() => (client.close(), server.close()));
    const status = (headers) => new Promise((answered, failed) => {
      const call = client.request({ ":path": "/", ...headers });
      call.on("response", (answer) => answered(answer[":status"])).on("error", failed);
      call.resume().end();
    });
    assert.deepEqual([await status({ authorization: `Bearer ${key}` }), await status({}), await status({ authorization: `Bearer ${key}`, "x-api-key": key })], [200, 401, 400]);
  });

  it("of Fetch requests is given the decision second, whatever the runtime hands in", async () => {
    const handler = protect(await made(), "invoice:read", (_request, decision, ...rest) => Response.json({ allowed: decision.allowed, rest }));
    const env = { WARDKEY_CREDENTIAL: "a secret" };
    for (const rest of [[], [{ remoteAddr: { hostname: "192.0.2.1" } }], [env, { waitUntil() {} }]]) {
      assert.deepEqual(await (await handler(request(bearer(key)), ...rest)).json(), { allowed: true, rest: JSON.parse(JSON.stringify(rest)) });
    }
  });
});

describe("a caller's address", () => {
  const denied = [403, "application/problem+json", "address_not_allowed"];

  it("is known to Express from nowhere but where it is told", async () => {
    const loopback = within("127.0.0.0/8");
    for (const [verifier, options, allowed] of [
      [await made(), {}, false],
      [await made(), { address: (req) => req.socket.remoteAddress }, true],
      [await made({ address: (req) => req.headers["x-real-ip"] }), {}, true],
      [await made({ address: () => "203.0.113.9" }), {}, false],
      [await made({ address: () => "203.0.113.9" }), { address: (req) => req.headers["x-real-ip"] }, true],
      [await made(), { address: () => undefined }, false],
    ]) {
      const guard = forExpress(verifier, "invoice:read", options);
      // As behind a proxy that runs on the same machine.
      const url = await listening((req, res) => guard(Object.assign(req, { ip: "127.0.0.1" }), res, () => res.end("open")));
      const answer = await fetch(url, { headers: { ...bearer(loopback), "X-Real-IP": "127.0.0.1", "X-Forwarded-For": "127.0.0.1" } });
      if (allowed) assert.equal(await answer.text(), "open");
      else assert.deepEqual(await told(answer), denied);
    }
  });

  it("is what a function says of Hono's context, or of what a handler of Fetch requests is given", async () => {
    const one = within("192.0.2.0/24");
    const verifier = await made();
    for (const [address, allowed] of [["192.0.2.7", true], ["198.51.100.7", false], [undefined, false]]) {
      const fetched = await protect(verifier, "invoice:read", () => new Response("open"), { address: (_request, info) => info.address })(request(bearer(one)), { address });
      assert.equal(fetched.status, allowed ? 200 : 403);
      let reached = false;
      await forHono(verifier, "invoice:read", { address: (c) => c.env.address })({ env: { address }, req: { raw: request(bearer(one)) }, set() {} }, async () => (reached = true));
      assert.equal(reached, allowed);
    }
  });
});

describe("a mistake in what a middleware is told", () => {
  const each = { "wardkey/fetch": (...told) => protect(told[0], told[1], () => {}, told[2]), "wardkey/hono": forHono, "wardkey/express": forExpress, "wardkey/node": (...told) => protectNode(told[0], told[1], () => {}, told[2]) };
  for (const [name, make] of Object.entries(each)) {
    it(`shows when it is made: ${name}`, async () => {
      const verifier = await made();
      assert.throws(() => make(verifier, "invoice:raed"), { name: "OptionError", code: "unknown_scope" });
      assert.throws(() => make(verifier, ["invoice:read", "nonsense"]), { code: "scope_malformed" });
      assert.throws(() => make(verifier, "invoice:read", { adress: () => "192.0.2.1" }), { name: "OptionError", code: "unknown_option", message: /adress.*address/ });
      for (const [option, value] of [["address", "192.0.2.1"], ["requestId", "r-1"], ["waitUntil", {}], ["any", "yes"], ["strict", 1], ["strict", null]]) {
        assert.throws(() => make(verifier, "invoice:read", { [option]: value }), { name: "OptionError", code: "invalid_option", message: new RegExp(option) });
      }
      for (const none of [undefined, null, "invoice:read", 5]) assert.throws(() => make(none, "invoice:read"), { code: "invalid_option" });
      make(verifier, "invoice:read", { any: undefined, strict: true, address: () => undefined });
    });
  }
});

it("takes for an option nothing that somebody has put on every object", async () => {
  const verifier = await made();
  const polluted = { any: true, errorsToNext: true, address: "192.0.2.1" };
  Object.assign(Object.prototype, polluted);
  try {
    const both = ["invoice:read", "invoice:print"];
    assert.equal((await protect(verifier, both, () => new Response("open"))(request(bearer(key)))).status, 403);
    assert.equal((await protect(verifier, "invoice:read", () => new Response("open"))(request(bearer(within("192.0.2.0/24"))))).status, 403);
    assert.equal(await new Promise((end) => forExpress(verifier, both)({ url: undefined, headers: {} }, { writeHead: end, end() {} }, () => end("next"))), 500);
  } finally {
    for (const name of Object.keys(polluted)) delete Object.prototype[name];
  }
});

describe("what is told of a request", () => {
  it("has the number that a function gives it", async () => {
    const entries = [];
    const handler = protect(await made({ onDecision: (entry) => entries.push(entry) }), "invoice:read", () => new Response("open"), { requestId: (asked) => asked.headers.get("X-Request-Id") });
    await handler(request({ ...bearer(key), "X-Request-Id": "r-7" }));
    await soon(20);
    assert.equal(entries[0].requestId, "r-7");
  });

  it("is read of an adapter that has no raw headers", async () => {
    const guard = forExpress(await made(), "invoice:read");
    const answered = (headers, more) => new Promise((end) => {
      const res = { writeHead: (status) => end(status), end() {} };
      guard({ url: "/", headers, ...more }, res, () => end(200));
    });
    for (const more of [{}, { rawHeaders: [] }]) {
      assert.equal(await answered({ authorization: `Bearer ${key}` }, more), 200);
      assert.equal(await answered({ Authorization: [`Bearer ${key}`] }, more), 200);
      assert.equal(await answered({ authorization: [`Bearer ${key}`, "Bearer other"] }, more), 400);
      assert.equal(await answered({ authorization: `Bearer ${key}`, "X-Api-Key": key }, more), 400);
      assert.equal(await answered({}, more), 401);
      assert.equal(await answered(undefined, more), 401);
    }
  });

  it("is refused where a key stands in the URL, whatever is escaped of it and whatever is before it", async () => {
    const verifier = await made();
    const reason = async (end) => (await verifier.authorize(request(bearer(key), `https://api.test${end}`), "invoice:read")).reason;
    const escaped = [...key].map((character) => `%${character.charCodeAt(0).toString(16)}`).join("");
    for (const end of [
      `?key=${key}`, `/${key}`, `#${key}`, `?key=${key.replaceAll("_", "%5F")}`, `?key=${key.replaceAll("_", "%5f")}`, `?key=${escaped}`, `?a=Bearer%20${key}`, `?a=Bearer+${key}`,
      `?a;${key}`, `?a=b,${key}`, `?a={%22k%22:%22${key}%22}`, `?next=${encodeURIComponent(encodeURIComponent(`/?key=${key.replaceAll("_", "%5F")}`))}`,
    ]) {
      assert.equal(await reason(end), "invalid_request", end.replaceAll(key, "KEY"));
    }
    for (const end of ["/a_live_show", "?q=100%25", "?q=%", "?q=%zz_live_", `/my-${"x".repeat(20)}_live_${"y".repeat(60)}`, `?q=${"%E2%82%AC".repeat(500)}`]) assert.equal(await reason(end), undefined, end);
  });
});

describe("a verifier that is made at the first request", () => {
  const allowed = (handler, ...rest) => handler(request(bearer(key)), ...rest).then(({ status }) => status);
  const keySets = () => registry.asked("/key-set");

  it("is one for all that are given the same, whatever they are", async () => {
    const options = registry.options();
    const given = () => options;
    const routes = [options, given].map((each) => Array.from({ length: 20 }, () => protect(each, "invoice:read", () => new Response("open"))));
    for (const handlers of routes) assert.deepEqual(new Set(await Promise.all(handlers.map((handler) => allowed(handler)))), new Set([200]));
    assert.equal(keySets(), 2);
    // Also across frameworks; and an own one for who is given another.
    let reached = false;
    await forHono(options, "invoice:read")({ req: { raw: request(bearer(key)) }, set() {} }, async () => (reached = true));
    assert.deepEqual([reached, keySets()], [true, 2]);
    assert.equal(await allowed(protect({ ...options }, "invoice:read", () => new Response("open"))), 200);
    assert.equal(keySets(), 3);
    // Once it is there, a misspelt scope shows at once.
    assert.throws(() => protect(options, "invoice:raed", () => {}), { code: "unknown_scope" });
  });

  it("is kept alive by the request that makes it", async () => {
    const kept = [];
    const waitUntil = (promise) => kept.push(promise);
    const c = { env: {}, req: { raw: request(bearer(key)) }, set() {}, executionCtx: { waitUntil } };
    for (const ask of [
      () => allowed(protect(registry.options(), "invoice:read", () => new Response("open")), {}, { waitUntil }),
      () => allowed(protect(registry.options(), "invoice:read", () => new Response("open"), { waitUntil })),
      () => allowed(protect(registry.options({ waitUntil }), "invoice:read", () => new Response("open"))),
      () => forHono(registry.options(), "invoice:read")(c, async () => {}),
    ]) {
      kept.length = 0;
      const answer = ask();
      assert.equal(kept.length, 1, "before anything is there");
      await answer;
      await Promise.all(kept);
      assert.equal(kept.length, 2, "the verifier, and in it the list");
    }
    // A context that is over says so; that is nobody's denial.
    assert.equal(await allowed(protect(registry.options(), "invoice:read", () => new Response("open")), {}, { waitUntil() { throw new Error("over"); } }), 200);
  });

  it("is made by whoever waits, where the request that began it is gone", async () => {
    let calls = 0;
    registry.between = (path, init) => (path.endsWith("/key-set") && ++calls === 1 ? HOSTILE.hangs() : registry.pass(path, init));
    const handler = protect(registry.options(), "invoice:read", () => new Response("open"));
    // In a Worker nobody would be told any more: it never ends.
    const first = allowed(handler);
    await soon(30);
    const began = performance.now();
    assert.deepEqual(new Set(await Promise.all(Array.from({ length: 10 }, () => allowed(handler)))), new Set([200]));
    assert.ok(performance.now() - began < 1_500, "half a second, and no 6");
    assert.equal(keySets(), 2, "one of them made it");
    assert.equal(await first, 200, "and who began first has it, too");
    assert.ok(performance.now() - began < 2_500, "soon");
  });

  it("is the first that is there", async () => {
    let calls = 0;
    registry.between = async (path, init) => {
      if (path.endsWith("/key-set")) await soon(++calls === 1 ? 900 : 0);
      return registry.pass(path, init);
    };
    const made = [];
    const handler = protect(() => createVerifier(registry.options()).then((verifier) => (made.push(verifier), verifier)), "invoice:read", () => new Response("open"));
    const first = allowed(handler);
    await soon(10);
    assert.deepEqual([await allowed(handler), await first], [200, 200]);
    await soon(600);
    assert.equal(made.length, 2);
    await allowed(handler);
    assert.deepEqual(made.map((verifier) => verifier.status().verifications), [3, 0]);
  });

  it("is waited for, where an attempt fails that began before another", async () => {
    let calls = 0;
    registry.between = async (path, init) => {
      if (!path.endsWith("/key-set")) return registry.pass(path, init);
      if (++calls === 1) return soon(600).then(HOSTILE.fails);
      return soon(300).then(() => registry.pass(path, init));
    };
    const handler = protect(registry.options(), "invoice:read", () => new Response("open"));
    const answers = [allowed(handler)];
    await soon(10);
    answers.push(allowed(handler));
    await soon(640);
    assert.equal(lines.length, 1, "the first has failed");
    answers.push(allowed(handler));
    assert.deepEqual([await Promise.all(answers), keySets()], [[200, 200, 200], 2]);
  });

  it("is tried once a second where the registry is away, and said once a minute", async () => {
    let now = 1_000_000;
    mock.method(performance, "now", () => now);
    registry.between = HOSTILE["cannot be reached"];
    const handler = protect(registry.options(), "invoice:read", () => new Response("open"));
    for (let second = 0; second < 5; second++) {
      for (let call = 0; call < 100; call++) {
        const answer = await handler(request(bearer(key)));
        assert.deepEqual([...await told(answer), answer.headers.get("Retry-After")], [503, "application/problem+json", "no_key_set", "1"]);
      }
      assert.equal(keySets(), second + 1);
      now += 1_001;
    }
    assert.deepEqual(lines.length, 1, lines.join("\n"));
    assert.match(lines[0], /^wardkey: no verifier: registry_unreachable: /);
    now += 60_000;
    assert.equal(await allowed(handler), 503);
    assert.equal(lines.length, 2);
    // And is well by itself.
    registry.between = undefined;
    now += 1_001;
    assert.equal(await allowed(handler), 200);
  });

  it("is tried no more often than once a second where the registry hangs, however many come", async () => {
    registry.between = HOSTILE.hangs;
    const handler = protect(registry.options(), "invoice:read", () => new Response("open"));
    const calls = [];
    for (let round = 0; round < 24; round++) {
      for (let call = 0; call < 10; call++) calls.push(allowed(handler));
      await soon(100);
    }
    // After half a second beside the first, then each second.
    assert.ok(keySets() >= 3 && keySets() <= 4, `${keySets()} in two and a half seconds`);
    registry.between = undefined;
    assert.deepEqual(new Set(await Promise.all(calls)), new Set([200]));
  });
});
