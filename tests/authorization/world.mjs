// Two tenants of one deployment, everybody who could knock at them, and the things that stand in them.

import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";

import { standingIn } from "../harness/book.mjs";
import { eventually } from "../harness/client.mjs";
import { KeyText } from "../harness/key_text.mjs";
import { parseHead, statePath } from "../harness/revocation_list.mjs";
import { RULED } from "../harness/policies.mjs";
import { bootstrapToken, Worker } from "../harness/worker.mjs";
import { A, ABSENT_KEY, asked, B, NUMBERS, W } from "./cells.mjs";
import { canBeFor, REACH } from "./oracle.mjs";

/** Who asks: what it may do, and with what it shows that. */
export class Role {
  /** Rights by name, each with its audiences. */
  rights = {};
  tenant = 1;

  constructor(name, fields) {
    Object.assign(this, { name }, fields);
  }

  may(scope, audience) {
    return !this.dead && !this.narrowed && this.audiences(scope).includes(audience);
  }

  holdsSome(scope) {
    return this.audiences(scope).length > 0;
  }

  audiences(scope) {
    return this.rights[scope] ?? [];
  }

  /** The one audience that a right is held for. */
  only(scope) {
    const audiences = this.audiences(scope);
    return audiences.length === 1 ? audiences[0] : undefined;
  }
}

const SUBJECT_OF = { [A]: "a", [B]: "b", [W]: "wardkey" };
const ALL = Object.fromEntries(Object.keys(REACH).map((scope) => [scope, [W, A, B].filter((audience) => canBeFor(scope, audience))]));
const { "verifier:key-set": _, ...ALL_BUT_KEY_SETS } = ALL;

/** The sets of audiences that each right is bound to: one, the other, both, the administration. */
export const BINDINGS = Object.keys(REACH).flatMap((scope) => [[A], [B], [A, B], [W]].map((audiences) => ({ scope, audiences })));

export class World {
  roles = [];
  policy = RULED;
  /** Refusals to make a role at all: its right, audiences and the answer. */
  unmade = [];
  #standing = {};
  #revocations = {};
  #statePaths = {};
  #etags = {};
  #planned = new Set();
  #books = {};

  static async build() {
    const world = new World();
    // The limit is tried elsewhere; here all come from one address.
    world.worker = await Worker.start({ limit: 1_000_000, world: true });
    world.founders = { 1: await world.worker.administrator({ policy: RULED, subject: "ops:founder" }) };
    await world.worker.restart({ token: bootstrapToken({ tenant: 2 }) });
    world.founders[2] = await world.worker.administrator({ policy: RULED, subject: "ops:stranger" });
    for (const [tenant, founder] of Object.entries(world.founders)) {
      founder.keyId = world.keyOf(Number(tenant), "issuer IS NULL");
      for (const audience of [A, B, W]) await world.renew(Number(tenant), audience);
      await world.#stand(Number(tenant));
    }
    await world.#enter();
    for (const tenant of [1, 2]) world.#books[tenant] = world.worker.openBook({ tenant });
    return world;
  }

  keyOf(tenant, where) {
    return this.worker.book(`SELECT id FROM key WHERE ${where}`, { tenant })[0].id;
  }

  /** Everybody, in the order in which they knock: what an act of a later one kills, an earlier one needs. */
  async #enter() {
    const founder = this.founders[1];
    const ordinary = async (audience) => {
      const { key, key_id } = await this.make(1, audience);
      return new Role(`an ordinary key of ${audience}`, { ordinary: audience, credential: key, keyId: key_id, subject: `svc:of-${audience}` });
    };
    this.roles.push(await ordinary(A), await ordinary(B));
    this.roles.push(new Role("nobody", {}), new Role("garbage", { credential: "hunter2", unauthentic: true }));
    const text = KeyText.parse(founder.credential);
    this.roles.push(new Role("a forger", { credential: text.with({ tag: randomBytes(16) }).text, unauthentic: true }));

