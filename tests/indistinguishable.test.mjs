// Before authenticity all refusals are one and the same, byte for byte.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { before, describe, it } from "node:test";

import { flipped, KeyText } from "./harness/key_text.mjs";
import { Worker } from "./harness/worker.mjs";

describe("before authenticity all refusals are one and the same, byte for byte", () => {
  let worker, admin, verifier, key;

  before(async () => {
    worker = await Worker.start();
    admin = await worker.administrator();
    verifier = await admin.deputy(["verifier:verify"], ["api"]);
    key = (await admin.create({})).json.key;
  });

  /** What is no authentic key, each in its own way; `other` is another audience's right key. */
  function unauthentic(right, other) {
    const key = KeyText.parse(right);
    const spare = right.length - key.prefix.length;
    return {
      "one letter": "x",
      "not a key at all": "hunter2",
      "nothing but a prefix": key.prefix,
      "a key's letters cut short": right.slice(0, -1),
      "a key with a letter more": `${right}A`,
      "a typo, which the checksum finds": right.slice(0, -8) + (right.at(-8) === "A" ? "B" : "A") + right.slice(-7),
      "padding": `${right}=`,
      "letters of plain base64": right.replace(/.$/, "+"),
      "longer than any key": key.prefix + "A".repeat(600),
      "as long as a key, of chance": key.prefix + randomBytes(spare).toString("base64url").slice(0, spare),
      "a forged tag with the right checksum": key.with({ tag: randomBytes(16) }).text,
      "a tag with one wrong bit": key.with({ tag: flipped(key.tag, 15) }).text,
      "a tag of zeros": key.with({ tag: Buffer.alloc(16) }).text,
      "another status index, the checksum right": key.with({ base: { statusIndex: key.statusIndex ^ 1 } }).text,
      "a tenant that nobody made": key.with({ base: { tenant: 999 } }).text,
      "another epoch": key.with({ base: { epoch: 2 } }).text,
      "epoch zero": key.with({ base: { epoch: 0 } }).text,
      "an audience that nobody made": key.with({ base: { audience: 77 } }).text,
      "another prefix, the checksum right": key.with({ prefix: key.prefix.replace("live", "test") }).text,
      "another brand, the checksum right": key.with({ prefix: "acme_live_" }).text,
      "a right key of another audience": other,
    };
  }

  async function areOne(cases, ask, control) {
    const likenesses = new Map();
    for (const [name, text] of Object.entries(cases)) {
      const answer = await ask(text);
      assert.match(answer.requestId, /^req_[0-9a-f]{32}$/, name);
      if (!likenesses.has(answer.likeness)) likenesses.set(answer.likeness, []);
      likenesses.get(answer.likeness).push(name);
    }
    console.log(`${Object.keys(cases).length} unauthentic keys, ${likenesses.size} kind of answer`);
    assert.deepEqual([...likenesses.values()], [Object.keys(cases)]);
    const [likeness] = likenesses.keys();
    // Positive control: the comparison does tell one answer from another.
    assert.notEqual((await control()).likeness, likeness);
    return likeness;
  }

  it("as the credential of an administrator", async () => {
    const cases = unauthentic(admin.credential, key);
    const routes = [
      (client) => client.create({}),
      (client) => client.read("key_0011223344556677"),
      (client) => client.revoke("key_0011223344556677"),
      (client) => client.verify(key),
      (client) => client.get("/v1/audit"),
      (client) => client.get("/v1/keys"),
      (client) => client.request("PATCH", "/v1/keys/key_0011223344556677", { body: { owner: "x" } }),
      ...["rotate", "confirm", "suspend", "resume"].map((act) => (client) => client.post(`/v1/keys/key_0011223344556677/${act}`)),
      (client) => client.post("/v1/revocations", { select: { everything: {} } }),
      (client) => client.get("/v1/revocations/rev_0011223344556677"),
      (client) => client.get("/v1/policy"),
      (client) => client.request("PUT", "/v1/policy", { body: {}, headers: { "If-Match": '"1"' } }),
      (client) => client.get("/v1/key-set"),
      (client) => client.post("/v1/signing-keys/api/rotate", { compromised: "yes" }),
      (client) => client.get("/v1/root/rewrap"),
      (client) => client.post("/v1/root/rewrap"),
      (client) => client.post("/v1/tenant/destroy", { confirm: 2 }),
      // Nor does it show when something else is wrong with the request, too.
      (client) => client.get("/v1/audit?limit=0"),
      (client) => client.read("nonsense"),
      (client) => client.revoke("nonsense"),
      (client) => client.post("/v1/keys", "{"),
      (client) => client.post("/v1/keys", {}, { headers: { "Content-Type": "text/plain" } }),
      (client) => client.post("/v1/keys", "x".repeat(70_000)),
      (client) => client.post("/v1/verify", []),
      (client) => client.post("/v1/revocations", []),
      (client) => client.get("/v1/keys?limit=0"),
      (client) => client.request("PUT", "/v1/policy", { body: {} }),
      (client) => client.create({}, { idempotencyKey: "x".repeat(300) }),
    ];
    const likenesses = [];
    for (const route of routes) {
      likenesses.push(await areOne(cases, (text) => route(worker.client(text)), () => route(admin)));
    }
    // Not even the route shows.
    assert.equal(new Set(likenesses).size, 1);
    const answer = await worker.client("hunter2").get("/v1/audit");
    assert.equal(answer.status, 401);
    assert.equal(answer.json.code, "invalid_token");
    assert.equal(answer.headers["www-authenticate"], 'Bearer realm="wardkey", error="invalid_token"');
  });

  it("as the key that is to be verified", async () => {
    const other = (await admin.create({ audience: "jobs", scopes: ["jobs:run"] })).json.key;
    const cases = {
      ...unauthentic(key, other),
      "an administrator's right key": admin.credential,
      "a bootstrap token": worker.token,
      "nothing": "",
    };
    const likeness = await areOne(cases, (text) => verifier.verify(text), () => verifier.verify(key));
    const strict = await areOne(
      cases,
      (text) => verifier.verify(text, { scopes: ["reports:purge"] }),
      () => verifier.verify(key, { scopes: ["reports:purge"] }),
    );
    assert.equal(strict, likeness);
    const { json } = await verifier.verify("hunter2");
    assert.deepEqual(json, { decision: "deny", status: 401, reason: "invalid_token" });
    assert.equal((await verifier.verify(key)).json.decision, "allow");
  });

  it("as the token of a bootstrap", async () => {
    const [, tenant, expiry, chance] = worker.token.match(/^wkboot_(\d+)_(\d+)_(.+)$/);
    const cases = {
      "not a token": "hunter2",
      "another token": `wkboot_${tenant}_${expiry}_${randomBytes(32).toString("base64url")}`,
      "another tenant": `wkboot_2_${expiry}_${chance}`,
      "a later expiry": `wkboot_${tenant}_${Number(expiry) + 1}_${chance}`,
      "a letter less": worker.token.slice(0, -1),
      "an administrator's key": admin.credential,
    };
    const bootstrap = (text) => worker.client(text).post("/v1/bootstrap", { subject: "ops:eve" });
    await areOne(cases, bootstrap, () => bootstrap(worker.token));
  });

  it("a right tag that the registry has no row of, and that raises an alarm", async () => {
    await worker.save();
    const lostKey = (await admin.create({ scopes: ["reports:purge"] })).json;
    const lostAdmin = await admin.deputy(["keys:read"], ["api"]);
    const strict = { scopes: ["reports:purge"] };
    assert.equal((await verifier.verify(lostKey.key, strict)).json.decision, "allow");
    assert.equal((await lostAdmin.read(lostKey.key_id)).status, 200);

    await worker.goBack();
    const unknown = await verifier.verify("hunter2", strict);
    const verified = await verifier.verify(lostKey.key, strict);
    assert.equal(verified.likeness, unknown.likeness);
    const refused = await lostAdmin.read(lostKey.key_id);
    assert.equal(refused.likeness, (await worker.client("hunter2").read(lostKey.key_id)).likeness);

    const alarms = (await admin.audit()).filter(({ outcome }) => outcome === "alarm");
    assert.deepEqual(
      alarms.map(({ action, actor, target, request_id }) => ({ action, actor, target, request_id })),
      [
        { action: "key.never_issued", actor: null, target: lostKey.key_id, request_id: verified.requestId },
        { action: "key.never_issued", actor: null, target: lostAdmin.keyId, request_id: refused.requestId },
      ],
    );
    // And whoever runs the deployment reads of it, once for each and without the key.
    const told = worker.log.filter((line) => line.includes("alarm: a key whose tag is right was never issued"));
    assert.equal(told.length, alarms.length);
  });
});
