// Odd input: every text that is kept and shown again is refused with its field's name, or comes back exactly as it was sent.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { POLICY } from "../harness/policies.mjs";
import { bootstrapToken, Worker } from "../harness/worker.mjs";
import { admin, key, keyId, looksAtAll, refused, worker } from "./odd.mjs";

/** What people's own texts may not hold: control characters, of ASCII and of C1, wherever they stand. */
const CONTROL = ["\u0000", "a\u0000b", "a\nb", "\ta", "a\r\n", "a\u001b[31mb", "a\u007fb", "a\u0085b", "a\u009fb"];
/** What they may: everything else, in the very form that it was sent in. */
const GOOD = [
  "x", " ", "Größe 東京 🔑", "Gro\u0308ße", "\u202eright to left", "a\u00a0b\u200bc\ufeff", "a\u2028b", "<script>alert(1)</script>",
  '"; DROP TABLE key; --', "\\u0000", "%00", "${7*7}", "\ud7ff\ue000\uffff", "𝒳",
];

/** Texts of one byte too many, with characters of one to four bytes. */
const tooLong = (most) => ["x", "ä", "東", "🔑"].map((one) => one.repeat(Math.floor(most / Buffer.byteLength(one)) + 1));
/** Texts as long as may be. */
const longest = (most) => ["x", "ä", "🔑"].map((one) => one.repeat(Math.floor(most / Buffer.byteLength(one))));

const field = (answer, name, what) => assert.equal(refused(answer, 400, "invalid_field", JSON.stringify(what)).field, name, JSON.stringify(what));

describe("what is noted down of a key", () => {
  const made = async (request) => {
    const answer = await admin.create(request);
    assert.equal(answer.status, 201, `${JSON.stringify(request)}: ${answer.text}`);
    return (await admin.read(answer.json.key_id)).json;
  };

  it("has tags of 1 to 64 bytes without control characters", async () => {
    for (const tag of ["", ...CONTROL, ...tooLong(64)]) {
      for (const tags of [[tag], ["good", tag]]) field(await admin.create({ tags }), "tags", tags);
    }
    for (const tag of [...GOOD, ...longest(64)]) assert.deepEqual((await made({ tags: [tag] })).tags, [tag]);
    assert.deepEqual((await made({ tags: ["b", "ä", "b", "B"] })).tags, ["B", "b", "ä"]);
  });

  it("has notes with names of 1 to 64 bytes and values of 1 to 256, without control characters", async () => {
    for (const text of ["", ...CONTROL, ...tooLong(64)]) field(await admin.create({ meta: { [text]: "x" } }), "meta", text);
    for (const text of ["", ...CONTROL, ...tooLong(256)]) field(await admin.create({ meta: { x: text } }), "meta", text);
    for (const text of GOOD) assert.deepEqual((await made({ meta: { [text]: text } })).meta, { [text]: text });
    for (const name of longest(64)) {
      for (const value of longest(256)) assert.deepEqual((await made({ meta: { [name]: value } })).meta, { [name]: value });
    }
  });

  it("is changed by the same rules", async () => {
    const patch = (body) => admin.request("PATCH", `/v1/keys/${keyId}`, { body });
    const before = (await admin.read(keyId)).json;
    for (const text of CONTROL) {
      field(await patch({ name: text }), "name", text);
      field(await patch({ owner: text }), "owner", text);
      field(await patch({ tags: [text] }), "tags", text);
      field(await patch({ meta: { x: text } }), "meta", text);
      field(await patch({ meta: { [text]: "x" } }), "meta", text);
    }
    assert.deepEqual((await admin.read(keyId)).json, before);
    for (const text of GOOD) {
      assert.equal((await patch({ name: text, owner: text, tags: [text], meta: { [text]: text } })).status, 200);
      const { name, owner, tags, meta } = (await admin.read(keyId)).json;
      assert.deepEqual({ name, owner, tags, meta }, { name: text, owner: text, tags: [text], meta: { [text]: text } });
    }
  });

  it("is found by its very tag and subject, and by nothing that could be neither", async () => {
    const list = (filter) => admin.get(`/v1/keys?${new URLSearchParams(filter)}`);
    for (const tag of ["", ...CONTROL, ...tooLong(64)]) field(await list({ tag }), "tag", tag);
    for (const subject of ["", "Svc", "svc:ä", "svc\u0000", "svc ", "*", "x".repeat(64)]) field(await list({ subject }), "subject", subject);
    for (const [n, text] of GOOD.entries()) {
      const subject = `svc:found-${n}`;
      const { key_id } = (await admin.create({ subject, tags: [`${text}#${n}`] })).json;
      for (const filter of [{ tag: `${text}#${n}` }, { subject }]) {
        const { status, json } = await list(filter);
        assert.deepEqual([status, json.keys.map((one) => one.key_id)], [200, [key_id]], JSON.stringify(filter));
      }
    }
  });
});

