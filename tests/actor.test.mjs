// The actor is who the credential says: nothing else in a request, whatever it is called, makes it somebody else.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, describe, it } from "node:test";

import { routesOf } from "./authorization/cells.mjs";
import { MOST_REFUSALS, withheld } from "./harness/refusals.mjs";
import { parseHead, statePath } from "./harness/revocation_list.mjs";
import { together } from "./harness/together.mjs";
import { RULED } from "./harness/policies.mjs";
import { usageReport } from "./harness/usage_report.mjs";
import { bootstrapToken, Worker } from "./harness/worker.mjs";

const TENANT = 1;
const FIELDS = ["subject", "sub", "actor", "user", "owner", "tenant", "on_behalf_of", "act", "key_id", "issuer", "as", "impersonate"];
const HEADERS = [
  "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Preferred-Username", "X-Remote-User", "Remote-User", "X-User", "X-User-Id", "X-Auth-Request-User",
  "X-Authenticated-Userid", "X-Consumer-Username", "X-Subject", "X-Actor", "X-Owner", "X-Tenant", "X-Tenant-Id", "X-Issuer", "X-Key-Id", "X-On-Behalf-Of",
  "X-Impersonate", "Impersonate-User", "X-MS-Client-Principal", "X-Amzn-Oidc-Identity", "Wardkey-Subject", "Wardkey-Key-Id", "Wardkey-Scopes", "Wardkey-Actor",
  "Wardkey-Tenant", "Wardkey-Issuer", "From", "Forwarded", "Cookie",
  ...FIELDS.map((field) => field.replaceAll("_", "-")),
];

/**
 * Every route with an act that is its own. `body`: a good one. `legal`: the fields of a body, or of a query, that mean
 * something else than the actor. `readsQuery`: whether an unknown parameter is refused. `open`: nobody acts.
 */
const ROUTES = [
  { route: "GET /healthz", open: true },
  { route: "GET /openapi.json", open: true },
  { route: "GET /v1/policy/schema", open: true },
  { route: "GET /v1/list/{tenant}/head", open: true, readsQuery: true },
  { route: "GET /v1/list/{tenant}/state/{name}", open: true, readsQuery: true },
  { route: "POST /v1/keys", body: { subject: "svc:made", audience: "api", scopes: ["reports:read"], expires_in: 600 }, legal: ["subject", "owner"] },
  { route: "GET /v1/keys", readsQuery: true, legalQuery: ["subject"] },
  { route: "GET /v1/keys/{id}" },
  { route: "GET /v1/keys/{id}/usage" },
  { route: "POST /v1/usage", body: () => usageReport([]) },
  { route: "PATCH /v1/keys/{id}", body: { name: "renamed" }, legal: ["owner"] },
  { route: "POST /v1/keys/{id}/rotate", body: {} },
  { route: "POST /v1/keys/{id}/confirm", body: {} },
  { route: "POST /v1/keys/{id}/suspend", body: {} },
  { route: "POST /v1/keys/{id}/resume", body: {} },
  { route: "POST /v1/keys/{id}/revoke", body: {} },
  { route: "POST /v1/revocations", body: { select: { subject: { subject: "svc:nobody", audience: "api" } } } },
  { route: "GET /v1/revocations/{id}" },
  { route: "POST /v1/verify", body: { scopes: ["reports:read"], audience: "api" } },
  { route: "GET /v1/key-set", readsQuery: true },
  { route: "POST /v1/signing-keys/{audience}/rotate", body: { compromised: true } },
  { route: "GET /v1/root/rewrap" },
  { route: "POST /v1/root/rewrap", body: {} },
  { route: "POST /v1/tenant/destroy", body: { confirm: TENANT } },
  { route: "GET /v1/policy", readsQuery: true },
  { route: "PUT /v1/policy", body: RULED, readsQuery: true },
  { route: "GET /v1/audit", readsQuery: true },
];
/** Routes with tests of their own below: whose actor is a token, the key that is shown, or nobody. */
const APART = ["POST /v1/bootstrap", "POST /v1/revoke-self", "* /v1/forward-auth/{tenant}/{audience}"];

