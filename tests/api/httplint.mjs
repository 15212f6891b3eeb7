// httplint on what every route really answers, allowed and refused, and on an answer that is wrong on purpose.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { parseHead, statePath } from "../harness/revocation_list.mjs";
import { usageReport } from "../harness/usage_report.mjs";
import { DOCUMENT, end, run } from "./programs.mjs";
import { POLICY, tenant } from "./tenant.mjs";

/** What httplint tells and is no fault here. One that is never told is taken out of this list. */
const SWITCHED_OFF = {
  // It remarks on every 400, in whatever form. Ours say what is wrong.
  STATUS_BAD_REQUEST: "the status is meant",
  // Without the word, a shared cache may not give the list to those who send a credential that nobody asked them for.
  STORE_PUBLIC_UNNECESSARY: "the word is meant",
};

const messages = [];

function keep({ method, path, answer, at: came, conditions = {} }) {
  const headers = [];
  for (let at = 0; at < answer.rawHeaders.length; at += 2) headers.push([answer.rawHeaders[at], answer.rawHeaders[at + 1]]);
  const { status, bytes } = answer;
  messages.push({ method, url: `http://localhost${path}`, at: came / 1000, status, reason: "", asked: Object.entries(conditions), headers, body: bytes.toString("hex") });
}

const { worker, admin, caller, verifier, holder } = await tenant();
const stranger = worker.client();
const made = await admin.create({}, { idempotencyKey: "once" });
const id = made.json.key_id;
const key = made.json.key;
const first = worker.exchanges.length;

/** Sends a request with conditions, which its answer is judged by. */
async function conditional(client, method, path, body, conditions) {
  const answer = await client.request(method, path, { body, headers: conditions });
  worker.exchanges.at(-1).conditions = conditions;
  return answer;
}

const head = parseHead((await stranger.get("/v1/list/1/head")).bytes);
await stranger.get(statePath(1, head));

await stranger.get("/healthz");
await stranger.get("/openapi.json");
await stranger.get("/v1/policy/schema");
await stranger.request("HEAD", "/healthz");
await worker.client(worker.token).post("/v1/bootstrap", { subject: "ops:eve" });
await stranger.post("/v1/bootstrap", {});
await admin.create({}, { idempotencyKey: "once" });
await admin.create({ subject: "svc:other" }, { idempotencyKey: "once" });
await admin.post("/v1/keys", { subject: "svc:a", audience: "api", scopes: ["reports:read"], expires_in: 60 }, { headers: { Accept: "text/plain" } });
await admin.create({ colour: "red" });
await admin.create({ subject: "No" });
await admin.post("/v1/keys", "{", { headers: { "Content-Type": "text/plain" } });
await admin.post("/v1/keys", "x".repeat(70_000));
await verifier.create({});
await stranger.get("/v1/keys");
await admin.get("/v1/keys?limit=1");
await admin.request("HEAD", "/v1/keys");
await admin.request("DELETE", "/v1/keys");
await admin.get(`/v1/keys/${id}`);
await admin.get("/v1/keys/key_0011223344556677");
await admin.request("PATCH", `/v1/keys/${id}`, { body: { name: "a" } });
await admin.request("PATCH", `/v1/keys/${id}`, { body: { scopes: [] } });
for (const act of ["rotate", "rotate", "confirm", "suspend", "resume", "revoke", "rotate"]) await admin.post(`/v1/keys/${id}/${act}`);
await worker.client((await admin.create({})).json.key).post("/v1/revoke-self");
const begun = await admin.post("/v1/revocations", { select: { subject: { subject: "svc:nobody" } } });
await admin.post("/v1/revocations", { select: { everything: {} } });
await admin.get(`/v1/revocations/${begun.json.revocation_id}`);
await verifier.verify(caller.credential);
await verifier.verify(key);
for (const method of ["GET", "POST", "OPTIONS"]) await caller.request(method, "/v1/forward-auth/1/api?scope=reports:read");
await caller.get("/v1/forward-auth/1/api?scope=reports:export");
await stranger.get("/v1/forward-auth/1/api?scope=reports:read");
await caller.get("/v1/forward-auth/1/api");
await stranger.get("/v1/list/65535/head");
await stranger.get(statePath(1, { ...head, digest: "0".repeat(64) }));
const set = await holder.get("/v1/key-set?audience=api");
await conditional(holder, "GET", "/v1/key-set", undefined, { "If-None-Match": set.headers.etag });
await admin.get("/v1/key-set");
await holder.post("/v1/usage", usageReport([]));
await admin.post("/v1/usage", usageReport([]));
await admin.get(`/v1/keys/${id}/usage`);
await admin.post("/v1/signing-keys/jobs/rotate", { compromised: false });
await admin.post("/v1/signing-keys/jobs/rotate", { compromised: false });
await admin.post("/v1/signing-keys/jobs/rotate", { compromised: true });
await admin.get("/v1/root/rewrap");
await admin.post("/v1/root/rewrap");
const policy = await admin.get("/v1/policy");
const { etag } = policy.headers;
await conditional(admin, "PUT", "/v1/policy?dry_run=true", POLICY, { "If-Match": etag });
await admin.request("PUT", "/v1/policy", { body: POLICY });
await conditional(admin, "PUT", "/v1/policy", POLICY, { "If-Match": '"9"' });
await conditional(admin, "PUT", "/v1/policy", { ...POLICY, rotation: { overlap_s: 60 } }, { "If-Match": etag });
await admin.get("/v1/audit?limit=2");
await admin.get("/v1/audit?limit=0");
await stranger.get(`/v1/audit?key=${key}`);
await admin.get("/v1/nothing");
await admin.get("/v1/audit", { host: "wardkey.example" });
await admin.post("/v1/tenant/destroy", { confirm: 2 });
await admin.post("/v1/tenant/destroy", { confirm: 1 });
await stranger.get("/v1/list/1/head");
worker.exchanges.slice(first).forEach(keep);

