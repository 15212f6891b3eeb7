// Who may do what to what, in which tenant: every role with every object on every route, one cell each.
//
// What must come out stands in authorization/oracle.mjs, from the documents; the routes in authorization/cells.mjs.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { CELLS, routesOf } from "./authorization/cells.mjs";
import { canBeFor, expected, REACH } from "./authorization/oracle.mjs";
import { BINDINGS, differences, World } from "./authorization/world.mjs";
import { MOST_REFUSALS, withheld } from "./harness/refusals.mjs";
import { together } from "./harness/together.mjs";

const source = (path) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
/** Fewer cells than this would mean that a part of the table is not asked any more. */
const LEAST_CELLS = 5_000;

describe("the authorization matrix", () => {
  let world;
  let cells = 0;
  const tally = {};
  /** Of each actor and action: refusals with an entry of their own, those without one, and how many the log says that these are. */
  const refusals = new Map();

  before(async () => {
    world = await World.build();
  });
  after(() => world.close());

  it("has a cell for every route of the Worker, and every right of the administration", () => {
    const routes = routesOf(source("worker/src/lib.rs"));
    // Positive control: the table was read.
    assert.ok(routes.length >= 27 && routes.includes("POST /v1/tenant/destroy") && routes.includes("* /v1/forward-auth/{tenant}/{audience}"), routes.join("\n"));
    assert.deepEqual([...new Set(CELLS.map(({ route }) => route))].sort(), routes);
    const rights = source("crates/provision/src/administration.rs").matchAll(/Self::\w+ => "([a-z-]+:[a-z-]+)"/g);
    assert.deepEqual([...rights].map(([, name]) => name).sort(), Object.keys(REACH).sort());
  });

  it("has no role that could not be: a right is only for audiences that it can be for, a key set for one", () => {
    const impossible = BINDINGS.filter(({ scope, audiences }) => !audiences.every((one) => canBeFor(scope, one)) || (scope === "verifier:key-set" && audiences.length > 1));
    assert.deepEqual(world.unmade.map(({ scope, audiences }) => ({ scope, audiences })), impossible);
    for (const { scope, audiences, answer } of world.unmade) {
      const wanted = scope === "verifier:key-set" && audiences.length > 1 ? [403, "key_set_one_audience"] : [400, "for_audiences"];
      assert.deepEqual([answer.status, answer.json.rule ?? answer.json.field], wanted, `${scope} for ${audiences}`);
    }
  });

  it("is answered as the documents say, cell by cell, and no refusal leaves anything but its entry", async () => {
    const wrong = [];
    for (const role of world.roles) {
      if (role.dead === "expired") await sleep(Math.max(0, world.expiresAt - Date.now()));
      // A refusal that did something after all may have ended what the others need: what was wrong before tells why.
      const found = await allCells(role).catch(({ message }) => [`could not go on: ${message}`]);
      wrong.push(...found.map((what) => `${role.name}: ${what}`));
      if (found.some((what) => what.startsWith("could not go on"))) break;
    }
    const outcomes = Object.entries(tally).sort().map(([outcome, count]) => `${outcome} ${count}`);
    console.log(`authorization: ${cells} cells, ${world.roles.length} roles × ${CELLS.length}: ${outcomes.join(", ")}`);
    assert.deepEqual(wrong, []);
    assert.equal(cells, world.roles.length * CELLS.length);
    assert.ok(cells >= LEAST_CELLS, `${cells} cells`);
  });

  it("is in the log as its readers see it, every denied act under its actor", async () => {
    // When the minute of the last ones is over, the log has told of all.
    await world.worker.world({ clock: { clockMs: 61_000 } });
    for (const tenant of [1, 2]) {
      const last = world.lastLogged(tenant);
      await world.founders[tenant].audit();
      for (const row of world.logged(tenant, last)) if (withheld(row)) refusalsOf(row.actor_key, row.action).told += withheld(row);
    }
    for (const [what, { own, without, told }] of refusals) {
      assert.equal(told, without, what);
      assert.ok(without === 0 || own >= MOST_REFUSALS, what);
    }
    const all = [...refusals.values()].reduce((sum, { own, without }) => sum + own + without, 0);
    assert.ok(all > 2_000, `${all} refusals`);
    const log = await world.founders[1].audit();
    assert.deepEqual(log.map(({ request_id }) => request_id), world.logged(1, 0).map(({ request_id }) => request_id));
    const entries = log.filter(({ outcome }) => outcome === "refused");
    console.log(`authorization: ${all} refusals, ${entries.length} entries of them`);
    assert.ok(entries.every(({ actor }) => actor.subject.startsWith("ops:") && actor.subject !== "ops:stranger"));
    const actors = new Set(entries.map(({ actor }) => actor.subject));
    const subjects = world.roles.filter((role) => role.tenant === 1 && Object.keys(role.rights).length === 1).map(({ subject }) => subject);
    assert.deepEqual(subjects.filter((subject) => !actors.has(subject)), []);
  });

  it("ends with the tenant itself, by whoever manages it", async () => {
    for (const name of ["tenant:manage for wardkey", "the founder of the other tenant"]) {
      const role = world.roles.find((role) => role.name === name);
      const answer = await world.client(role).post("/v1/tenant/destroy", { confirm: role.tenant });
      assert.deepEqual([answer.status, answer.json.tenant], [200, role.tenant], answer.text);
    }
    // From then on no role is told from any other.
    const [cell] = CELLS.filter(({ kind }) => kind === "audit");
    const answers = await together(world.roles.filter(({ credential }) => credential), (role) => send(role, cell));
    for (const { status, json } of answers) assert.deepEqual([status, json.code], [401, "invalid_token"]);
    assert.equal(new Set(answers.map(({ likeness }) => likeness)).size, 1);
  });

  /** Asks for everything as one role; answers what was wrong. */
  async function allCells(role) {
    const wrong = [];
    for (const tenant of [1, 2]) await world.refresh(tenant);
    const isStill = (cell) => !expected(role, cell, world).changes;
    const still = CELLS.filter(isStill);

    // What is to change nothing, at once: afterwards nothing has changed, and each has the entry that it should.
    const start = state();
    const wanted = still.map((cell) => expected(role, cell, world));
    const answers = await together(still, (cell) => send(role, cell));
    still.forEach((cell, at) => wrong.push(...compare(cell, wanted[at], answers[at])));
    wrong.push(...entries(role, still.map((cell, at) => ({ cell, entry: wanted[at].entry, answer: answers[at] })), start.logged));
    wrong.push(...unchanged(start, [1, 2]));
    wrong.push(...alike(role, still, answers));

    // What is to change something, one by one on something of its own.
    if (wrong.length > 0) return wrong;
    for (const cell of CELLS.filter((cell) => !isStill(cell))) wrong.push(...(await changing(role, cell)));
    return wrong;
  }

  async function changing(role, cell) {
    let actor = role;
    let target = cell.kind === "key" ? world.standing(cell.object) : undefined;
    if (cell.kind === "self") actor = await world.twin(role);
    if (cell.kind === "key") {
      target = await world.make(cell.object.tenant, cell.object.audience);
      await cell.prepare?.(world.founders[role.tenant], target);
    }
    if (cell.kind === "revocation") target = await world.selected(role.tenant, cell.audience);
    await world.refresh(role.tenant);
    const wanted = expected(role, cell, world);
    const start = state();
    const answer = await send(actor, cell, target);
    const wrong = compare(cell, wanted, answer);
    if (wanted.entry && cell.kind === "key") wanted.entry.target = target.key_id;
    wrong.push(...entries(actor, [{ cell, entry: wanted.entry, answer }], start.logged));
    wrong.push(...unchanged(start, [3 - role.tenant]));
    const changes = differences(start.books[role.tenant], world.whole(role.tenant));
    if (wanted.changes && changes.length === 0) wrong.push(`${cell.name}: nothing was done`);
    if (!wanted.changes && changes.length > 0) wrong.push(`${cell.name}: ${JSON.stringify(changes)}`);
    if (wanted.changes) await world.settle(role, cell);
    return wrong;
  }

  function send(role, cell, target = cell.object && !cell.object.absent ? world.standing(cell.object) ?? {} : {}) {
    const named = cell.object?.absent ? { key_id: world.named(cell.object) } : target;
    const [method, path, options] = cell.send(world, role, { issuer: world.issuer[role.tenant], ...named });
    return world.client(role).request(method, path, options);
  }

  function compare(cell, wanted, answer) {
    cells += 1;
    const isProblem = answer.headers["content-type"] === "application/problem+json";
    const { code, rule, field } = isProblem ? answer.json : {};
    const found = { status: answer.status, code, rule, field };
    const outcome = code ? `${answer.status} ${code}` : `${answer.status}`;
    tally[outcome] = (tally[outcome] ?? 0) + 1;
    const same = [wanted.status].flat().includes(found.status) && ["code", "rule", "field"].every((what) => found[what] === wanted[what]);
    if (!same) return [`${cell.name}: ${JSON.stringify(found)} and not ${wanted.status} ${wanted.code ?? ""} ${wanted.rule ?? wanted.field ?? ""}`];
    const challenge = answer.headers["www-authenticate"] ?? "";
    if (wanted.challenge && !challenge.includes(wanted.challenge)) return [`${cell.name}: challenged with ${challenge}`];
    if (wanted.status === 401 && !challenge.startsWith("Bearer realm=")) return [`${cell.name}: no challenge`];
    return wanted.shows && !wanted.shows(answer) ? [`${cell.name}: shows ${answer.text}`] : [];
  }

  /** Compares the log since with what it should have got, request by request. */
  function entries(role, done, since) {
    const wrong = [];
    for (const tenant of [1, 2]) {
      const rows = world.logged(tenant, since[tenant]);
      const take = (fits) => {
        const at = rows.findIndex(fits);
        return at === -1 ? undefined : rows.splice(at, 1)[0];
      };
      for (const { cell, entry, answer } of done.filter(({ entry }) => entry && tenant === role.tenant)) {
        const row = take(({ request_id, action }) => request_id === answer.requestId && action === cell.action);
        if (entry.outcome === "refused") {
          // One of very many has none.
          refusalsOf(role.keyId, cell.action)[row ? "own" : "without"] += 1;
          if (!row) continue;
        }
        const wanted = { ...entry, actor_subject: role.subject, actor_key: role.keyId };
        const differs = Object.entries(wanted).filter(([name, value]) => value !== undefined && (row?.[name] ?? null) !== value);
        if (differs.length > 0) wrong.push(`${cell.name}: logged as ${JSON.stringify(row)} and not ${JSON.stringify(wanted)}`);
        // A revocation has an entry for each key that it found, too.
        while (cell.selectsKeys && take(({ request_id, action, actor_key }) => request_id === answer.requestId && action === "key.revoke" && actor_key === role.keyId));
      }
      for (const row of rows.filter(withheld)) refusalsOf(row.actor_key, row.action).told += withheld(row);
      for (const row of rows.filter((row) => !withheld(row))) wrong.push(`nobody was to cause ${JSON.stringify(row)} in tenant ${tenant}`);
    }
    return wrong;
  }

  function refusalsOf(actor, action) {
    const name = `${actor} ${action}`;
    if (!refusals.has(name)) refusals.set(name, { own: 0, without: 0, told: 0 });
    return refusals.get(name);
  }

  function state() {
    return { books: { 1: world.whole(1), 2: world.whole(2) }, logged: { 1: world.lastLogged(1), 2: world.lastLogged(2) } };
  }

  function unchanged({ books }, tenants) {
    return tenants.flatMap((tenant) => differences(books[tenant], world.whole(tenant)).map((one) => `tenant ${tenant} has changed: ${JSON.stringify(one)}`));
  }

  /** What is another tenant's, what may not be seen and what is not there are refused in the same bytes. */
  function alike(role, still, answers) {
    const wrong = [];
    const groups = new Map();
    still.forEach((cell, at) => {
      const answer = answers[at];
      const isDenial = cell.kind === "verify" && answer.status === 200 && answer.json.decision === "deny";
      // A refused create says which audience it was for.
      if ((answer.status < 400 && !isDenial) || cell.kind === "create") return;
      const { code, rule, field } = isDenial ? { code: answer.json.reason } : answer.json;
      const group = [cell.route, answer.status, code, rule, field].join(" ");
      groups.set(group, [...(groups.get(group) ?? []), answer.likeness]);
      if (!cell.object || cell.object.absent || cell.object.tenant === role.tenant || cell.kind === "forward auth") return;
      const twin = still.findIndex((other) => other.route === cell.route && other.object?.absent && other.audience === cell.audience);
      if (twin !== -1 && answers[twin].likeness !== answer.likeness) wrong.push(`${cell.name}: another tenant's is told from what is not there`);
    });
    for (const [group, likenesses] of groups) if (new Set(likenesses).size > 1) wrong.push(`${group}: ${new Set(likenesses).size} kinds of answer`);
    return wrong;
  }
});
