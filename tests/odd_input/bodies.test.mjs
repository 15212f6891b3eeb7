// Odd input: bodies that are no JSON of the expected shape, too long, too slow or of another type.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { lines, raw } from "../harness/raw.mjs";
import { admin, keyId, looksAtAll, MAX_BODY_LEN, refused, REQUEST, worker } from "./odd.mjs";

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
    const routes = ["/v1/keys", "/v1/verify", "/v1/usage", `/v1/keys/${keyId}/revoke`];
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

looksAtAll(55);
