// What a caller is told, from the documents alone: design.md's tables, the README's, and what each right can be for.

import { NUMBERS, W } from "./cells.mjs";

/** Which audiences a right can be for: any, those of the policy, or the tenant as a whole, written as `wardkey`. */
export const REACH = {
  "keys:create": "any",
  "keys:read": "any",
  "keys:revoke": "any",
  "audit:read": "any",
  "verifier:verify": "policy",
  "keys:update": "any",
  "keys:rotate": "any",
  "keys:suspend": "any",
  "verifier:key-set": "policy",
  "policy:read": "tenant",
  "policy:write": "tenant",
  "signing-keys:rotate": "any",
  "tenant:manage": "tenant",
};

/** Whether a right can be for an audience. */
export const canBeFor = (scope, audience) => REACH[scope] === "any" || (REACH[scope] === "tenant") === (audience === W);

const refused = (status, code, rest) => ({ status, code, ...rest });
const allowed = (rest) => ({ status: 200, ...rest });

/**
 * What one role is answered in one cell.
 *
 * `status`: the one, or those of which it is one. `entry`: what the log has of it, null for nothing; a target that is
 * undefined is the answer's own. `changes`: whether anything but the log is different afterwards. `shows`: whether a
 * good answer is the right one.
 */
export function expected(role, cell, world) {
  switch (cell.kind) {
    case "public":
      return cell.absent ? refused(404, "not_found") : allowed();
    case "bootstrap":
      return role.credential ? refused(401, "bootstrap_refused") : refused(401, "credential_missing");
    case "forward auth":
      return proxied(role, cell.object);
    case "self":
      return bySelf(role, cell, world);
    default:
      return byAnActor(role, cell, world);
  }
}

/** A proxy's caller shows a key of just that tenant and audience, or nothing that could be told from a wrong one. */
function proxied(role, { tenant, audience }) {
  if (!role.credential) return refused(401, "credential_missing");
  if (role.ordinary !== audience || role.tenant !== tenant) return refused(401, "invalid_token");
  return allowed({ shows: (answer) => answer.headers["wardkey-subject"] === role.subject && answer.headers["wardkey-key-id"] === role.keyId });
}

/** Whoever shows a living key ends it: of any audience, suspended or not, but not the last administrator, nor a narrowed one. */
function bySelf(role, cell, world) {
  if (!role.credential) return refused(401, "credential_missing");
  if (role.unauthentic) return refused(401, "invalid_token");
  if (role.dead && role.dead !== "suspended") return refused(401, role.dead);
  if (role.narrowed) return refused(403, "narrowed_key", { entry: denied(cell, "narrowed_key") });
  if (world.isLastAdministrator(role)) return refused(409, "last_admin");
  const entry = { action: cell.action, outcome: "done", audience: NUMBERS[role.ordinary ?? W], target: undefined };
  return allowed({ changes: true, entry, shows: ({ json }) => json.generations.at(-1).state === "revoked" });
}

function byAnActor(role, cell, world) {
  if (!role.credential) return refused(401, "credential_missing");
  // Keys of other audiences are no credentials here, whatever they are good for.
  if (role.unauthentic || role.ordinary) return refused(401, "invalid_token");
  if (role.dead) return refused(401, role.dead);
  const target = named(cell, world);
  if (role.narrowed) return refused(403, "narrowed_key", { entry: denied(cell, "narrowed_key", target) });
  if (!role.holdsSome(cell.needs)) {
    return refused(403, "scope_missing", { entry: denied(cell, "scope_missing", target), challenge: `scope="${cell.needs}"` });
  }
  return clauses[cell.kind](role, cell, world, target);
}