describe("a reason", () => {
  // In the order of an entry's life; each on a key of its own, and what it is kept as stands in the log.
  const ACTS = {
    "key.suspended": (id, reason) => admin.post(`/v1/keys/${id}/suspend`, { reason }),
    "key.resumed": (id, reason) => admin.post(`/v1/keys/${id}/resume`, { reason }),
    "key.revoked": (id, reason) => admin.revoke(id, { reason }),
    "keys.revoked": (id, reason) => admin.post("/v1/revocations", { select: { issued_until: { second: 1 } }, reason }),
    "signing_key.rotated": (id, reason) => admin.post("/v1/signing-keys/jobs/rotate", { compromised: true, reason }),
  };

  for (const [name, act] of Object.entries(ACTS)) {
    it(`of ${name} is 1 to 256 bytes without control characters, and stands in the log as it was given`, async () => {
      const { key_id: id } = (await admin.create({})).json;
      if (name === "key.resumed") await ACTS["key.suspended"](id, "before");
      const before = worker.standingBook();
      for (const reason of ["", ...CONTROL, ...tooLong(256)]) field(await act(id, reason), "reason", reason);
      assert.deepEqual(worker.standingBook(), before);
      const [reason] = longest(256 - Buffer.byteLength(GOOD.join("")));
      const kept = `${GOOD.join("")}${reason}`;
      const answer = await act(id, kept);
      assert.ok([200, 202].includes(answer.status), answer.text);
      const entry = (await admin.audit()).find(({ request_id }) => request_id === answer.requestId);
      assert.equal(entry.reason, kept, JSON.stringify(entry));
      if (name === "keys.revoked") assert.equal((await admin.get(`/v1/revocations/${answer.json.revocation_id}`)).json.reason, kept);
    });
  }

  it("of whoever ends a key by showing it is kept in the same way", async () => {
    const { key: own, key_id: id } = (await admin.create({})).json;
    for (const reason of ["", ...CONTROL, ...tooLong(256)]) field(await worker.client(own).post("/v1/revoke-self", { reason }), "reason", reason);
    assert.equal((await admin.read(id)).json.generations[0].state, "pending");
    assert.equal((await worker.client(own).post("/v1/revoke-self", { reason: GOOD.join("") })).status, 200);
    assert.equal((await admin.read(id)).json.generations[0].end_reason, GOOD.join(""));
  });

  it("of the end of a tenant is kept in its book", async () => {
    const other = await Worker.start({ token: bootstrapToken({ tenant: 2 }) });
    const last = await other.administrator();
    for (const reason of ["", ...CONTROL, ...tooLong(256)]) field(await last.post("/v1/tenant/destroy", { confirm: 2, reason }), "reason", reason);
    assert.equal((await last.get("/v1/audit")).status, 200, "the tenant lives");
    assert.equal((await last.post("/v1/tenant/destroy", { confirm: 2, reason: GOOD.join("") })).status, 200);
    const reasons = other.book("SELECT reason FROM audit WHERE reason IS NOT NULL", { tenant: 2 });
    assert.deepEqual(reasons.map(({ reason }) => reason), [GOOD.join("")]);
  });
});