describe("nothing but the credential says who acts", () => {
  let worker, founder, powerless, honest, made, revocation, state;

  before(async () => {
    worker = await Worker.start({ limit: 1_000_000, world: true });
    founder = await worker.administrator({ policy: RULED, subject: "ops:ada" });
    founder.keyId = worker.book("SELECT id FROM key")[0].id;
    powerless = await founder.deputy(["audit:read"], ["jobs"], { subject: "svc:powerless" });
    const rights = ["keys:create", "keys:read", "keys:revoke", "verifier:verify", "verifier:key-set", "keys:update", "keys:rotate", "keys:suspend", "signing-keys:rotate"];
    honest = await founder.deputy([...rights, "policy:read", "policy:write", "tenant:manage"], ["api", "wardkey"], { subject: "svc:honest" });
    made = (await founder.create({})).json;
    revocation = (await founder.post("/v1/revocations", { select: { issued_until: { second: 1, audience: "api" } } })).json.revocation_id;
    state = statePath(TENANT, parseHead((await founder.get(`/v1/list/${TENANT}/head`)).bytes));
  });

  /** What a field claims: the founder, who may do everything; or another tenant. */
  const claim = (field) => {
    if (/tenant/i.test(field)) return 2;
    if (/key.?id|issuer/i.test(field)) return founder.keyId;
    return field === "act" ? { sub: "ops:ada" } : "ops:ada";
  };
  const claimText = (name) => {
    if (name === "Forwarded") return "for=192.0.2.1;by=ops:ada";
    if (name === "Cookie") return "subject=ops:ada; actor=ops:ada";
    const value = claim(name);
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  };

  const request = (client, { route, body }, { keyId = made.key_id, key = made.key, field, place, headers = {}, audience = "api", etag = '"1"' } = {}) => {
    const [method, template] = route.split(" ");
    let path = template.replace("/keys/{id}", `/keys/${keyId}`).replace("/revocations/{id}", `/revocations/${revocation}`).replace("{audience}", audience);
    path = path.replace("/{tenant}/head", `/${TENANT}/head`).replace("/v1/list/{tenant}/state/{name}", state);
    if (place === "query") path += `?${field}=${encodeURIComponent(claimText(field))}`;
    let content = route === "POST /v1/verify" ? { ...body, key } : typeof body === "function" ? body() : body;
    // A GET takes no body: one that comes along is not looked at.
    if (place === "body") content = { ...content, [field]: claim(field) };
    const all = { ...(route === "PUT /v1/policy" && { "If-Match": etag }), ...headers };
    if (place === "header") all[field] = claimText(field);
    return client.request(method, path, { body: content, headers: all });
  };

  const claims = [...FIELDS.flatMap((field) => ["body", "query"].map((place) => ({ place, field }))), ...HEADERS.map((field) => ({ place: "header", field }))];
  /** The code of a refusal for what is not known there; undefined where the claim is taken for something else, or not looked at. */
  const refusalOf = ({ route, legal = [], readsQuery, legalQuery = [] }, { place, field }) => {
    if (place === "body" && !route.startsWith("GET") && !legal.includes(field)) return "invalid_body";
    if (place === "query" && readsQuery && !legalQuery.includes(field)) return "invalid_field";
    return undefined;
  };

  it("knows every route", () => {
    const routes = routesOf(readFileSync(new URL("../worker/src/lib.rs", import.meta.url), "utf8"));
    assert.deepEqual([...ROUTES.map(({ route }) => route), ...APART].sort(), routes);
  });

  it("whoever may not is refused under its own name, whatever it claims", async () => {
    // Seen once, so that being seen is no change later on.
    await powerless.get("/v1/audit");
    const [before, start] = [(await founder.audit()).length, worker.standingBook()];
    let asked = 0;
    const expected = new Map();
    for (const one of ROUTES) {
      const plain = await request(powerless, one);
      const isOwn = one.open || one.route === "GET /v1/audit";
      assert.equal(plain.status, isOwn ? 200 : 403, one.route);
      if (!isOwn) expected.set(plain.requestId, one.route);
      const answers = await together(claims, (claimed) => request(powerless, one, claimed));
      claims.forEach((claimed, at) => {
        const what = `${one.route} with ${claimed.field} in the ${claimed.place}`;
        const answer = answers[at];
        asked += 1;
        const code = refusalOf(one, claimed);
        if (code) {
          assert.deepEqual([answer.status, answer.json.code], [400, code], what);
          return;
        }
        // A head may be younger; an audit log has no entry of these, which are of another audience.
        if (one.route === "GET /v1/list/{tenant}/head") assert.equal(answer.status, 200, what);
        else assert.equal(answer.likeness, plain.likeness, what);
        if (!isOwn) expected.set(answer.requestId, one.route);
      });
    }
    // A minute later each is told: in an entry of its own, or in the number of those of its action that have none.
    await worker.world({ clock: { clockMs: 61_000 } });
    await founder.audit();
    const since = (await founder.audit()).slice(before);
    const actor = { subject: "svc:powerless", key_id: powerless.keyId };
    for (const entry of since) assert.deepEqual([entry.actor, entry.outcome], [actor, "refused"]);
    const [counts, entries] = [since.filter(withheld), since.filter((entry) => !withheld(entry))];
    for (const { reason, request_id } of entries) assert.ok(reason === "scope_missing" && expected.has(request_id), request_id);
    assert.equal(new Set(entries.map(({ request_id }) => request_id)).size, entries.length);
    assert.equal(entries.length + counts.reduce((sum, entry) => sum + withheld(entry), 0), expected.size);
    for (const { action } of counts) assert.ok(entries.filter((entry) => entry.action === action).length >= MOST_REFUSALS, action);
    assert.deepEqual(worker.standingBook(), start);
    console.log(`${asked} claims of who may not, ${expected.size} refusals in the log`);
    assert.ok(asked > 1_500);
  });

  it("whoever may does it under its own name, whatever it claims", async () => {
    const actor = { subject: "svc:honest", key_id: honest.keyId };
    const acts = ROUTES.filter(({ route, open }) => !open && !["GET /v1/audit", "POST /v1/tenant/destroy"].includes(route));
    const silent = ["GET /v1/keys", "GET /v1/keys/{id}", "GET /v1/keys/{id}/usage", "POST /v1/usage", "GET /v1/revocations/{id}", "POST /v1/verify", "GET /v1/root/rewrap", "GET /v1/policy"];
    const before = (await founder.audit()).length;
    const done = new Map();
    // The key that the others act on dies last.
    const isEnd = ({ route }) => /revoke$|signing-keys/.test(route);
    for (const one of [...acts.filter((one) => !isEnd(one)), ...acts.filter(isEnd)]) {
      const taken = claims.filter((claimed) => refusalOf(one, claimed) === undefined);
      const attempt = async (claimed) => {
        // Two generations live at most: each rotation has a key of its own.
        const own = one.route.endsWith("{id}/rotate") ? (await founder.create({})).json : made;
        const etag = one.route === "PUT /v1/policy" ? (await founder.get("/v1/policy")).headers.etag : undefined;
        const answer = await request(honest, one, { ...claimed, keyId: own.key_id, etag });
        const what = `${one.route} with ${claimed.field} in the ${claimed.place}`;
        assert.ok(answer.status < 300, `${what}: ${answer.status} ${answer.text}`);
        if (one.route === "POST /v1/keys") assert.equal(answer.json.issuer, honest.keyId, what);
        if (one.route === "POST /v1/verify") assert.deepEqual([answer.json.subject, answer.json.key_id], ["svc:billing", made.key_id], what);
        if (!silent.includes(one.route)) done.set(answer.requestId, what);
      };
      // Each version of the policy follows the one before.
      await together(taken, attempt, one.route === "PUT /v1/policy" ? { atOnce: 1 } : {});
    }
    const since = (await founder.audit()).slice(before).filter(({ request_id }) => done.has(request_id));
    assert.deepEqual(since.map(({ request_id }) => request_id).sort(), [...done.keys()].sort());
    for (const entry of since) {
      assert.deepEqual(entry.actor, actor, done.get(entry.request_id));
      assert.match(entry.outcome, /^(done|unchanged)$/, done.get(entry.request_id));
    }
    console.log(`${done.size} acts of who may, all under its own name`);
    assert.ok(done.size > 400);
  });

  it("whoever ends a key by showing it is that key's holder", async () => {
    const one = { route: "POST /v1/revoke-self", body: {} };
    const taken = claims.filter((claimed) => refusalOf(one, claimed) === undefined);
    const ended = await together(taken, async (claimed) => {
      const own = (await founder.create({ subject: "svc:found" })).json;
      const answer = await request(worker.client(own.key), one, claimed);
      assert.deepEqual([answer.status, answer.json.key_id], [200, own.key_id], `${claimed.field} in the ${claimed.place}`);
      return [answer.requestId, own.key_id];
    });
    for (const claimed of claims.filter((claimed) => refusalOf(one, claimed))) {
      const own = (await founder.create({ subject: "svc:kept" })).json;
      assert.equal((await request(worker.client(own.key), one, claimed)).status, 400);
    }
    const log = (await founder.audit()).filter(({ action }) => action === "key.revoke_self");
    const wanted = ended.map(([request_id, key_id]) => ({ request_id, target: key_id, actor: { subject: "svc:found", key_id } }));
    const byRequest = (a, b) => a.request_id.localeCompare(b.request_id);
    assert.deepEqual(log.map(({ request_id, target, actor }) => ({ request_id, target, actor })).sort(byRequest), wanted.sort(byRequest));
    // The founder, whom they all claimed to be, and the key of the same subject that nobody ended are alive.
    assert.equal((await founder.get("/v1/keys?subject=svc:kept")).json.keys.every(({ generations }) => generations[0].state === "pending"), true);
  });

  it("a proxy hands on whose key it was", async () => {
    const { key, key_id } = (await founder.create({ audience: "jobs", scopes: ["jobs:run"], subject: "svc:caller" })).json;
    const ask = (path, headers) => worker.client(key).get(`/v1/forward-auth/${TENANT}/jobs?scope=jobs:run${path}`, { headers });
    for (const field of HEADERS) {
      const answer = await ask("", { [field]: claimText(field) });
      assert.deepEqual([answer.status, answer.headers["wardkey-subject"], answer.headers["wardkey-key-id"]], [200, "svc:caller", key_id], field);
    }
    for (const field of FIELDS) assert.equal((await ask(`&${field}=${encodeURIComponent(claimText(field))}`)).json.code, "invalid_field", field);
  });

  it("a bootstrap makes whom its body names, in the tenant of its token, and nobody has acted", async () => {
    const token = bootstrapToken();
    await worker.restart({ token });
    const one = { route: "POST /v1/bootstrap", body: { subject: "ops:grace" }, legal: ["subject"] };
    for (const claimed of claims.filter((claimed) => refusalOf(one, claimed))) {
      assert.equal((await request(worker.client(token), one, claimed)).json.code, "invalid_body", claimed.field);
    }
    const query = FIELDS.map((field) => `${field}=${encodeURIComponent(claimText(field))}`).join("&");
    const headers = Object.fromEntries(HEADERS.map((field) => [field, claimText(field)]));
    const answer = await worker.client(token).post(`/v1/bootstrap?${query}`, one.body, { headers });
    assert.deepEqual([answer.status, answer.json.subject, answer.json.issuer], [201, "ops:grace", null], answer.text);
    const entry = (await founder.audit()).at(-1);
    assert.deepEqual([entry.action, entry.actor, entry.target], ["tenant.recover", null, answer.json.key_id]);
    assert.equal(worker.book("SELECT 1", { tenant: 2 }), undefined);
  });

  it("a tenant is ended by whoever may, whatever it claims, and by nobody else", async () => {
    const one = ROUTES.find(({ route }) => route === "POST /v1/tenant/destroy");
    const query = FIELDS.map((field) => `${field}=${encodeURIComponent(claimText(field))}`).join("&");
    const headers = Object.fromEntries(HEADERS.map((field) => [field, claimText(field)]));
    const destroy = (client) => client.post(`/v1/tenant/destroy?${query}`, one.body, { headers });
    assert.equal((await destroy(powerless)).status, 403);
    assert.equal((await founder.get("/v1/root/rewrap")).status, 200);
    const answer = await destroy(honest);
    assert.equal(answer.status, 200, answer.text);
    // No key of the tenant reads its log any more; its owner can.
    const rows = worker.book("SELECT actor_subject, actor_key, outcome FROM audit WHERE action = 'tenant.destroy' ORDER BY sequence");
    const named = rows.map(({ actor_subject, outcome }) => [actor_subject, outcome]);
    assert.deepEqual([named.at(-1), named.at(-2)], [["svc:honest", "done"], ["svc:powerless", "refused"]]);
  });
});
