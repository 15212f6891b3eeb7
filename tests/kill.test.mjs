// kill -9 of workerd under load: what was answered is there, what was not is there as a whole or not at all.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { it } from "node:test";

import { createAct, Pieces, revokeAct } from "./harness/acts.mjs";
import { KeyText } from "./harness/key_text.mjs";
import { parseHead, State, statePath } from "./harness/revocation_list.mjs";
import { Chance } from "./harness/seed.mjs";
import { Worker } from "./harness/worker.mjs";

const KILLS = Number(process.env.WARDKEY_KILLS ?? 5);
const CLIENTS = 8;

it("no acknowledged write is lost, and none is half there, however often workerd is killed", async () => {
  const chance = new Chance("kill -9");
  const worker = await Worker.start();
  const admin = await worker.administrator();
  const verifier = await admin.deputy(["verifier:verify"], ["api"]);
  const setUpEntries = (await admin.audit()).length;
  const acts = [];
  const seen = { answered: 0, happenedUnanswered: 0, absentUnanswered: 0 };

  for (let round = 1; round <= KILLS; round++) {
    const load = new Load(admin, chance, round);
    const ended = load.run();
    const after = chance.between(30, 1_200);
    await sleep(after);
    await worker.kill();
    await ended;
    await worker.restart();
    // The object opens its database and recovers it before anybody else looks into it.
    assert.equal((await admin.get("/v1/audit?limit=1")).status, 200);

    const pieces = new Pieces(worker);
    const unanswered = load.acts.filter((act) => act.answer === undefined);
    for (const act of unanswered) {
      act.happened = pieces.of(act) === 1;
      seen[act.happened ? "happenedUnanswered" : "absentUnanswered"] += 1;
    }
    for (const act of load.acts.filter((act) => act.answer)) {
      assert.equal(pieces.of(act), 1, `${act.name} was answered and is gone`);
      seen.answered += 1;
    }
    const revokedHere = new Set(load.acts.filter((act) => act.answer || act.happened).map(({ target }) => target));
    const isRevoked = (create) => create.answer !== undefined && revokedHere.has(create.answer.json.key_id);
    // Repeated, some of the answered ones too: each happens once.
    for (const act of [...unanswered, ...load.acts.filter((act) => act.answer && chance.next() < 0.2)]) {
      const again = await act.send();
      const status = act.kind === "create" && !act.happened && !act.answer ? 201 : 200;
      assert.equal(again.status, status, `${act.name}: ${again.text}`);
      if (act.answer) assert.equal(again.json.key_id, act.answer.json.key_id);
      if (act.kind === "create") assert.equal("key" in again.json, !isRevoked(act), "the key is given again while it lives");
      if (act.kind === "revoke") revokedHere.add(act.target);
      act.answer ??= again;
    }
    acts.push(...load.acts);
    console.log(`round ${round}: killed after ${after} ms, ${load.acts.length - unanswered.length} answered, ${unanswered.length} not`);
  }

  assert.ok(seen.answered > KILLS && seen.absentUnanswered + seen.happenedUnanswered >= KILLS, "the load was no load");
  const entries = (await admin.audit()).slice(setUpEntries);
  assert.equal(entries.length, acts.length);
  const byRequest = new Map(entries.map((entry) => [entry.request_id, entry]));
  const head = parseHead((await worker.client().get("/v1/list/1/head")).bytes);
  const list = new State((await worker.client().get(statePath(1, head))).bytes);
  assert.equal(list.digest, head.digest);

  const pieces = new Pieces(worker);
  const creates = acts.filter(({ kind }) => kind === "create");
  const revoked = new Set(acts.filter(({ kind }) => kind === "revoke").map(({ target }) => target));
  for (const act of acts) {
    const keyId = act.answer.json.key_id;
    assert.equal(pieces.of(act), 1, act.name);
    // What was done before the kill and repeated after it stands under the id of the first request.
    const entry = act.happened ? entries.find(({ target, action }) => target === keyId && action === `key.${act.kind}`) : byRequest.get(act.answer.requestId);
    assert.deepEqual([entry?.target, entry?.action, entry?.outcome], [keyId, `key.${act.kind}`, "done"], act.name);
  }
  await worker.published();
  const indexes = creates.map(({ answer }) => KeyText.parse(answer.json.key).statusIndex);
  assert.equal(new Set(indexes).size, creates.length, "a status index was given twice");
  for (const { answer } of creates) {
    const { key, key_id } = answer.json;
    const read = await admin.read(key_id);
    assert.equal(read.headers["wardkey-record"], "kv", "the record of what was done before a kill never came to KV");
    const view = read.json;
    const { json } = await verifier.verify(key, { strict: true });
    const isDead = revoked.has(key_id);
    assert.equal(view.generations[0].state === "revoked", isDead, key_id);
    assert.equal(json.decision, isDead ? "deny" : "allow", key_id);
    assert.equal(list.isDead(KeyText.parse(key).statusIndex), isDead, key_id);
  }
  console.log(
    `${KILLS} kills: ${seen.answered} acts answered, all there; ${seen.happenedUnanswered} not answered and there as a whole, ` +
      `${seen.absentUnanswered} not answered and absent; ${creates.length} keys, ${revoked.size} of them revoked`,
  );
  if (process.env.WARDKEY_KILLS_RECORD) {
    const found = { kills: KILLS, acts_answered: seen.answered, unanswered_and_there: seen.happenedUnanswered, unanswered_and_absent: seen.absentUnanswered };
    writeFileSync(process.env.WARDKEY_KILLS_RECORD, JSON.stringify({ ...found, keys: creates.length, revoked: revoked.size }));
  }
});

/** Clients that create and revoke until the worker is gone. */
class Load {
  acts = [];

  constructor(admin, chance, round) {
    Object.assign(this, { admin, chance, round });
  }

  run() {
    return Promise.all(Array.from({ length: CLIENTS }, (_, client) => this.#client(client)));
  }

  async #client(client) {
    const living = [];
    for (let n = 0; ; n++) {
      const name = `r${this.round}-c${client}-${n}`;
      const target = living.length > 0 && this.chance.next() < 0.4 ? living.shift() : undefined;
      const act = target ? revokeAct(this.admin, name, target) : createAct(this.admin, name);
      this.acts.push(act);
      try {
        const answer = await act.send();
        assert.ok(answer.status < 300, `${name}: ${answer.status} ${answer.text}`);
        act.answer = answer;
      } catch (error) {
        if (error.code === "ERR_ASSERTION") throw error;
        return;
      }
      if (!target) living.push(act.answer.json.key_id);
    }
  }
}
