// More calls at once than an object can answer soon: those that can wait are turned away, unharmed, and those that must not wait are
// answered.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { parseHead } from "./harness/revocation_list.mjs";
import { RULED } from "./harness/policies.mjs";
import { Worker } from "./harness/worker.mjs";

/** As `waiting_calls.rs` has it. */
const MOST = 64;

describe("an object that too many calls wait for", () => {
  let worker, admin, verifier, keySets;

  before(async () => {
    worker = await Worker.start({ crowd: true });
    admin = await worker.administrator({ policy: RULED });
    verifier = await admin.deputy(["verifier:verify"], ["api"]);
    keySets = await admin.deputy(["verifier:key-set"], ["api"]);
    await worker.published();
  });

  let asked = 0;
  const by = (client = admin) => ({ credential: client.credential, request_id: `req_${String((asked += 1)).padStart(32, "0")}` });
  const create = () => ({ call: "create_key", authority: by(), request: { subject: "svc:crowd", audience: "api", scopes: ["reports:read"], expires_in: 600 } });
  const audit = () => ({ call: "read_audit", authority: by(), after: 0, limit: 50 });
  const kindOf = ({ outcome }) => (outcome.Ok ? "done" : outcome.Err.error);
  const keys = () => worker.book("SELECT count(*) AS n FROM key WHERE subject = 'svc:crowd'")[0].n;
  const busy = (answers) => answers.filter((answer) => kindOf(answer) === "busy").length;

  it("answers as many as it lets wait, all of them", async () => {
    const before = keys();
    const { answers } = await worker.crowd(Array.from({ length: MOST }, create));
    assert.deepEqual(answers.map(kindOf), Array(MOST).fill("done"));
    assert.equal(keys() - before, MOST);
  });

  it("turns others away with nothing done, and nobody who must not wait", async () => {
    const ended = (await admin.create({})).json;
    const paused = (await admin.create({})).json;
    const head = parseHead((await worker.client().get("/v1/list/1/head")).bytes);
    const before = keys();
    const must = [
      { call: "head" },
      { call: "state", sequence: head.sequence, digest: Buffer.from(head.digest, "hex").toString("base64url") },
      { call: "revoke_key", authority: by(), key_id: ended.key_id, request: { reason: "crowd" } },
      { call: "suspend_key", authority: by(), key_id: paused.key_id, suspended: true, request: {} },
      { call: "read_key_set", authority: by(keySets), audience: "api" },
      { call: "sweep" },
    ];
    const crowd = () => [...Array.from({ length: 200 }, audit), ...Array.from({ length: 200 }, create)];
    const messages = [...crowd(), ...must, ...crowd()];
    const { began, answers } = await worker.crowd(messages);
    const kinds = answers.map(kindOf);
    for (const [n, { call }] of messages.entries()) {
      if (must.some((one) => one.call === call)) assert.equal(kinds[n], "done", `${call}: ${JSON.stringify(answers[n].outcome)}`);
      else assert.ok(["done", "busy"].includes(kinds[n]), JSON.stringify(answers[n].outcome));
    }
    assert.ok(busy(answers) >= 400, `${busy(answers)} of ${messages.length} were turned away`);
    const made = kinds.filter((kind, n) => messages[n].call === "create_key" && kind === "done").length;
    assert.ok(made > 0);
    assert.equal(keys() - before, made);
    const state = async ({ key_id }) => (await admin.read(key_id)).json;
    assert.equal((await state(ended)).generations[0].state, "revoked");
    assert.equal((await state(paused)).suspended, true);
    const wait = (n) => `${answers[n].at - began} ms`;
    console.log(`head after ${wait(400)}, all after ${Math.max(...answers.map(({ at }) => at)) - began} ms; ${messages.length} at once: ${busy(answers)} turned away, ${made} keys made; the head was answer ${answers[400].place + 1}`);
  });

  it("is asked in vain for no longer than they wait", async () => {
    await worker.crowd(Array.from({ length: 300 }, audit));
    assert.equal((await admin.create({})).status, 201);
    const { answers } = await worker.crowd(Array.from({ length: MOST }, audit));
    assert.equal(busy(answers), 0);
  });

  it("is told to callers as 503 with Retry-After, and lets no key pass meanwhile", async () => {
    const { key } = (await admin.create({})).json;
    const busyWorker = await Worker.start({ shim: true });
    const other = await busyWorker.administrator();
    await busyWorker.shimAnswers({ to: "list_keys", with: { Err: { error: "busy" } } });
    const answer = await other.get("/v1/keys");
    assert.deepEqual([answer.status, answer.json.code, answer.headers["retry-after"]], [503, "registry_busy", "1"]);
    const made = (await other.create({})).json;
    await busyWorker.shimAnswers({ to: "admit_verifier", with: { Err: { error: "busy" } } });
    const verified = await other.verify(made.key);
    assert.deepEqual([verified.status, verified.json.code], [503, "registry_busy"]);
    await busyWorker.shimAnswers(null);
    assert.equal((await other.verify(made.key)).json.decision, "allow");
    assert.equal((await verifier.verify(key)).json.decision, "allow");
  });
});
