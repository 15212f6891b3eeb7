// Every route with every object that it can be asked about: what is sent, which right it needs, what the log calls it.

import { usageReport } from "../harness/usage_report.mjs";

export const [A, B, W, NOWHERE] = ["api", "jobs", "wardkey", "nowhere"];
export const NUMBERS = { [W]: 0, [A]: 1, [B]: 2 };
/** A scope of each audience's catalog. */
export const SCOPE = { [A]: "reports:read", [B]: "jobs:run" };
export const ABSENT_KEY = "key_0011223344556677";
export const ABSENT_REVOCATION = "rev_0011223344556677";

/** Things by the tenant and the audience that they are of; without either there is no such thing. */
const KEYS = [
  { tenant: 1, audience: A },
  { tenant: 1, audience: B },
  { tenant: 1, audience: W },
  { tenant: 2, audience: A },
  { absent: true },
];
const REVOCATIONS = [...KEYS, { tenant: 1, audience: undefined }];

const called = ({ absent, tenant, audience }) => (absent ? "what is not there" : `${audience ?? "all audiences"} of tenant ${tenant}`);

/** A cell: `send` answers method, path and options of the client's request. */
const cell = (route, kind, name, rest) => ({ route, kind, name: `${route}, ${name}`, ...rest });

/** An act on a key. `prepare` brings a fresh one into the state that the act changes; `done` looks at the answer. */
const onKeys = (route, needs, action, { body, prepare, done } = {}) =>
  KEYS.map((object) =>
    cell(route, "key", called(object), {
      needs,
      action,
      object,
      prepare,
      done,
      send: (world, role, target) => [route.split(" ")[0], route.split(" ")[1].replace("{id}", target.key_id), { body }],
    }),
  );

const states = ({ generations }) => generations.map(({ state }) => state).join();

const keyActs = [
  ...onKeys("GET /v1/keys/{id}", "keys:read", "key.read"),
  ...onKeys("GET /v1/keys/{id}/usage", "keys:read", "usage.read"),
  ...onKeys("PATCH /v1/keys/{id}", "keys:update", "key.update", { body: { name: "another" }, done: ({ name }) => name === "another" }),
  ...onKeys("POST /v1/keys/{id}/rotate", "keys:rotate", "key.rotate", { done: ({ generations }) => generations.length === 2 }),
  ...onKeys("POST /v1/keys/{id}/confirm", "keys:rotate", "key.confirm", {
    prepare: (founder, { key_id }) => founder.post(`/v1/keys/${key_id}/rotate`),
    done: (key) => states(key) === "retired,active",
  }),
  ...onKeys("POST /v1/keys/{id}/suspend", "keys:suspend", "key.suspend", { done: ({ suspended }) => suspended }),
  ...onKeys("POST /v1/keys/{id}/resume", "keys:suspend", "key.resume", {
    prepare: (founder, { key_id }) => founder.post(`/v1/keys/${key_id}/suspend`),
    done: ({ suspended }) => !suspended,
  }),
  ...onKeys("POST /v1/keys/{id}/revoke", "keys:revoke", "key.revoke", { body: { reason: "matrix" }, done: (key) => states(key) === "revoked" }),
];

/** What a new key of an audience is asked for with. */
export const asked = (audience) => ({
  subject: `svc:of-${audience}`,
  audience,
  ...(audience === W ? { scopes: ["verifier:verify"], for_audiences: [A] } : { scopes: [SCOPE[audience] ?? "reports:read"] }),
  expires_in: 900,
});

const creates = [A, B, W, NOWHERE].map((audience) =>
  cell("POST /v1/keys", "create", audience, { needs: "keys:create", action: "key.create", audience, send: () => ["POST", "/v1/keys", { body: asked(audience) }] }),
);

const lists = [undefined, A, B, W, NOWHERE].map((audience) =>
  cell("GET /v1/keys", "list", audience ?? "whatever there is", {
    needs: "keys:read",
    action: "key.list",
    audience,
    send: () => ["GET", `/v1/keys?limit=200${audience ? `&audience=${audience}` : ""}`],
  }),
);