/** Each kind of act, for an actor who holds its right for some audience. */
const clauses = {
  key(role, cell, world, target) {
    const { object } = cell;
    if (object.absent || object.tenant !== role.tenant) return refused(404, "not_found");
    // A key that one may not see is as if it were not there; its owners read in the log who reached for it.
    if (!role.may(cell.needs, object.audience)) {
      return refused(404, "not_found", { entry: { ...denied(cell, "not_visible", target), audience: NUMBERS[object.audience] } });
    }
    // The next generation is granted like a new key: no more than its maker holds.
    if (cell.action === "key.rotate" && object.audience === W && !role.may("verifier:verify", "api")) {
      return byRule(cell, "subset_of_actor", target);
    }
    if (cell.route.startsWith("GET")) return allowed({ shows: ({ json }) => json.key_id === target });
    const status = cell.action === "key.rotate" ? 201 : 200;
    const entry = { action: cell.action, outcome: "done", audience: NUMBERS[object.audience], target: undefined };
    return { status, changes: true, entry, shows: ({ json }) => cell.done(json) };
  },

  create(role, cell) {
    if (NUMBERS[cell.audience] === undefined) return refused(400, "invalid_field", { field: "audience" });
    if (!role.may("keys:create", cell.audience)) return byRule(cell, "actor_scope");
    if (cell.audience === W && !role.may("verifier:verify", "api")) return byRule(cell, "subset_of_actor");
    const entry = { action: cell.action, outcome: "done", audience: NUMBERS[cell.audience], target: undefined };
    return { status: 201, changes: true, entry, shows: ({ json }) => json.issuer === role.keyId && json.audience === cell.audience };
  },

  list(role, cell) {
    const { audience } = cell;
    if (audience && !role.may("keys:read", audience)) return refused(400, "invalid_field", { field: "audience" });
    const readable = audience ? [audience] : role.audiences("keys:read");
    const shows = ({ json }) => readable.every((one) => json.keys.some((key) => key.audience === one)) && json.keys.every((key) => readable.includes(key.audience));
    return allowed({ shows });
  },

  revocation(role, cell) {
    // An audience that is not there is refused like one without the right, so that nobody learns which there are: but for
    // whoever may revoke the keys of all, from whom nothing is hidden.
    const reached = cell.audience ? [cell.audience] : Object.keys(NUMBERS);
    const all = Object.keys(NUMBERS).every((audience) => role.may("keys:revoke", audience));
    if (all && reached.some((audience) => NUMBERS[audience] === undefined)) return refused(400, "invalid_field", { field: cell.audienceField });
    if (!reached.every((audience) => role.may("keys:revoke", audience))) return byRule(cell, "every_audience");
    if (cell.endsAdministration) return refused(409, "last_admin");
    const entry = { action: cell.action, outcome: "done", audience: NUMBERS[cell.audience ?? W], target: undefined };
    // What the head names is dead with it; keys that are expanded one by one may not all be in it yet.
    const shows = ({ status, json }) => (status === 202) === (json.state === "expanding") && (!cell.selectsKeys || json.keys > 0);
    return { status: cell.selectsKeys ? [200, 202] : 200, changes: true, entry, shows };
  },

  progress(role, cell) {
    const { object } = cell;
    const reached = object.audience ? [object.audience] : Object.keys(NUMBERS);
    const visible = !object.absent && object.tenant === role.tenant && reached.every((audience) => role.may("keys:revoke", audience));
    return visible ? allowed() : refused(404, "not_found");
  },

  verify(role, cell) {
    const audience = cell.audience ?? role.only("verifier:verify");
    if (audience === undefined) return refused(400, "invalid_field", { field: "audience" });
    if (!role.may("verifier:verify", audience)) return byRule(cell, "verifier_audience");
    const { object } = cell;
    const isGood = !object.absent && object.tenant === role.tenant && object.audience === audience;
    const bad = { decision: "deny", status: 401, reason: "invalid_token" };
    return allowed({ shows: ({ json }) => (isGood ? json.decision === "allow" : JSON.stringify(json) === JSON.stringify(bad)) });
  },

  "key set"(role, cell) {
    const only = role.only("verifier:key-set");
    if (only === undefined || (cell.audience && cell.audience !== only)) return byRule(cell, "key_set_audience");
    const entry = { action: cell.action, outcome: "done", audience: NUMBERS[only], target: undefined };
    return allowed({ entry, shows: ({ headers, bytes }) => headers["cache-control"] === "no-store" && bytes.length > 64 });
  },

  "usage report"(role, cell) {
    const only = role.only("verifier:key-set");
    if (only === undefined || (cell.audience && cell.audience !== only)) return byRule(cell, "key_set_audience");
    return allowed({ shows: ({ json }) => json.counted === 0 && json.repeated === false });
  },

  "signing keys"(role, cell, world) {
    if (!role.may("signing-keys:rotate", cell.audience)) return byRule(cell, "signing_keys_audience");
    if (cell.compromised && cell.audience === W) return refused(409, "last_admin");
    if (!cell.compromised && world.isPlanned(role.tenant, cell.audience)) return refused(409, "epoch_pending");
    const entry = { action: cell.action, outcome: "done", audience: NUMBERS[cell.audience], target: undefined };
    return allowed({ changes: true, entry, shows: ({ json }) => json.dead_epochs.length > 0 === cell.compromised });
  },

  tenant(role, cell) {
    if (cell.invalid) return refused(400, "invalid_field", { field: cell.invalid });
    const outcome = cell.outcome ?? (cell.changes && "done");
    const entry = outcome && { action: cell.action, outcome, audience: NUMBERS[W], target: undefined };
    return allowed({ changes: cell.changes, ...(entry && { entry }) });
  },

  audit(role) {
    const readable = role.audiences("audit:read").map((audience) => NUMBERS[audience]);
    const shows = ({ json }) => json.entries.length > 0 && json.entries.every(({ audience }) => readable.includes(audience));
    return allowed({ shows });
  },
};

/** The key that an act names stands in the log, whatever came of it. */
const named = (cell, world) => (cell.kind === "key" ? world.named(cell.object) : null);

const denied = (cell, reason, target = null) => ({ action: cell.action, outcome: "refused", reason, audience: NUMBERS[W], target });

const byRule = (cell, rule, target = null) => refused(403, "forbidden_by_rule", { rule, entry: denied(cell, rule, target) });
