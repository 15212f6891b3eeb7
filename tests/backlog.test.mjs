// Thousands of deadlines that fall due together: what was worked off is on disk, whatever ends the object in the middle.

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { eventually } from "./harness/client.mjs";
import { parseHead, State, statePath } from "./harness/revocation_list.mjs";
import { Worker } from "./harness/worker.mjs";

const BACKLOG = 8_000;
/** Generations that one transaction retires. */
const BATCH = 500;

/** How many of the backlog are retired. */
const retiredOf = (worker) => worker.book("SELECT count(*) AS n FROM generation WHERE state = 'retired'")[0].n;

/** A worker whose tenant has a backlog that falls due at a moment; it has not run since. */
async function withBacklog(options, { dueIn, andThen, backlog = BACKLOG }) {
  const worker = await Worker.start(options);
  const admin = await worker.administrator();
  const { key_id } = (await admin.create({})).json;
  await worker.published();
  const [path] = worker.booksOf(1);
  await worker.stop();
  const dueAt = Date.now() + dueIn;
  overdue(path, key_id, backlog, dueAt, andThen);
  await worker.restart();
  assert.equal(retiredOf(worker), 0);
  return { worker, admin, dueAt };
}

/** Kills the worker as soon as something of the backlog is on disk; answers how much that is. */
async function killedAmidst(worker) {
  for (const end = Date.now() + 15_000; retiredOf(worker) === 0 && Date.now() < end; ) await sleep(5);
  await worker.kill();
  const done = retiredOf(worker);
  assert.ok(done > 0 && done < BACKLOG && done % BATCH === 0, `${done} of ${BACKLOG}`);
  console.log(`killed after ${done} of ${BACKLOG}`);
}

it("a backlog of deadlines goes on where the object was killed, and no head is signed before its end", async () => {
  const { worker, admin } = await withBacklog({}, { dueIn: -1_000 });
  const heads = () => worker.book("SELECT sequence FROM head");
  const before = heads();
  const asked = worker.client().get("/v1/list/1/head").catch(() => undefined);
  await killedAmidst(worker);
  await asked;
  assert.deepEqual(heads(), before);

  await worker.restart();
  // The Worker gives up on an object after 4 s; the object goes on, and the next call finds less to do.
  const head = await eventually("a head", async () => {
    const answer = await worker.client().get("/v1/list/1/head");
    return answer.status === 200 && parseHead(answer.bytes);
  }, 30_000);
  assert.equal(retiredOf(worker), BACKLOG);
  const list = new State((await worker.client().get(statePath(1, head))).bytes);
  assert.equal(list.digest, head.digest);
  for (const { status_index } of worker.book("SELECT status_index FROM generation WHERE state = 'retired'")) assert.ok(list.isDead(status_index));
  const entries = worker.book("SELECT count(*) AS n, count(DISTINCT target) AS keys FROM audit WHERE action = 'key.retire'")[0];
  assert.deepEqual({ ...entries }, { n: BACKLOG, keys: BACKLOG });
  // Control: a key that had no deadline lives.
  assert.equal((await admin.verify((await admin.create({})).json.key)).json.decision, "allow");
});

it("a backlog that falls due while an alarm stands in a write to KV is no single turn of the next call", async () => {
  const { worker, admin, dueAt } = await withBacklog({ world: true }, { dueIn: 8_000 });
  await worker.world({ kv: { put: "hang" } });
  assert.equal((await admin.create({})).status, 201);
  await eventually("a write that hangs", async () => (await worker.world()).hungPuts > 0);
  assert.ok(Date.now() < dueAt);
  await sleep(dueAt + 100 - Date.now());
  const asked = worker.client().get("/v1/list/1/head").catch(() => undefined);
  await killedAmidst(worker);
  await asked;
});

it("a backlog that falls due while an alarm stands before the directory is no single turn of that alarm", async () => {
  // A report that the directory has not had.
  const andThen = "UPDATE directory_report SET told = told - 1";
  const { worker, dueAt } = await withBacklog({ shim: true }, { dueIn: 6_000, andThen });
  await worker.shim("hang", "directory");
  // The Worker's wait for the directory is 4 s: it begins before the backlog is due, and ends after.
  await sleep(dueAt - 2_000 - Date.now());
  assert.equal((await worker.client().get("/v1/list/1/head")).status, 200);
  await eventually("an alarm that waits", async () => (await worker.shimCalls("directory")) > 0, 1_500);
  assert.ok(Date.now() < dueAt);
  await killedAmidst(worker);
});

it("whoever is turned away does not wait for the backlog", async () => {
  // More batches than calls are let wait: each of those begins with one, before anybody is heard of.
  const { worker, admin } = await withBacklog({ crowd: true }, { dueIn: -1_000, backlog: 48_000 });
  const audit = (_, n) => ({ call: "read_audit", authority: { credential: admin.credential, request_id: `req_${n}` }, after: 0, limit: 1 });
  const { began, answers } = await worker.crowd(Array.from({ length: 200 }, audit));
  const ats = (is) => answers.filter(({ outcome }) => is(outcome)).map(({ at }) => at - began);
  const busy = ats(({ Err }) => Err?.error === "busy");
  const done = ats(({ Ok }) => Ok);
  assert.equal(busy.length + done.length, answers.length);
  assert.ok(busy.length > 100 && done.length > 0, `${busy.length} turned away, ${done.length} done`);
  const [last, first] = [Math.max(...busy), Math.min(...done)];
  console.log(`${busy.length} turned away within ${last} ms, the first answer after ${first} ms`);
  assert.ok(first - last > first / 6);
});

/** Copies a key into thousands like it, all of which are to be retired at one moment. */
function overdue(path, keyId, backlog, dueAt, andThen = "") {
  const database = new DatabaseSync(path);
  const columns = (table) => database.prepare("SELECT name FROM pragma_table_info(?)").all(table).map(({ name }) => name);
  const copy = (table, key, own) => {
    const names = columns(table);
    const values = names.map((name) => own[name] ?? `template.${name}`);
    database
      .prepare(
        `WITH RECURSIVE made(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM made WHERE n + 1 < ${backlog})
         INSERT INTO ${table} (${names.join()}) SELECT ${values.join()} FROM made, ${table} AS template WHERE template.${key} = ?`,
      )
      .run(keyId);
  };
  const id = "printf('key_%016x', n)";
  const index = "n + (SELECT next_index FROM tenant)";
  database.exec("BEGIN");
  copy("key", "id", { id });
  copy("generation", "key_id", { key_id: id, status_index: index, state: "'retiring'", retire_at: `${dueAt}` });
  database.exec(`UPDATE tenant SET next_index = next_index + ${backlog}`);
  database.exec(andThen);
  database.exec("COMMIT");
  database.close();
}