/** Selectors, each with the audience that it stays within; undefined for those that may reach any. */
const selectors = [
  ["a subject", undefined, () => ({ subject: { subject: "svc:selected" } })],
  ["an issuer", undefined, (target) => ({ issuer: { key_id: target.issuer } })],
  ["all issued until long ago", undefined, () => ({ issued_until: { second: 1 } })],
  ["everything", undefined, () => ({ everything: {} })],
  ...[A, B, NOWHERE].map((audience) => [`a subject in ${audience}`, audience, () => ({ subject: { subject: "svc:selected", audience } })]),
  ...[A, B, W, NOWHERE].map((audience) => [`audience ${audience}`, audience, () => ({ audience: { audience } })]),
  ...[A, B, W, NOWHERE].map((audience) => [`those of ${audience} issued until long ago`, audience, () => ({ issued_until: { second: 1, audience } })]),
];
const revocations = selectors.map(([name, audience, select]) =>
  cell("POST /v1/revocations", "revocation", name, {
    needs: "keys:revoke",
    action: "revocation.start",
    audience,
    audienceField: audience && `select.${name.startsWith("audience ") ? "audience" : name.startsWith("a subject") ? "subject" : "issued_until"}.audience`,
    // These would leave nobody who could make administrators, and are not forced.
    endsAdministration: name === "everything" || name === `audience ${W}`,
    endsAudience: name.startsWith("audience ") ? audience : undefined,
    selectsKeys: name.startsWith("a subject") || name === "an issuer",
    send: (world, role, target) => ["POST", "/v1/revocations", { body: { select: select(target), reason: "matrix" } }],
  }),
);
const progress = REVOCATIONS.map((object) =>
  cell("GET /v1/revocations/{id}", "progress", called(object), {
    needs: "keys:revoke",
    action: "revocation.read",
    object,
    send: (world) => ["GET", `/v1/revocations/${object.absent ? ABSENT_REVOCATION : world.revocation(object)}`],
  }),
);

/** Which keys are shown to a verifier of which audience; the audience may be left out. */
const shown = [
  [A, { tenant: 1, audience: A }],
  [A, { tenant: 1, audience: B }],
  [A, { tenant: 1, audience: W }],
  [A, { tenant: 2, audience: A }],
  [A, { absent: true }],
  [B, { tenant: 1, audience: B }],
  [B, { tenant: 1, audience: A }],
  [W, { tenant: 1, audience: W }],
  [NOWHERE, { tenant: 1, audience: A }],
  [undefined, { tenant: 1, audience: A }],
];
const verifications = shown.map(([audience, object]) =>
  cell("POST /v1/verify", "verify", `a key of ${called(object)} as of ${audience ?? "its only audience"}`, {
    needs: "verifier:verify",
    action: "verifier.admit",
    audience,
    object,
    send: (world, role) => {
      const scopes = [SCOPE[audience ?? role.only("verifier:verify")] ?? SCOPE[A]];
      return ["POST", "/v1/verify", { body: { key: object.absent ? "hunter2" : world.standing(object).key, scopes, ...(audience && { audience }) } }];
    },
  }),
);

const places = [[1, A], [1, B], [1, W], [1, NOWHERE], [2, A], [9, A]];
const proxied = places.map(([tenant, audience]) =>
  cell("* /v1/forward-auth/{tenant}/{audience}", "forward auth", `tenant ${tenant}, ${audience}`, {
    object: { tenant, audience },
    send: () => ["GET", `/v1/forward-auth/${tenant}/${audience}?scope=${SCOPE[audience] ?? SCOPE[A]}`],
  }),
);

const keySets = [undefined, A, B, W, NOWHERE].map((audience) =>
  cell("GET /v1/key-set", "key set", audience ?? "its only audience", {
    needs: "verifier:key-set",
    action: "key_set.read",
    audience,
    send: () => ["GET", `/v1/key-set${audience ? `?audience=${audience}` : ""}`],
  }),
);

/** Without entries, so that no report changes anything later on. */
const usageReports = [undefined, A, B, W, NOWHERE].map((audience) =>
  cell("POST /v1/usage", "usage report", audience ?? "its only audience", {
    needs: "verifier:key-set",
    action: "usage.report",
    audience,
    send: () => ["POST", "/v1/usage", { body: usageReport([], audience && { audience }) }],
  }),
);

const signingKeys = [A, B, W, NOWHERE].flatMap((audience) =>
  [false, true].map((compromised) =>
    cell("POST /v1/signing-keys/{audience}/rotate", "signing keys", `${audience}, ${compromised ? "compromised" : "planned"}`, {
      needs: "signing-keys:rotate",
      action: compromised ? "signing_key.compromise" : "signing_key.rotate",
      audience,
      compromised,
      endsAudience: compromised ? audience : undefined,
      send: () => ["POST", `/v1/signing-keys/${audience}/rotate`, { body: { compromised, reason: "matrix" } }],
    }),
  ),
);