describe("a bootstrap's subject", () => {
  it("is 1 to 63 characters of its alphabet, and a token is not used up by a wrong one", async () => {
    const other = await Worker.start();
    const bootstrap = (subject) => other.client(other.token).post("/v1/bootstrap", { subject, policy: POLICY });
    for (const subject of ["", "Ops", "ops ada", "ops:ä", "ops\u0000", "ops\n", "ada@example.org", ":ops", "x".repeat(64), "ops:\u202e"]) {
      field(await bootstrap(subject), "subject", subject);
    }
    const made = await bootstrap("ops:ada");
    assert.equal(made.status, 201, made.text);
    assert.equal((await other.client(made.json.key).read(made.json.key_id)).json.subject, "ops:ada");
  });
});

describe("a policy's names", () => {
  const RULE = { name: "rule", actors: ["*"], audiences: ["wardkey", "api", "jobs"], scopes: ["*"], subjects: ["*"] };
  const BAD = ["", "Rule", "a b", "ä", "東京", "a\u0000", "a\nb", "a\u001b[31m", "a\u0085", ".a", "_a", "a:b", "x".repeat(64), "\u202ea"];
  const BAD_SCOPES = ["", "reports", "reports:", ":read", "a:b:c", "Reports:read", "reports:réad", "reports:\u0000", "reports:read\n", "reports:*", `a:${"x".repeat(63)}`];

  /** The policy in force, changed, and put in its place. */
  const put = async (change) => {
    const { headers, json } = await admin.get("/v1/policy");
    change(json);
    return [await admin.request("PUT", "/v1/policy", { body: json, headers: { "If-Match": headers.etag } }), json];
  };
  const later = (scope) => ({ number: 77, name: scope, risk: "low" });
  const CASES = {
    "rules[0].name": [BAD, "rule-1.a_b", (policy, text) => (policy.rules = [{ ...RULE, name: text }])],
    "audiences[0].roles[0].name": [BAD, "role-1.a_b", (policy, text) => (policy.audiences[0].roles = [{ name: text, scopes: ["reports:read"] }])],
    "audiences[2].name": [BAD, "later-1.a_b", (policy, text) => policy.audiences.push({ number: 9, name: text, scopes: [{ number: 0, name: "later:read" }] })],
    "audiences[0].scopes[4].name": [BAD_SCOPES, "re_ports-1:re.ad", (policy, text) => policy.audiences[0].scopes.push(later(text))],
    "rules[0].actors[0]": [["", "Ops", "ops:ä", "ops\u0000*", "**", "ops*", "ops:*\n"], "ops:*", (policy, text) => (policy.rules = [{ ...RULE, actors: [text, "*"] }])],
    "rules[0].subjects[0]": [["", "Svc", "svc:ä", "svc\u0000*", "s*vc"], "svc:*", (policy, text) => (policy.rules = [{ ...RULE, subjects: [text] }])],
  };

  for (const [path, [bad, good, change]] of Object.entries(CASES)) {
    it(`${path} is of its alphabet, and is given back as it was put`, async () => {
      const before = (await admin.get("/v1/policy")).json;
      for (const text of bad) {
        const [answer] = await put((policy) => change(policy, text));
        field(answer, `policy.${path}`, text);
      }
      assert.deepEqual((await admin.get("/v1/policy")).json, before);
      const [answer, sent] = await put((policy) => change(policy, good));
      assert.equal(answer.status, 200, answer.text);
      const kept = (await admin.get("/v1/policy")).json;
      const at = (policy) => path.split(/[.[\]]+/).filter(Boolean).reduce((value, step) => value[step], policy);
      assert.equal(at(kept), good);
      assert.equal(at(sent), good);
    });
  }

  it("is not repeated where it is a level's that there is not", async () => {
    for (const name of ["", "High", "hïgh", "a\u0000b", "extreme", key]) {
      const [answer] = await put((policy) => (policy.levels = { [name]: {} }));
      field(answer, "policy.levels", name);
      assert.ok(name === "" || !answer.text.includes(name) || name === "High", answer.text);
    }
  });
});

looksAtAll(200);
