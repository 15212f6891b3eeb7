// Odd input: each is refused with its own stable code, and none is a failure of ours.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { lines, raw } from "./harness/raw.mjs";
import { Worker } from "./harness/worker.mjs";

const MAX_BODY_LEN = 65_536;
const REQUEST = { subject: "svc:billing", audience: "api", scopes: ["reports:read"], expires_in: 3600 };
const ABSENT = "key_0011223344556677";

let worker, admin, key, keyId;

before(async () => {
  worker = await Worker.start();
  admin = await worker.administrator();
  const made = await admin.create({});
  ({ key, key_id: keyId } = made.json);
});

/** The shape that every refusal has. */
function refused(answer, status, code, what = "") {
  assert.equal(answer.status, status, `${what}: ${answer.text}`);
  assert.equal(answer.headers["content-type"], "application/problem+json", what);
  assert.equal(answer.headers["cache-control"], "no-store", what);
  assert.equal(answer.headers["x-content-type-options"], "nosniff", what);
  assert.match(answer.requestId, /^req_[0-9a-f]{32}$/, what);
  const problem = answer.json;
  assert.equal(problem.code, code, `${what}: ${answer.text}`);
  assert.equal(problem.status, status, what);
  assert.equal(problem.type, `urn:wardkey:problem:${code}`, what);
  assert.ok(problem.title.length > 0 && problem.detail.length > 0, what);
  assert.ok(!answer.text.includes(key) && !answer.text.includes(admin.credential), `${what}: a key is echoed`);
  return problem;
}