    // Made early: it has a minute, and knocks last.
    const expired = await this.#deputy("ops:expired", ALL_BUT_KEY_SETS, { expires_in: 60 });
    this.expiresAt = Date.now() + 61_000;

    for (const { scope, audiences } of BINDINGS) {
      const name = `${scope} for ${audiences.join(" and ")}`;
      const subject = `ops:${scope.replace(":", ".")}/${audiences.map((audience) => SUBJECT_OF[audience]).join("-")}`;
      const made = await founder.create({ subject, audience: W, scopes: [scope], for_audiences: audiences, expires_in: 7200 });
      if (made.status !== 201) this.unmade.push({ scope, audiences, answer: made });
      else this.roles.push(new Role(name, { rights: { [scope]: audiences }, credential: made.json.key, keyId: made.json.key_id, subject }));
    }
    const identity = (tenant, subject) => ({ rights: ALL, credential: this.founders[tenant].credential, keyId: this.founders[tenant].keyId, subject, tenant });
    this.roles.push(new Role("the founder", identity(1, "ops:founder")));
    this.roles.push(new Role("the founder's key, narrowed", { ...identity(1, "ops:founder"), credential: text.narrowed([1, 2, 0xff, 0x1f]).text, narrowed: true }));
    this.roles.push(new Role("the founder of the other tenant", identity(2, "ops:stranger")));
    for (const dead of ["revoked", "suspended", "retired"]) {
      const role = await this.#deputy(`ops:${dead}`, ALL_BUT_KEY_SETS);
      this.roles.push(new Role(`a ${dead} administrator`, { ...role, dead }));
      await this.kill(dead, role);
    }
    this.roles.push(new Role("an expired administrator", { ...expired, dead: "expired" }));
    // Seen once, so that being seen is no change later on.
    for (const role of this.roles) await this.client(role).get("/v1/audit");
  }

  client({ credential }) {
    return this.worker.client(credential);
  }

  async #deputy(subject, rights, request) {
    const { credential, keyId } = await this.founders[1].deputy(Object.keys(rights), [W, A, B], { subject, expires_in: 7200, ...request });
    return { rights, subject, credential, keyId };
  }

  /** Ends a key in one of the ways in which keys end. */
  async kill(how, { keyId }) {
    const founder = this.founders[1];
    const acts = { revoked: ["revoke"], suspended: ["suspend"], retired: ["rotate", "confirm"] }[how];
    for (const act of acts) {
      const answer = await founder.post(`/v1/keys/${keyId}/${act}`);
      if (answer.status >= 300) throw new Error(`${act}: ${answer.status} ${answer.text}`);
    }
  }

  /** A key of the same rights and standing, for an act that ends the one that it is done with. */
  async twin(role) {
    if (role.ordinary) return { ...role, ...named(await this.make(1, role.ordinary)) };
    const { founders } = this;
    if (role.keyId === founders[role.tenant].keyId) return { ...role, ...(await this.#deputy(role.subject, ALL_BUT_KEY_SETS)) };
    const [[scope, audiences]] = Object.entries(role.rights);
    const twin = role.dead
      ? await this.#deputy(role.subject, role.rights)
      : named((await founders[1].create({ subject: role.subject, audience: W, scopes: [scope], for_audiences: audiences, expires_in: 7200 })).json);
    if (role.dead) await this.kill(role.dead, twin);
    return { ...role, ...twin };
  }

  /** A fresh key of an audience. */
  async make(tenant, audience, request) {
    const made = await this.founders[tenant].create({ ...asked(audience), ...request });
    if (made.status !== 201) throw new Error(`create: ${made.status} ${made.text}`);
    return made.json;
  }

  /** Puts a living key of an audience where all ask for one. */
  async renew(tenant, audience) {
    this.#standing[`${tenant} ${audience}`] = await this.make(tenant, audience);
  }

  standing({ tenant, audience }) {
    return this.#standing[`${tenant} ${audience}`];
  }

  /** The id of the key that an act is tried on. */
  named(object) {
    return object.absent ? ABSENT_KEY : this.standing(object).key_id;
  }

  revocation({ tenant, audience }) {
    return this.#revocations[`${tenant} ${audience}`];
  }

  /** The other things that stand: revocations that reach nothing, a list's state, an issuer that has made a key. */
  async #stand(tenant) {
    const founder = this.founders[tenant];
    for (const audience of [A, B, W, undefined]) {
      const { json } = await founder.post("/v1/revocations", { select: { issued_until: { second: 1, ...(audience && { audience }) } } });
      this.#revocations[`${tenant} ${audience}`] = json.revocation_id;
    }
    this.issuer ??= {};
    this.issuer[tenant] = (await this.#maker(tenant)).keyId;
    await this.refresh(tenant);
  }

  async #maker(tenant) {
    const maker = await this.founders[tenant].deputy(["keys:create"], [A], { subject: "ops:maker" });
    await maker.create();
    return maker;
  }

  /** What a revocation selects, so that it has something to bite on. */
  async selected(tenant, audience) {
    await this.make(tenant, audience && audience !== W && NUMBERS[audience] ? audience : A, { subject: "svc:selected" });
    return { issuer: (await this.#maker(tenant)).keyId };
  }

  /** Looks anew at what names a present version. */
  async refresh(tenant) {
    const head = await this.worker.client().get(`/v1/list/${tenant}/head`);
    this.#statePaths[tenant] = statePath(tenant, parseHead(head.bytes));
    this.#etags[tenant] = (await this.founders[tenant].get("/v1/policy")).headers.etag;
  }

  statePath(tenant) {
    return this.#statePaths[tenant];
  }

  etag(tenant) {
    return this.#etags[tenant];
  }

  /** Whether the next signing key of an audience is planned. */
  isPlanned(tenant, audience) {
    return this.#planned.has(`${tenant} ${audience}`);
  }

  /** Takes note of an act that was done, and makes good what it ended. */
  async settle(role, cell) {
    const { tenant } = role;
    if (cell.kind === "signing keys") {
      if (cell.compromised) this.#planned.delete(`${tenant} ${cell.audience}`);
      else this.#planned.add(`${tenant} ${cell.audience}`);
    }
    if (cell.kind === "revocation") {
      await eventually("the revocation is done", () => !this.#books[tenant].prepare("SELECT 1 FROM revocation WHERE state <> 'done'").get(), 20_000);
    }
    if (cell.endsAudience) await this.renew(tenant, cell.endsAudience);
    await this.refresh(tenant);
  }

  isLastAdministrator({ tenant }) {
    return tenant === 2;
  }

  /** All that stands in a tenant's book, but for the log. */
  whole(tenant) {
    return standingIn(this.#books[tenant]);
  }

  /** What the log of a tenant has after an entry. */
  logged(tenant, after) {
    return this.#books[tenant].prepare("SELECT * FROM audit WHERE sequence > ? ORDER BY sequence").all(after);
  }

  lastLogged(tenant) {
    return this.#books[tenant].prepare("SELECT max(sequence) AS last FROM audit").get().last;
  }

  close() {
    for (const book of Object.values(this.#books)) book.close();
  }
}

const named = ({ key, key_id }) => ({ credential: key, keyId: key_id });

/** The tables in which two states of a book differ, with the rows that only one of them has. */
export function differences(before, after) {
  const changed = Object.keys({ ...before, ...after }).filter((table) => !isDeepStrictEqual(before[table], after[table]));
  return changed.map((table) => {
    const [old = [], now = []] = [before[table], after[table]];
    return { table, gone: old.filter((row) => !now.includes(row)), come: now.filter((row) => !old.includes(row)) };
  });
}
