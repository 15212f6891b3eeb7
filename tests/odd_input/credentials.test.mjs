// Odd input: credentials in the wrong place, twice, or of another kind.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { lines, raw } from "../harness/raw.mjs";
import { admin, key, keyId, looksAtAll, refused, REQUEST, worker } from "./odd.mjs";

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

looksAtAll(130);
