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

it("a backlog of deadlines goes on where the object was killed, and no head is signed before its end", async () => {
  const worker = await Worker.start();
  const admin = await worker.administrator();
  const { key_id } = (await admin.create({})).json;
  await worker.published();
  const [path] = worker.booksOf(1);
  await worker.stop();
  overdue(path, key_id);
  await worker.restart();

  const retired = () => worker.book("SELECT count(*) AS n FROM generation WHERE state = 'retired'")[0].n;
  const heads = () => worker.book("SELECT sequence FROM head");
  const before = heads();
  assert.equal(retired(), 0);
  const asked = worker.client().get("/v1/list/1/head").catch(() => undefined);
  for (const end = Date.now() + 10_000; retired() === 0 && Date.now() < end; ) await sleep(5);
  await worker.kill();
  await asked;
  const done = retired();
  assert.ok(done > 0 && done < BACKLOG && done % BATCH === 0, `${done} of ${BACKLOG}`);
  assert.deepEqual(heads(), before);
  console.log(`killed after ${done} of ${BACKLOG}`);

  await worker.restart();
  // The Worker gives up on an object after 4 s; the object goes on, and the next call finds less to do.
  const head = await eventually("a head", async () => {
    const answer = await worker.client().get("/v1/list/1/head");
    return answer.status === 200 && parseHead(answer.bytes);
  }, 30_000);
  assert.equal(retired(), BACKLOG);
  const list = new State((await worker.client().get(statePath(1, head))).bytes);
  assert.equal(list.digest, head.digest);
  for (const { status_index } of worker.book("SELECT status_index FROM generation WHERE state = 'retired'")) assert.ok(list.isDead(status_index));
  const entries = worker.book("SELECT count(*) AS n, count(DISTINCT target) AS keys FROM audit WHERE action = 'key.retire'")[0];
  assert.deepEqual({ ...entries }, { n: BACKLOG, keys: BACKLOG });
  // Control: a key that had no deadline lives.
  assert.equal((await admin.verify((await admin.create({})).json.key)).json.decision, "allow");
});

/** Copies a key into thousands like it, all of which were to be retired a second ago. */
function overdue(path, keyId) {
  const database = new DatabaseSync(path);
  const columns = (table) => database.prepare("SELECT name FROM pragma_table_info(?)").all(table).map(({ name }) => name);
  const copy = (table, key, own) => {
    const names = columns(table);
    const values = names.map((name) => own[name] ?? `template.${name}`);
    database
      .prepare(
        `WITH RECURSIVE made(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM made WHERE n + 1 < ${BACKLOG})
         INSERT INTO ${table} (${names.join()}) SELECT ${values.join()} FROM made, ${table} AS template WHERE template.${key} = ?`,
      )
      .run(keyId);
  };
  const id = "printf('key_%016x', n)";
  const index = "n + (SELECT next_index FROM tenant)";
  database.exec("BEGIN");
  copy("key", "id", { id });
  copy("generation", "key_id", { key_id: id, status_index: index, state: "'retiring'", retire_at: `${Date.now() - 1_000}` });
  database.exec(`UPDATE tenant SET next_index = next_index + ${BACKLOG}`);
  database.exec("COMMIT");
  database.close();
}