/** What concerns the tenant as a whole. */
const ofTheTenant = [
  ["GET /v1/root/rewrap", "tenant:manage", "root.read", { send: () => ["GET", "/v1/root/rewrap"] }],
  ["POST /v1/root/rewrap", "tenant:manage", "root.rewrap", { outcome: "unchanged", send: () => ["POST", "/v1/root/rewrap"] }],
  ["POST /v1/tenant/destroy", "tenant:manage", "tenant.destroy", {
    // Who may destroy it names another tenant here, and does it when all else is done.
    invalid: "confirm",
    send: (world, role) => ["POST", "/v1/tenant/destroy", { body: { confirm: role.may("tenant:manage", W) ? 9 : role.tenant } }],
  }],
  ["GET /v1/policy", "policy:read", "policy.read", { send: () => ["GET", "/v1/policy"] }],
  ["PUT /v1/policy", "policy:write", "policy.replace", {
    changes: true,
    send: (world, role) => ["PUT", "/v1/policy", { body: world.policy, headers: { "If-Match": world.etag(role.tenant) } }],
  }],
  ["PUT /v1/policy", "policy:write", "policy.try", {
    trial: true,
    send: (world, role) => ["PUT", "/v1/policy?dry_run=true", { body: world.policy, headers: { "If-Match": world.etag(role.tenant) } }],
  }],
].map(([route, needs, action, rest]) => cell(route, "tenant", rest.trial ? "as a trial" : "the tenant's", { needs, action, ...rest }));

const audits = [cell("GET /v1/audit", "audit", "what may be read", { needs: "audit:read", action: "audit.read", send: () => ["GET", "/v1/audit?limit=200"] })];

const self = [cell("POST /v1/revoke-self", "self", "the credential itself", { action: "key.revoke_self", send: () => ["POST", "/v1/revoke-self"] })];

const bootstraps = [cell("POST /v1/bootstrap", "bootstrap", "an administrator", { send: () => ["POST", "/v1/bootstrap", { body: { subject: "ops:eve" } }] })];

const open = (route, name, path, rest) => cell(route, "public", name, { send: (world) => ["GET", typeof path === "string" ? path : path(world)], ...rest });
const publicly = [
  open("GET /healthz", "the deployment", "/healthz"),
  open("GET /openapi.json", "the description", "/openapi.json"),
  open("GET /v1/policy/schema", "the schema", "/v1/policy/schema"),
  ...[1, 2].map((tenant) => open("GET /v1/list/{tenant}/head", `tenant ${tenant}`, `/v1/list/${tenant}/head`)),
  open("GET /v1/list/{tenant}/head", "no tenant", "/v1/list/9/head", { absent: true }),
  open("GET /v1/list/{tenant}/state/{name}", "tenant 1", (world) => world.statePath(1)),
  open("GET /v1/list/{tenant}/state/{name}", "tenant 1's as tenant 2's", (world) => world.statePath(1).replace("/list/1/", "/list/2/"), { absent: true }),
];

export const CELLS = [
  ...publicly,
  ...bootstraps,
  ...creates,
  ...keyActs,
  ...lists,
  ...revocations,
  ...progress,
  ...verifications,
  ...proxied,
  ...keySets,
  ...usageReports,
  ...signingKeys,
  ...ofTheTenant,
  ...audits,
  ...self,
];

/** One cell of each act that asks for a credential of an actor or a holder. */
export const ACTS = CELLS.filter(({ action }, at) => action && CELLS.findIndex((other) => other.action === action) === at);

/** Tries an act as whoever may not do it, in a tenant 1 where one key stands; answers what came of it. */
export function attempt(client, { send }, { key, key_id }, policy) {
  const scene = { standing: () => ({ key, key_id }), revocation: () => ABSENT_REVOCATION, etag: () => '"1"', policy };
  const [method, path, options] = send(scene, { only: () => A, may: () => false, tenant: 1 }, { key_id, issuer: key_id });
  return client.request(method, path, options);
}

/** The routes of a route table in Rust, spelled as here: `GET /v1/keys/{id}`, and `*` for one of any method. */
export function routesOf(rust) {
  const table = rust.slice(rust.indexOf("routes! { call;"));
  const path = (segments) => `/${[...segments.matchAll(/"([^"]+)"|(\w+)/g)].map(([, fixed, name]) => fixed ?? `{${name}}`).join("/")}`;
  const routes = [];
  for (const [, segments, methods] of table.matchAll(/^    \[([^\]]*)\] (.+)$/gm)) {
    const named = [...methods.matchAll(/"([A-Z]+)" =>/g)].map(([, method]) => method);
    if (named.length === 0 && !methods.startsWith("ANY =>")) throw new Error(`a route of an unknown form: ${methods}`);
    for (const method of named.length ? named : ["*"]) routes.push(`${method} ${path(segments)}`);
  }
  return routes.sort();
}