// Two that take a worker of their own: one that is busy, and one that is not configured.
const busy = await tenant({ limit: 1 });
const second = busy.worker.exchanges.length;
for (let times = 0; times < 3; times++) await busy.worker.client().get("/v1/list/1/head");
await busy.worker.restart({ bindings: { WARDKEY_ROOT: undefined } });
await busy.worker.client().get("/healthz");
busy.worker.exchanges.slice(second).forEach(keep);

const findings = [];
const patterns = Object.keys(JSON.parse(readFileSync(DOCUMENT, "utf8")).paths).map((path) => [path, new RegExp(`^http://localhost${path.replace(/\{\w+\}/g, "[^/?]+").replaceAll(".", "\\.")}(\\?|$)`)]);
for (const [path, pattern] of patterns) if (!messages.some(({ url }) => pattern.test(url))) findings.push(`${path} was not asked`);
const failures = messages.filter(({ status, url }) => status >= 500 && !url.endsWith("/healthz"));
for (const { method, url, status } of failures) findings.push(`${method} ${new URL(url).pathname} answered ${status}`);

const wrong = { ...messages[0], headers: [["Content-Type", "application/json"], ["Cache-Control", "max-age=soon"], ["Date", "yesterday"], ["Content-Length", "1"]] };
const { status, said } = await run("python3", [join(import.meta.dirname, "messages.py")], { input: JSON.stringify([...messages, wrong]) });
if (status !== 0) throw new Error(`httplint ended with ${status}: ${said}`);
const told = JSON.parse(said);
const planted = told.pop();
if (planted.length < 2) findings.push(`control: of what is wrong on purpose httplint told ${JSON.stringify(planted)}`);
const seen = new Set();
told.forEach((notes, at) => {
  const { method, url, status } = messages[at];
  // Without the query, in which a key was sent to be refused.
  const what = `${method} ${new URL(url).pathname} ${status}`;
  for (const { code, level, summary } of notes) {
    if (code in SWITCHED_OFF) seen.add(code);
    else findings.push(`${what}: ${level} ${code}: ${summary}`);
  }
});
for (const code of Object.keys(SWITCHED_OFF)) if (!seen.has(code)) findings.push(`${code} is switched off and was never told`);
const statuses = new Set(messages.map(({ status }) => status));
await end("httplint", findings, `${messages.length} answers of ${patterns.length} routes with ${statuses.size} statuses, ${planted.length} planted mistakes seen`);
