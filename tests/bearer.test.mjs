// RFC 6750, statement by statement, on every route that the description says takes a credential. What else is odd about
// credentials stands in odd_input/, and what a wrong key may not tell in indistinguishable.test.mjs.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, describe, it } from "node:test";

import { KeyText } from "./harness/key_text.mjs";
import { lines, raw } from "./harness/raw.mjs";
import { Worker } from "./harness/worker.mjs";

const DOCUMENT = JSON.parse(readFileSync(new URL("../worker/openapi.json", import.meta.url), "utf8"));
const PATH_PARAMETERS = { id: "key_0011223344556677", tenant: "1", audience: "api", name: `1-${"0".repeat(64)}` };

/** Every operation that takes a credential, or every one that takes none, each as method and target. */
function operations({ taking }) {
  return Object.entries(DOCUMENT.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([, { security }]) => security.every((one) => Object.keys(one).length > 0) === taking)
      .map(([method, { parameters = [] }]) => {
        const target = path.replace(/\{(\w+)\}/g, (_, name) => PATH_PARAMETERS[name]);
        const isScoped = parameters.some(({ name }) => name === "scope");
        return [method.toUpperCase(), isScoped ? `${target}?scope=reports:read` : target];
      }),
  );
}

const PROTECTED = operations({ taking: true });
const PUBLIC = operations({ taking: false });

/** A challenge's attributes by name; fails where it is none of RFC 6750, or where an attribute stands twice. */
function attributes(answer, what) {
  const challenge = answer.headers["www-authenticate"];
  assert.match(challenge ?? "none", /^Bearer [a-z_]+="[^"\\]*"(, [a-z_]+="[^"\\]*")*$/, what);
  const pairs = [...challenge.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]);
  assert.equal(new Set(pairs.map(([name]) => name)).size, pairs.length, `${what}: ${challenge}`);
  return Object.fromEntries(pairs);
}

const is = (answer, status, challenge, what) => {
  assert.equal(answer.status, status, `${what}: ${answer.text}`);
  assert.deepEqual(attributes(answer, what), { realm: "wardkey", ...challenge }, what);
  assert.equal(answer.headers["cache-control"], "no-store", what);
};

let worker, admin, key, reader, wrong;

before(async () => {
  worker = await Worker.start();
  admin = await worker.administrator();
  key = (await admin.create({})).json.key;
  reader = await admin.deputy(["keys:read"], ["api"]);
  // Well-formed, of this tenant, and its tag is of nobody's making.
  wrong = (text) => {
    const parsed = KeyText.parse(text);
    return parsed.with({ tag: Buffer.alloc(parsed.tag.length, 7) }).text;
  };
});

const send = (method, target, headers, body) =>
  raw(worker, lines(method, target, { ...headers, ...(body && { "Content-Length": Buffer.byteLength(body) }) }) + (body ?? ""));

describe("RFC 6750 section 2: one method to send a token", () => {
  it("the description names routes of both kinds", () => {
    assert.ok(PROTECTED.length > 20 && PUBLIC.length >= 5, `${PROTECTED.length} and ${PUBLIC.length}`);
  });

  it('section 2: "Clients MUST NOT use more than one method to transmit the token in each request"', async () => {
    for (const [method, target] of PROTECTED) {
      const what = `${method} ${target}`;
      const twice = await send(method, target, { Authorization: [`Bearer ${admin.credential}`, `Bearer ${key}`] });
      is(twice, 400, { error: "invalid_request" }, what);
      const both = `${target}${target.includes("?") ? "&" : "?"}access_token=${key}`;
      is(await send(method, both, { Authorization: `Bearer ${admin.credential}` }), 400, { error: "invalid_request" }, what);
    }
    const elsewhere = { Authorization: `Bearer ${key}`, "X-API-Key": key };
    is(await send("GET", "/v1/forward-auth/1/api?scope=reports:read", elsewhere), 400, { error: "invalid_request" });
  });

  it('section 2.1: "Resource servers MUST support" the Authorization header with the scheme Bearer', async () => {
    assert.equal((await send("GET", "/v1/audit?limit=1", { Authorization: `Bearer ${admin.credential}` })).status, 200);
    const asked = await send("GET", "/v1/forward-auth/1/api?scope=reports:read", { Authorization: `Bearer ${key}` });
    assert.equal(asked.status, 200);
  });

  it('section 2.1: credentials = "Bearer" 1*SP b64token, the scheme in any case (RFC 9110 section 11.1)', async () => {
    for (const scheme of ["Bearer ", "bearer ", "BEARER ", "bEaReR   "]) {
      const answer = await send("GET", "/v1/audit?limit=1", { Authorization: `${scheme}${admin.credential}` });
      assert.equal(answer.status, 200, scheme);
    }
    for (const none of ["Bearer", "Bearer ", `Bearer${admin.credential}`, `Bearer:${admin.credential}`, `Bearer\t${admin.credential}`]) {
      is(await send("GET", "/v1/audit?limit=1", { Authorization: none }), 401, {}, none.slice(0, 8));
    }
    for (const two of [`Bearer ${admin.credential} ${admin.credential}`, `Bearer ${admin.credential} x`]) {
      is(await send("GET", "/v1/audit?limit=1", { Authorization: two }), 401, { error: "invalid_token" });
    }
  });

  it("section 2.2: a form-encoded access_token is a method that is not taken", async () => {
    const form = { "Content-Type": "application/x-www-form-urlencoded" };
    for (const [method, target] of PROTECTED.filter(([method]) => ["POST", "PUT", "PATCH"].includes(method))) {
      is(await send(method, target, form, `access_token=${admin.credential}`), 401, {}, `${method} ${target}`);
    }
  });

  it("section 2.3: a token in the URI opens nothing, whatever the parameter is called", async () => {
    for (const [method, target] of [...PROTECTED, ...PUBLIC]) {
      for (const name of ["access_token", "api_key"]) {
        const uri = `${target}${target.includes("?") ? "&" : "?"}${name}=${admin.credential}`;
        is(await send(method, uri), 400, { error: "invalid_request" }, `${method} ${target} ${name}`);
      }
    }
  });

  it('section 2.3: "access_token" holds no credential of another making either', async () => {
    for (const [method, target] of PROTECTED) {
      const answer = await send(method, `${target}${target.includes("?") ? "&" : "?"}access_token=mF_9.B5f-4.1JqM`);
      assert.ok([400, 401].includes(answer.status), `${method} ${target}: ${answer.status}`);
    }
  });
});

