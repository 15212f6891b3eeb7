// Objects that are restarted in the middle, fail, hang, or act and say nothing, and a KV that refuses meanwhile: whatever was
// acknowledged is there with its entry, and what was revoked is never allowed again.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { it } from "node:test";

import { createAct, Pieces, revokeAct } from "../harness/acts.mjs";
import { KeyText } from "../harness/key_text.mjs";
import { parseHead, State, statePath } from "../harness/revocation_list.mjs";
import { Chance } from "../harness/seed.mjs";
import { Worker } from "../harness/worker.mjs";

const CLIENTS = 4;
const SCOPES = ["reports:read", "reports:purge"];
/** What is done to the registry, and how many acts each client tries meanwhile: a call that is never answered takes four seconds. */
const FAULTS = { restart: 12, fail: 4, mute: 2, hang: 1, refusedKv: 6 };
const ROUNDS = Number(process.env.WARDKEY_FAULT_ROUNDS ?? 2);

it("no acknowledged write is lost or half there, and nothing that was revoked is allowed, whatever happens to the object", async () => {
  const chance = new Chance("faults of the object");
  const worker = await Worker.start({ shim: true, world: true });
  const admin = await worker.administrator();
  const verifier = await admin.deputy(["verifier:verify"], ["api"]);
  await worker.published();
  const setUpEntries = (await admin.audit()).length;
  const acts = [];
  const living = [];
  const seen = { unanswered: 0, happenedUnanswered: 0, strict: { allow: 0, deny: 0, unknown: 0 } };

  /** Sends an act; without an answer of the registry it is left as it is. */
  async function send(act) {
    acts.push(act);
    const answer = await act.send();
    if (answer.status < 300) {
      act.answer = answer;
      return true;
    }
    assert.deepEqual([answer.status, answer.json.code], [503, "registry_unavailable"], `${act.name}: ${answer.text}`);
    seen.unanswered += 1;
    return false;
  }

  /** Asks about a key whose fate is known, strictly. */
  async function look(key, mayLive) {
    const answer = await verifier.verify(key, { scopes: ["reports:purge"] });
    const decision = answer.status === 200 && answer.json.status !== 503 ? answer.json.decision : "unknown";
    seen.strict[decision] += 1;
    if (!mayLive) assert.notEqual(decision, "allow", "a key was allowed after its revocation was acknowledged");
    if (mayLive) assert.notEqual(decision, "deny", `a key that nobody revoked was denied: ${answer.text}`);
  }

  async function client(number, fault, round) {
    for (let n = 0; n < FAULTS[fault]; n++) {
      const name = `${round}-${fault}-${number}-${n}`;
      const target = chance.next() < 0.5 ? living.shift() : undefined;
      if (target) {
        const acknowledged = await send(revokeAct(admin, name, target.key_id));
        if (acknowledged) await look(target.key, false);
      } else {
        const act = createAct(admin, name, { scopes: SCOPES });
        if (await send(act)) {
          const { key, key_id } = act.answer.json;
          await look(key, true);
          living.push({ key, key_id });
        }
      }
    }
  }

  async function restartAgainAndAgain(until) {
    const ended = until.then(() => true);
    while (!(await Promise.race([ended, sleep(chance.between(20, 120))]))) await worker.world({ restart: 1 });
  }

  for (let round = 0; round < ROUNDS; round++) {
    for (const fault of Object.keys(FAULTS)) {
      const from = acts.length;
      if (fault === "refusedKv") await worker.world({ kv: { put: "500 Internal Server Error" } });
      else if (fault !== "restart") await worker.shim(fault);
      const load = Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number, fault, round)));
      if (fault === "restart") await restartAgainAndAgain(load);
      await load;
      await worker.shim("pass");
      await worker.world({ kv: { put: 0 }, restart: 0 });
      // What nobody was told of is there as a whole or not at all, and happens once when it is repeated.
      assert.equal((await admin.get("/v1/audit?limit=1")).status, 200);
      const pieces = new Pieces(worker);
      for (const act of acts.slice(from)) {
        const happened = pieces.of(act) === 1;
        if (act.answer) assert.ok(happened, `${act.name} was acknowledged and is gone`);
        else seen.happenedUnanswered += happened ? 1 : 0;
        const again = await act.send();
        assert.equal(again.status, act.kind === "create" && !happened ? 201 : 200, `${act.name}: ${again.text}`);
        if (act.answer) assert.equal(again.json.key_id, act.answer.json.key_id);
        act.entryOf = act.answer?.requestId ?? (happened ? undefined : again.requestId);
        act.answer ??= again;
        act.keyId = again.json.key_id;
      }
    }
  }

  const pieces = new Pieces(worker);
  // That a revoked key was shown to the Worker is in the log by usage, and no act of anybody.
  const entries = (await admin.audit()).slice(setUpEntries).filter(({ action }) => action !== "key.late_use");
  assert.equal(entries.length, acts.length, "an effect without its entry, or an entry without its effect");
  for (const act of acts) {
    assert.equal(pieces.of(act), 1, act.name);
    const found = entries.filter(({ target, action, outcome }) => target === act.keyId && action === `key.${act.kind}` && outcome === "done");
    assert.equal(found.length, 1, act.name);
    if (act.entryOf) assert.equal(found[0].request_id, act.entryOf, act.name);
  }
  const head = parseHead((await worker.client().get("/v1/list/1/head")).bytes);
  const list = new State((await worker.client().get(statePath(1, head))).bytes);
  assert.equal(list.digest, head.digest);
  const revoked = new Set(acts.filter(({ kind }) => kind === "revoke").map(({ target }) => target));
  await worker.published();
  for (const { answer, kind, keyId } of acts) {
    if (kind !== "create" || !answer.json.key) continue;
    const isDead = revoked.has(keyId);
    // Before anybody looks at the key: its first use is a change of its record, which goes to KV in its own time.
    assert.equal((await admin.read(keyId)).headers["wardkey-record"], "kv", "an alarm was lost for good");
    await look(answer.json.key, !isDead);
    assert.equal(list.isDead(KeyText.parse(answer.json.key).statusIndex), isDead, keyId);
  }
  // Controls: each fault was met, and there was something to lose.
  const { starts, restarts, refusedPuts } = await worker.world();
  assert.ok(restarts >= 3 && starts > restarts && refusedPuts >= 1, `${starts} starts, ${restarts} restarts, ${refusedPuts} writes refused by KV`);
  assert.ok(seen.unanswered >= CLIENTS && seen.happenedUnanswered >= 1, "every act was answered");
  assert.ok(revoked.size >= 5 && seen.strict.allow >= 5 && seen.strict.deny >= 5, JSON.stringify(seen));
  console.log(
    `${acts.length} acts, ${seen.unanswered} of them not answered at first, of which ${seen.happenedUnanswered} had happened; ${revoked.size} keys revoked; ` +
      `${restarts} restarts; strict calls: ${JSON.stringify(seen.strict)}`,
  );
});