describe("bodies", () => {
  const create = (body, headers) => admin.post("/v1/keys", body, { headers });

  it("a body that is no JSON of the expected shape is 400 invalid_body", async () => {
    const bodies = {
      "empty": "",
      "blank": "  \n",
      "cut short": "{",
      "an array": "[]",
      "null": "null",
      "a text": '"svc:billing"',
      "a missing value": '{"subject":}',
      "two values": `${JSON.stringify(REQUEST)}${JSON.stringify(REQUEST)}`,
      "a comma too many": '{"subject":"a",}',
      "a field twice": JSON.stringify(REQUEST).replace("{", '{"subject":"svc:eve",'),
      "an unknown field": JSON.stringify({ ...REQUEST, colour: "red" }),
      "a missing field": JSON.stringify({ ...REQUEST, subject: undefined }),
      "a number for a text": JSON.stringify({ ...REQUEST, subject: 7 }),
      "a text for a list": JSON.stringify({ ...REQUEST, scopes: "reports:read" }),
      "a text for a number": JSON.stringify({ ...REQUEST, expires_in: "3600" }),
      "a negative lifetime": JSON.stringify({ ...REQUEST, expires_in: -1 }),
      "a fraction": JSON.stringify({ ...REQUEST, expires_in: 3600.5 }),
      "more than u32": JSON.stringify({ ...REQUEST, expires_in: 2 ** 32 }),
      "more than any number": JSON.stringify(REQUEST).replace("3600", "1e999"),
      "NaN": JSON.stringify(REQUEST).replace("3600", "NaN"),
      "a list in a list": JSON.stringify({ ...REQUEST, scopes: [["reports:read"]] }),
      "null for a text": JSON.stringify({ ...REQUEST, subject: null }),
      "depth": "[".repeat(30_000),
      "depth in a field": `{"subject":${"[".repeat(30_000)}`,
      "half a surrogate": JSON.stringify(REQUEST).replace("svc:billing", "\\ud800"),
      "not UTF-8": Buffer.concat([Buffer.from('{"subject":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
      "UTF-16": Buffer.from(JSON.stringify(REQUEST), "utf16le"),
      "a byte order mark": `\uFEFF${JSON.stringify(REQUEST)}`,
      "a raw control character": JSON.stringify(REQUEST).replace("svc:billing", "svc:\u0001"),
    };
    for (const [what, body] of Object.entries(bodies)) refused(await create(body), 400, "invalid_body", what);
    assert.equal((await create(JSON.stringify(REQUEST))).status, 201);
  });

  it("a refusal repeats no control characters", async () => {
    const select = "a\u0000\u001b[31m\u0085";
    const problem = refused(await admin.post("/v1/revocations", { select }), 400, "invalid_body");
    assert.doesNotMatch(problem.detail, /[\u0000-\u001f\u007f-\u009f]/);
    // Positive control: what has none is told.
    assert.match(refused(await admin.post("/v1/revocations", { select: "red" }), 400, "invalid_body").detail, /red/);
  });

  it("the same goes for every route that takes a body", async () => {
    const routes = ["/v1/keys", "/v1/verify", `/v1/keys/${keyId}/revoke`];
    for (const route of routes) {
      for (const body of ["{", '{"colour":"red"}', "[1]", "7"]) {
        refused(await admin.post(route, body), 400, "invalid_body", `${route} ${body}`);
      }
    }
    const bootstrap = worker.client(worker.token);
    for (const body of ["", "{", '{"colour":"red"}', '{"subject":"ops:eve","policy":7}']) {
      refused(await bootstrap.post("/v1/bootstrap", body), 400, "invalid_body", body);
    }
  });

  it("fields by position in an array are no body", async () => {
    refused(await create(JSON.stringify(Object.values(REQUEST))), 400, "invalid_body");
    const { key_id } = (await admin.create({})).json;
    refused(await admin.post(`/v1/keys/${key_id}/revoke`, '["a reason"]'), 400, "invalid_body");
  });

  it("64 KB are read, one byte more is 413, however it is sent", async () => {
    const padded = (length) => JSON.stringify(REQUEST).padEnd(length);
    const chunked = { "Content-Length": undefined, "Transfer-Encoding": "chunked" };
    for (const headers of [{}, chunked]) {
      assert.equal((await create(padded(MAX_BODY_LEN), headers)).status, 201);
      refused(await create(padded(MAX_BODY_LEN + 1), headers), 413, "body_too_large");
      refused(await create(padded(40 * MAX_BODY_LEN), headers), 413, "body_too_large");
    }
  });

  it("a length that is announced and not sent does not hold anybody up", async () => {
    const head = lines("POST", "/v1/keys", {
      Authorization: `Bearer ${admin.credential}`,
      "Content-Type": "application/json",
      "Content-Length": 10_000_000,
    });
    const answer = await raw(worker, head);
    refused(answer, 413, "body_too_large");
    assert.ok(answer.tookMs < 5_000);
  });

  it("a body that does not end is 408 after 10 s, and others are served meanwhile", async () => {
    const head = lines("POST", "/v1/keys", {
      Authorization: `Bearer ${admin.credential}`,
      "Content-Type": "application/json",
      "Transfer-Encoding": "chunked",
    });
    const silent = raw(worker, head, "5\r\n{\"sub\r\n");
    const drops = Array.from({ length: 30 }, () => [700, "1\r\n \r\n"]).flat();
    const trickling = raw(worker, head, "1\r\n{\r\n", ...drops);
    assert.equal((await admin.create({})).status, 201);
    for (const answer of await Promise.all([silent, trickling])) {
      refused(answer, 408, "body_too_slow");
      assert.ok(answer.tookMs >= 9_500 && answer.tookMs < 20_000, `${answer.tookMs} ms`);
    }
  });

  it("another content type is 415; case and parameters do not matter", async () => {
    for (const type of [undefined, "", "text/plain", "application/jsonp", "application/x-www-form-urlencoded", "json"]) {
      refused(await create(REQUEST, { "Content-Type": type }), 415, "content_type", String(type));
    }
    for (const type of ["application/json; charset=utf-8", "Application/JSON", "application/json;charset=utf-8"]) {
      assert.equal((await create(REQUEST, { "Content-Type": type })).status, 201, type);
    }
  });

  it("a revocation needs no body, and one that is there is read", async () => {
    const fresh = async () => (await admin.create({})).json.key_id;
    assert.equal((await admin.revoke(await fresh())).status, 200);
    assert.equal((await admin.revoke(await fresh(), "")).status, 200);
    assert.equal((await admin.revoke(await fresh(), {})).status, 200);
    const alive = await fresh();
    const untyped = { headers: { "Content-Type": undefined } };
    refused(await admin.post(`/v1/keys/${alive}/revoke`, '{"reason":"x"}', untyped), 415, "content_type");
    assert.equal((await admin.read(alive)).json.generations[0].state, "pending");
  });
});

describe("text fields", () => {
  const field = (answer, name, what) => assert.equal(refused(answer, 400, "invalid_field", what).field, name, what);

  it("a subject is 1 to 63 characters of its alphabet", async () => {
    const bad = ["", "Svc", "svc billing", "svc:ä", "ada@example.org", ":svc", "svc\u0000", "svc\n", "x".repeat(64), "svc:\u202e", "%61", "../../x\\"];
    for (const subject of bad) field(await admin.create({ subject }), "subject", JSON.stringify(subject));
    assert.equal((await admin.create({ subject: "x".repeat(63) })).status, 201);
  });

  it("a name and an owner are 1 to 128 bytes without control characters", async () => {
    const bad = ["", "a\u0000b", "a\nb", "a\u001b[31mb", "a\u007fb", "a\u0085b", "x".repeat(129), "ä".repeat(65)];
    const good = ["x", "Größe 東京 🔑", "<script>alert(1)</script>", '"; DROP TABLE key; --', "x".repeat(128), "ä".repeat(64)];
    for (const name of ["name", "owner"]) {
      for (const text of bad) field(await admin.create({ [name]: text }), name, JSON.stringify(text));
      for (const text of good) {
        const made = await admin.create({ [name]: text });
        assert.equal(made.status, 201, text);
        assert.equal((await admin.read(made.json.key_id)).json[name], text);
      }
    }
  });

  it("a reason is 1 to 256 bytes without control characters", async () => {
    const { key_id } = (await admin.create({})).json;
    for (const reason of ["", "a\u0000b", "a\nb", "a\u0085b", "x".repeat(257), "ä".repeat(129)]) {
      field(await admin.revoke(key_id, { reason }), "reason", JSON.stringify(reason));
    }
    assert.equal((await admin.read(key_id)).json.generations[0].state, "pending");
    const reason = "zurückgezogen 🔥";
    assert.equal((await admin.revoke(key_id, { reason })).json.generations[0].end_reason, reason);
  });

  it("audience and scopes are those of the policy, in no other spelling", async () => {
    for (const audience of ["", "API", "api ", "äpi", "api\u0000", "1", "__proto__"]) field(await admin.create({ audience }), "audience", audience);
    for (const scope of ["", "reports:*", "*", "Reports:read", "reports:read ", "reports:réad", "reports:read\u0000", "jobs:run"]) {
      field(await admin.create({ scopes: [scope] }), "scopes", scope);
      field(await admin.create({ scopes: ["reports:read", scope] }), "scopes", scope);
      const verify = await admin.verify(key, { scopes: [scope] });
      field(verify, "scopes", scope);
    }
    field(await admin.create({ scopes: [] }), "scopes");
    field(await admin.create({ scopes: Array(4_000).fill("reports:fly") }), "scopes");
    assert.deepEqual((await admin.create({ scopes: Array(4_000).fill("reports:read") })).json.scopes, ["reports:read"]);
  });

  it("a lifetime is from 60 s to what the policy allows", async () => {
    field(await admin.create({ expires_in: 59 }), "expires_in");
    field(await admin.create({ expires_in: 0 }), "expires_in");
    field(await admin.create({ expires_in: 2 ** 32 - 1 }), "expires_in");
    assert.equal(refused(await admin.create({ expires_in: 90 * 86_400 + 1 }), 403, "forbidden_by_rule").rule, "max_lifetime_s");
    assert.equal((await admin.create({ expires_in: 90 * 86_400 })).status, 201);
  });

  it("an Idempotency-Key is 1 to 255 printable ASCII characters", async () => {
    const body = JSON.stringify(REQUEST);
    const send = (value) =>
      raw(
        worker,
        Buffer.from(
          lines("POST", "/v1/keys", {
            Authorization: `Bearer ${admin.credential}`,
            "Content-Type": "application/json",
            "Content-Length": body.length,
            "Idempotency-Key": value,
          }) + body,
          "latin1",
        ),
      );
    for (const value of ["", "x".repeat(256), "schlüssel", "a\u0001b", "a\tb"]) field(await send(value), "Idempotency-Key", JSON.stringify(value));
    assert.equal((await send("x".repeat(255))).status, 201);
  });

  it("the same Idempotency-Key with another request is 422, and the first outcome stands", async () => {
    const first = await admin.create({}, { idempotencyKey: "reused" });
    refused(await admin.create({ subject: "svc:other" }, { idempotencyKey: "reused" }), 422, "idempotency_key_reused");
    refused(await admin.revoke(keyId, {}, { idempotencyKey: "reused" }), 422, "idempotency_key_reused");
    const again = await admin.create({}, { idempotencyKey: "reused" });
    assert.deepEqual([again.status, again.json.key_id], [200, first.json.key_id]);
  });
});

describe("a credential in the wrong place", () => {
  it("is 400 in the URL, wherever it stands", async () => {
    for (const secret of [admin.credential, key, worker.token]) {
      for (const path of [
        `/v1/audit?key=${secret}`,
        `/v1/audit?${secret}`,
        `/v1/audit?a=b&c=${secret}`,
        `/v1/keys/${secret}`,
        `/v1/keys/${secret}/revoke`,
        `/healthz?api_key=${secret}`,
        `/${secret}`,
        `/v1/audit?key=${secret.replaceAll("_", "%5F")}`,
      ]) {
        for (const client of [admin, worker.client()]) refused(await client.get(path), 400, "invalid_request", path.slice(0, 30));
      }
    }
    const challenge = (await admin.get(`/?${key}`)).headers["www-authenticate"];
    assert.equal(challenge, 'Bearer realm="wardkey", error="invalid_request"');
  });

  it("is 400 in the path with its letters encoded, too", async () => {
    for (const secret of [key, worker.token]) {
      refused(await admin.get(`/v1/keys/${secret.replaceAll("_", "%5F")}`), 400, "invalid_request");
    }
  });

  it("twice is 400, and another scheme or none is a challenge without an error", async () => {
    const twice = [
      [`Bearer ${admin.credential}`, `Bearer ${key}`],
      [`Bearer ${admin.credential}`, `Bearer ${admin.credential}`],
      [`Bearer ${admin.credential}, Bearer ${key}`],
      ["Basic YTpi", `Bearer ${admin.credential}`],
    ];
    for (const values of twice) {
      const answer = await raw(worker, lines("GET", "/v1/audit", { Authorization: values }));
      refused(answer, 400, "invalid_request");
    }
    const none = [[], ["Basic YTpi"], ["Bearer"], ["Bearer "], [""], [admin.credential], [`Token ${admin.credential}`]];
    for (const values of none) {
      const answer = await raw(worker, lines("GET", "/v1/audit", { Authorization: values }));
      refused(answer, 401, "credential_missing", values[0]?.slice(0, 6));
      assert.equal(answer.headers["www-authenticate"], 'Bearer realm="wardkey"');
    }
    const right = await raw(worker, lines("GET", "/v1/audit?limit=1", { Authorization: [`bEARER  ${admin.credential}`] }));
    assert.equal(right.status, 200);
  });

  it("every route that needs one asks for it before it reads anything else", async () => {
    const stranger = worker.client();
    for (const [method, path] of [
      ["POST", "/v1/bootstrap"],
      ["POST", "/v1/keys"],
      ["GET", `/v1/keys/${keyId}`],
      ["GET", "/v1/keys/nonsense"],
      ["POST", `/v1/keys/${keyId}/revoke`],
      ["POST", "/v1/verify"],
      ["GET", "/v1/audit?limit=nonsense"],
    ]) {
      refused(await stranger.request(method, path, { body: "{" }), 401, "credential_missing", path);
    }
  });

  it("is not kept and not echoed from a body", async () => {
    for (const secret of [key, admin.credential, worker.token]) {
      const bodies = [
        { ...REQUEST, [secret]: 1 },
        { ...REQUEST, subject: { [secret]: 1 } },
        { ...REQUEST, expires_in: secret },
        { ...REQUEST, scopes: secret },
        { ...REQUEST, scopes: { [secret]: secret } },
        secret,
        { reason: [secret] },
      ];
      for (const body of bodies) {
        for (const path of ["/v1/keys", "/v1/verify", `/v1/keys/${keyId}/revoke`]) {
          const answer = await admin.post(path, JSON.stringify(body));
          refused(answer, 400, "invalid_body");
          assert.ok(!answer.text.includes(secret.slice(8, 40)), answer.text);
        }
      }
      for (const name of ["name", "owner", "subject", "audience"]) {
        const problem = refused(await admin.create({ [name]: secret }), 400, "invalid_field", name);
        assert.equal(problem.field, name);
      }
      assert.equal(refused(await admin.create({ scopes: [secret] }), 400, "invalid_field").field, "scopes");
    }
  });

  it("is not kept as a reason", async () => {
    const { key_id } = (await admin.create({})).json;
    for (const secret of [key, worker.token]) {
      assert.equal(refused(await admin.revoke(key_id, { reason: secret }), 400, "invalid_field").field, "reason");
    }
  });

  it("is not kept as an Idempotency-Key", async () => {
    for (const secret of [key, worker.token]) {
      const problem = refused(await admin.create({}, { idempotencyKey: secret }), 400, "invalid_field");
      assert.equal(problem.field, "Idempotency-Key");
    }
  });
});

describe("requests", () => {
  it("plain http is refused for every host but this machine", async () => {
    for (const host of ["wardkey.example", "localhost.example", "127.0.0.1.example", "10.0.0.1", "192.168.1.1", "0.0.0.0", "[2001:db8::1]", "[::ffff:127.0.0.1]"]) {
      const answer = await admin.get("/v1/audit", { host });
      refused(answer, 403, "https_required", host);
      refused(await admin.get("/v1/audit", { host, headers: { "X-Forwarded-Proto": "https" } }), 403, "https_required", host);
    }
    for (const host of ["localhost", "LOCALHOST:8787", "127.0.0.1:1", "127.1.2.3", "[::1]:8787", "wardkey.localhost"]) {
      assert.equal((await admin.get("/healthz", { host })).status, 200, host);
    }
  });

  it("an unknown route is 404 and a wrong method is 405 with those allowed", async () => {
    for (const path of ["/", "/v1", "/v2/keys", `/v1/keys/${keyId}/`, `/v1/keys/${keyId}/rotates`, "/V1/keys", "/v1//keys", "/v1/audit/1", "/.env", "/v1/%6beys"]) {
      refused(await admin.get(path), 404, "no_route", path);
    }
    const allowed = {
      "/healthz": ["GET"],
      "/openapi.json": ["GET"],
      "/v1/bootstrap": ["POST"],
      "/v1/keys": ["GET", "POST"],
      [`/v1/keys/${keyId}`]: ["GET", "PATCH"],
      ...Object.fromEntries(["rotate", "confirm", "suspend", "resume", "revoke"].map((act) => [`/v1/keys/${keyId}/${act}`, ["POST"]])),
      "/v1/revoke-self": ["POST"],
      "/v1/revocations": ["POST"],
      "/v1/revocations/rev_0011223344556677": ["GET"],
      "/v1/verify": ["POST"],
      "/v1/key-set": ["GET"],
      "/v1/policy": ["GET", "PUT"],
      "/v1/policy/schema": ["GET"],
      "/v1/signing-keys/api/rotate": ["POST"],
      "/v1/root/rewrap": ["GET", "POST"],
      "/v1/tenant/destroy": ["POST"],
      "/v1/audit": ["GET"],
      "/v1/list/1/head": ["GET"],
      [`/v1/list/1/state/1-${"0".repeat(64)}`]: ["GET"],
    };
    for (const [path, allow] of Object.entries(allowed)) {
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"].filter((method) => !allow.includes(method))) {
        const answer = await admin.request(method, path);
        refused(answer, 405, "method_not_allowed", `${method} ${path}`);
        assert.deepEqual(answer.headers.allow.split(/, */), allow, path);
      }
    }
  });

  it("HEAD is GET without its body, and changes nothing where POST would", async () => {
    for (const path of ["/healthz", "/v1/audit", `/v1/keys/${keyId}`, "/v1/list/1/head"]) {
      const answer = await admin.request("HEAD", path);
      assert.equal(answer.status, 200, path);
      assert.equal(answer.bytes.length, 0);
    }
    const entries = (await admin.audit()).length;
    assert.equal((await admin.request("HEAD", `/v1/keys/${keyId}/revoke`)).status, 405);
    assert.equal((await admin.request("HEAD", "/v1/tenant/destroy")).status, 405);
    assert.equal((await admin.audit()).length, entries);
  });

  it("a key's id is read in one spelling", async () => {
    for (const id of ["", "nonsense", "key_", ABSENT.toUpperCase(), keyId.slice(4), `${keyId}0`, keyId.replace(/.$/, "G"), "key_00112233445566FF", "%00", "key_%30011223344556677", ABSENT]) {
      const path = `/v1/keys/${id}`;
      refused(await admin.get(path), 404, "not_found", id);
      refused(await admin.post(`${path}/revoke`), 404, "not_found", id);
    }
    assert.equal((await admin.read(keyId)).status, 200);
  });

  it("the list's numbers are read in one spelling", async () => {
    const stranger = worker.client();
    const digest = "ab".repeat(32);
    for (const tenant of ["01", "-1", "+1", "65536", "99999999999999999999", "1.0", "0x1", "", "%31", "1%20", "one", "１"]) {
      refused(await stranger.get(`/v1/list/${encodeURI(tenant)}/head`), 404, "not_found", tenant);
    }
    for (const name of [
      `1-${digest.toUpperCase()}`,
      `01-${digest}`,
      `-1-${digest}`,
      `+1-${digest}`,
      `1-${digest}0`,
      `1-${digest.slice(2)}`,
      `1-${"zz".repeat(32)}`,
      `18446744073709551616-${digest}`,
      `18446744073709551615-${digest}`,
      `9007199254740993-${digest}`,
      digest,
      "1-",
      "-",
      "1",
    ]) {
      refused(await stranger.get(`/v1/list/1/state/${name}`), 404, "not_found", name);
    }
    for (const tenant of [0, 2, 65_535]) refused(await stranger.get(`/v1/list/${tenant}/head`), 404, "not_found", String(tenant));
    assert.equal((await stranger.get("/v1/list/1/head")).status, 200);
  });
});

describe("all of it", () => {
  it("was answered, and nothing with a failure of ours", () => {
    const refusals = worker.exchanges.filter(({ answer }) => answer.status >= 400);
    const failures = worker.exchanges.filter(({ answer }) => !(answer.status >= 200 && answer.status < 500));
    console.log(`${worker.exchanges.length} answers, ${refusals.length} refusals, ${failures.length} failures`);
    assert.deepEqual(failures.map(({ method, path, answer }) => `${answer.status} ${method} ${path.slice(0, 80)}`), []);
    assert.ok(refusals.length > 300);
  });
});