describe("RFC 6750 section 3: the challenge", () => {
  it('section 3: without credentials the server "MUST include the WWW-Authenticate response header field"', async () => {
    for (const [method, target] of PROTECTED) is(await send(method, target), 401, {}, `${method} ${target}`);
  });

  it("section 3: what takes no credential never challenges", async () => {
    for (const [method, target] of PUBLIC) {
      for (const headers of [{}, { Authorization: "Bearer nonsense" }]) {
        const answer = await send(method, target, headers);
        assert.ok(![401, 403].includes(answer.status), `${method} ${target}: ${answer.status}`);
        assert.equal(answer.headers["www-authenticate"], undefined, target);
      }
    }
  });

  it('section 3.1: "If the request lacks any authentication information … SHOULD NOT include an error code"', async () => {
    for (const [method, target] of PROTECTED) {
      for (const other of ["Basic YTpi", "Digest username=a", "Negotiate YII="]) {
        is(await send(method, target, { Authorization: other }), 401, {}, `${method} ${target} ${other}`);
      }
    }
  });

  it('section 3.1, invalid_token: "expired, revoked, malformed, or invalid for other reasons … HTTP 401"', async () => {
    for (const [method, target] of PROTECTED) {
      for (const token of ["nonsense", `${key}A`, wrong(admin.credential), wrong(key)]) {
        is(await send(method, target, { Authorization: `Bearer ${token}` }), 401, { error: "invalid_token" }, `${method} ${target}`);
      }
    }
    const dead = await admin.deputy(["audit:read"], ["api"]);
    assert.equal((await admin.revoke(dead.keyId)).status, 200);
    is(await dead.get("/v1/audit"), 401, { error: "invalid_token" }, "revoked");
  });

  it('section 3.1, insufficient_scope: "HTTP 403 … MAY include the scope attribute with the scope necessary"', async () => {
    const body = { subject: "svc:a", audience: "api", scopes: ["reports:read"], expires_in: 60 };
    const lacking = [
      ["POST", "/v1/keys", body, "keys:create"],
      ["POST", `/v1/keys/${PATH_PARAMETERS.id}/revoke`, {}, "keys:revoke"],
      ["GET", "/v1/policy", undefined, "policy:read"],
      ["POST", "/v1/tenant/destroy", { confirm: 1 }, "tenant:manage"],
    ];
    for (const [method, target, body, scope] of lacking) {
      const answer = await reader.request(method, target, { body });
      is(answer, 403, { error: "insufficient_scope", scope }, target);
      // scope-token of RFC 6749 section 3.3.
      assert.match(attributes(answer).scope, /^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/);
    }
  });

  it('section 3: a token that does not "enable access" is answered with a challenge, whichever rule refuses it', async () => {
    const maker = await admin.deputy(["keys:create"], ["api"]);
    const refused = await maker.create({ audience: "jobs", scopes: ["jobs:run"] });
    assert.equal(refused.json.code, "forbidden_by_rule");
    is(refused, 403, { error: "insufficient_scope" }, "a rule");
    const narrowed = KeyText.parse(admin.credential).narrowed([1, 1, 255]);
    is(await worker.client(narrowed.text).get("/v1/audit"), 403, { error: "insufficient_scope" }, "narrowed");
  });

  it("section 3.1: no other status carries a challenge", async () => {
    const others = [
      [404, await admin.read(PATH_PARAMETERS.id)],
      [400, await admin.get("/v1/audit?limit=0")],
      [405, await admin.request("DELETE", "/v1/keys")],
      [415, await admin.post("/v1/keys", "a", { headers: { "Content-Type": "text/plain" } })],
      [428, await admin.request("PUT", "/v1/policy", { body: {} })],
      [200, await admin.get("/v1/audit?limit=1")],
    ];
    for (const [status, answer] of others) {
      assert.equal(answer.status, status, answer.text);
      assert.equal(answer.headers["www-authenticate"], undefined, String(status));
    }
  });
});

describe("RFC 6750 section 5: what protects a token", () => {
  it('section 5.3: "Always use TLS": a token over plain http from another machine is refused, and not judged', async () => {
    const answer = await send("GET", "/v1/audit", { Host: "wardkey.example", Authorization: `Bearer ${admin.credential}` });
    assert.deepEqual([answer.status, answer.json.code], [403, "https_required"]);
  });

  it('section 5.3: "Don\'t pass bearer tokens in page URLs": a refusal never repeats one', () => {
    const told = worker.exchanges.filter(({ answer }) => answer.status >= 400);
    assert.ok(told.length > 200, String(told.length));
    for (const { answer } of told) {
      const all = JSON.stringify(answer.headers) + answer.text;
      for (const secret of [admin.credential, key]) assert.ok(!all.includes(secret), answer.text);
    }
    // Positive control: where a key is handed out, it is found.
    const made = worker.exchanges.filter(({ answer }) => answer.status === 201);
    assert.ok(made.some(({ answer }) => answer.text.includes(key)));
  });
});
