// Odd input: texts that are too long, of another alphabet, or not what they are called.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { lines, raw } from "../harness/raw.mjs";
import { admin, key, keyId, looksAtAll, refused, REQUEST, worker } from "./odd.mjs";

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

looksAtAll(70);
