// How many requests wait for a refresh of the list, by how many come to an isolate: real Workers, a real registry behind a
// service binding. `cargo xtask deep --only waits` runs it for long, and writes down what it found.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { apiWorkers } from "./harness/api_workers.mjs";
import { RULED } from "./harness/policies.mjs";
import { Chance } from "./harness/seed.mjs";
import { Worker } from "./harness/worker.mjs";

const SECONDS = Number(process.env.WARDKEY_WAITS_SECONDS ?? 14);
/** Requests a second and isolate, on average, that come one by one and know nothing of each other. */
const RATES = process.env.WARDKEY_WAITS_SECONDS === undefined ? [1, 20] : [0.1, 0.3, 1, 3, 10, 30];
const FRESH_FOR_MS = 5_000;
/** With what the registry and its caches take. */
const BOUND_MS = FRESH_FOR_MS + 3_000;

it("hardly any request waits for a refresh where many come, every one does where the list has grown old before it, and a revoked key dies in time", async () => {
  const chance = new Chance("waits");
  const worker = await Worker.start({ cache: true });
  const admin = await worker.administrator({ policy: RULED });
  const gateway = await admin.deputy(["verifier:key-set"], ["api"]);
  const { key, key_id } = (await admin.create({ scopes: ["reports:read"] })).json;
  const names = ["seldom", ...RATES.map((rate) => `rate-${rate}`)];
  await worker.restart({ beside: await apiWorkers(names, gateway.credential) });

  const end = Date.now() + 1_000 * SECONDS;
  // Past fresh-for each time: all but the first, which makes the verifier, find a list that is too old.
  const isolates = [isolate(worker, "seldom", key, () => FRESH_FOR_MS + 1_000, end)];
  for (const rate of RATES) isolates.push(isolate(worker, `rate-${rate}`, key, () => (-1_000 * Math.log(1 - chance.next())) / rate, end));
  const [seldom, ...rated] = await Promise.all(isolates);

  for (const { sent, status } of [seldom, ...rated]) assert.equal(status.verifications, sent, "every request was judged");
  assert.ok(seldom.sent >= 2);
  assert.equal(seldom.status.waits, seldom.sent - 1);
  const busiest = rated.at(-1);
  assert.ok(busiest.status.refreshes >= 2, "it kept its list fresh");
  assert.ok(busiest.status.waits / busiest.sent < seldom.status.waits / seldom.sent);

  const revoked = Date.now();
  await admin.revoke(key_id);
  const url = await worker.besideUrl(names.at(-1));
  while ((await fetch(url, { headers: { Authorization: `Bearer ${key}` } })).status === 200) {
    assert.ok(Date.now() - revoked < BOUND_MS, "still allowed");
    await sleep(20);
  }

  const found = rated.map(({ sent, status, waited }, place) => ({
    kind: `${RATES[place]} a second`, requests: sent, refreshes: status.refreshes, waited: status.waits,
    "waited, %": share(status.waits, sent), "wait, median ms": at(waited, 0.5), "wait, longest ms": at(waited, 1),
  }));
  console.table(found);
  if (process.env.WARDKEY_WAITS_RECORD) {
    writeFileSync(process.env.WARDKEY_WAITS_RECORD, JSON.stringify({ "fresh for, ms": FRESH_FOR_MS, "seconds of load": SECONDS, isolates: found }));
  }
});

/** Sends requests, each after the pause that it is told, until the end; answers what the isolate says of itself. */
async function isolate(worker, name, key, pause, end) {
  const url = await worker.besideUrl(name);
  const answers = [];
  const ask = async () => {
    const answer = await fetch(url, { headers: { Authorization: `Bearer ${key}` } });
    assert.equal(answer.status, 200, name);
    return (await answer.json()).waitedMs;
  };
  // Alone: it makes the verifier.
  answers.push(await ask());
  for (;;) {
    const ms = pause();
    if (Date.now() + ms > end) break;
    await sleep(ms);
    answers.push(ask());
  }
  const took = await Promise.all(answers);
  const status = await (await fetch(`${url}/status`)).json();
  const waited = took.sort((one, other) => other - one).slice(0, status.waits);
  return { sent: answers.length, waited, status };
}

const share = (part, whole) => Number(((100 * part) / whole).toFixed(2));
/** The value below which this part of them lies; null without any. */
const at = (values, part) => values.sort((one, other) => one - other)[Math.ceil(part * values.length) - 1] ?? null;
