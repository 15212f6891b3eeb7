// No secret is in what workerd says, in any answer but the one that must hold it, in the log, or in any file of the
// state: raw, in base64 at any offset, hex, percent-encoded, JSON-escaped or as a list of numbers.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";

import { Canaries, forms, spoken } from "./harness/canaries.mjs";
import { parseKeySet } from "./harness/key_set.mjs";
import { KeyText } from "./harness/key_text.mjs";
import { lines, raw } from "./harness/raw.mjs";
import { derived, unwrapped } from "./harness/tenant_secret.mjs";
import { RULED } from "./harness/policies.mjs";
import { entryOf, usageReport } from "./harness/usage_report.mjs";
import { bootstrapToken, Worker } from "./harness/worker.mjs";

const CHANNELS = ["stdout", "stderr", "responses", "audit", "kv", "sqlite"];
const version = (number) => `${number}:${randomBytes(32).toString("base64url")}`;

describe("the search", () => {
  it("knows a secret in each form, wherever it stands in base64", () => {
    const secret = randomBytes(24);
    for (let before = 0; before < 3; before++) {
      for (let after = 0; after < 3; after++) {
        const around = Buffer.concat([randomBytes(before), secret, randomBytes(after)]);
        for (const encoding of ["base64", "base64url"]) {
          const [needle] = forms(secret)[`${encoding} at offset ${before}`];
          assert.ok(needle.length >= 30 && around.toString(encoding).includes(needle), `${encoding}, ${before} before, ${after} after`);
        }
      }
    }
    assert.ok(forms(secret)["JSON-escaped"].includes(JSON.stringify(secret.toString("latin1")).slice(1, -1)));
    assert.ok(forms("a b/c_d-e.f~g!").raw[0].equals(Buffer.from("a b/c_d-e.f~g!")));
    assert.ok(forms("a b/c_d-e.f~gh")["percent-encoded"].includes(encodeURIComponent("a b/c_d-e.f~gh")));
  });
});

for (const flavour of ["release", "faulty"]) {
  describe(`after everything that can be done, with the ${flavour} build`, () => {
    it("no secret is anywhere, and all that was planted is found in each place and each form", async () => {
      const story = await tell(flavour);
      const { worker, canaries } = story;
      const planted = await plant(story);
      const audit = await story.admin.audit();
      // What the API shows of the log is what stands in it; of the tenant that ended, the book alone shows it.
      const logs = [audit, ...[1, 2].map((tenant) => worker.book("SELECT * FROM audit", { tenant }))].map((entries) => spoken(JSON.stringify(entries)));
      const names = (await (await worker.records()).list()).keys.map(({ name }) => name);
      const values = await Promise.all(names.map(async (name) => [name, Buffer.from(await (await worker.records()).get(name, "arrayBuffer"))]));
      await worker.stop();

      const { stdout, stderr } = worker.said;
      const files = worker.files().map((path) => ({ source: path.slice(worker.state.length), bytes: readFileSync(path) }));
      const channels = {
        stdout: [{ source: "stdout", bytes: spoken(stdout.toString()) }, { source: "miniflare", bytes: spoken(worker.log.join("\n")) }],
        stderr: [{ source: "stderr", bytes: spoken(stderr.toString()) }],
        responses: worker.exchanges.map(({ method, path, answer }) => ({
          source: `${method} ${path.slice(0, 30)}`,
          bytes: Buffer.concat([Buffer.from(JSON.stringify(answer.headers)), Buffer.from("\n"), answer.bytes ?? Buffer.alloc(0), spoken(answer.text)]),
          may: story.mayHold(answer),
        })),
        audit: logs.map((bytes) => ({ source: "audit", bytes })),
        kv: [...values.map(([source, bytes]) => ({ source, bytes: Buffer.concat([Buffer.from(source), bytes]) })), ...files.filter(({ source }) => source.startsWith("/kv"))],
        sqlite: files,
      };
      const found = CHANNELS.flatMap((channel) => canaries.search(channels[channel]).map((one) => `${one.name}, ${one.form}, in ${one.source} of ${channel}`));
      assert.deepEqual([...new Set(found)], []);
      for (const channel of CHANNELS) {
        // Positive control: the same search, over the same bytes, for what was planted there.
        const control = new Canaries();
        control.add("planted", planted[channel]);
        const seen = new Set(control.search(channels[channel].map(({ source, bytes }) => ({ source, bytes }))).map(({ form }) => form));
        assert.deepEqual([...seen].sort(), Object.keys(forms("x".repeat(12))).sort(), `planted in ${channel}`);
      }
      const sizes = CHANNELS.map((channel) => `${channel} ${channels[channel].reduce((sum, { bytes }) => sum + bytes.length, 0)}`);
      console.log(`${flavour}: ${canaries.names.size} secrets as ${canaries.needles} needles, ${worker.exchanges.length} answers, ${story.faults} planted faults, ${files.length} files; bytes: ${sizes.join(", ")}`);
      for (const kind of ["root", "tenant secret", "token", "administration key", "key", "narrowed key", "signing key", "list key", "Idempotency-Key"]) {
        assert.ok([...canaries.names].some((name) => name.startsWith(`${kind} `)), `no ${kind} was looked for`);
      }
      assert.ok(worker.exchanges.length > 200 && story.faults >= (flavour === "faulty" ? 30 : 0));
      assert.match(worker.log.join("\n"), /req_[0-9a-f]{32} internal: /, "the log is not the worker's");
    });
  });
}

/** Puts a text of its own into each channel, in each form. */
async function plant({ worker, admin }) {
  const planted = Object.fromEntries(CHANNELS.map((channel) => [channel, `planted${randomBytes(6).toString("hex")}`]));
  for (const channel of CHANNELS) {
    const secret = Buffer.from(planted[channel]);
    for (const [form, [spelling]] of Object.entries(forms(secret))) {
      const [, alphabet, offset] = /^(base64|base64url) at offset (\d)$/.exec(form) ?? [];
      // Not the needle itself, but what holds it as a leak would.
      const text = alphabet ? Buffer.concat([randomBytes(Number(offset)), secret, randomBytes(2)]).toString(alphabet) : spelling.toString();
      if (channel === "responses") await admin.create({ meta: { planted: text } });
      else if (channel === "audit") await admin.post("/v1/revocations", { select: { issued_until: { second: 1 } }, reason: text });
      else await worker.plant(channel, text);
    }
  }
  return planted;
}

/** All that can be done with a worker, right and wrong, with a canary in each place where a secret is. */
async function tell(flavour) {
  const worker = await Worker.start({ flavour, planter: true, limit: 1_000_000 });
  const story = new Story(worker, flavour);
  await story.tenants();
  await story.lives();
  story.derive();
  await story.mistakes();
  await story.signingKeys();
  await story.roots();
  await story.ends();
  return story;
}

class Story {
  canaries = new Canaries();
  faults = 0;
  /** By request: the secrets that its answer may hold. */
  #given = new Map();
  #keys = [];

  constructor(worker, flavour) {
    Object.assign(this, { worker, flavour });
    this.#root(worker.root);
  }

  mayHold(answer) {
    return this.#given.get(answer.requestId);
  }

  #root(text) {
    const [number, secret] = text.split(":");
    this.canaries.add(`root ${number}`, secret, Buffer.from(secret, "base64url"));
    return text;
  }

  #token(text) {
    const [, secret] = text.match(/^wkboot_\d+_\d+_(.+)$/);
    this.canaries.add(`token ${this.canaries.names.size}`, secret, Buffer.from(secret, "base64url"));
    return text;
  }

  #keyName(text) {
    return `${text.startsWith("wkadmin") ? "administration key" : "key"} ${createHash("sha256").update(text).digest("hex").slice(0, 8)}`;
  }

  /** Takes the key out of an answer that made or repeats one. */
  keep(answer) {
    const text = answer.headers["content-type"]?.startsWith("text/plain") ? answer.text : answer.json.key;
    assert.ok(text, `${answer.status} ${answer.text}`);
    const name = this.#keyName(text);
    if (!this.canaries.names.has(name)) {
      const key = KeyText.parse(text);
      // Its last letters hold the tag, wherever the rest was cut off. Nor does a hash of it stand anywhere.
      this.canaries.add(name, text.slice(-27), key.tag, createHash("sha256").update(text).digest());
      this.#keys.push({ text, keyId: answer.headers["wardkey-key-id"] ?? answer.json.key_id });
    }
    this.#given.set(answer.requestId, new Set([name]));
    return text;
  }

  #narrowed(text, ...fields) {
    const narrowed = KeyText.parse(text).narrowed(...fields);
    this.canaries.add(`narrowed key ${this.canaries.names.size}`, narrowed.text.slice(-27), narrowed.tag);
    return narrowed.text;
  }

  #idempotencyKey() {
    const text = `once/${randomBytes(12).toString("hex")}`;
    this.canaries.add(`Idempotency-Key ${text.slice(5, 13)}`, text);
    return text;
  }

  /** An act under an Idempotency-Key, with faults before it where the build has them, and twice. */
  async act(client, method, path, body, { gives, headers } = {}) {
    const once = { ...headers, "Idempotency-Key": this.#idempotencyKey() };
    if (this.flavour === "faulty") {
      for (const plant of ["error@1", "panic@2", "error@5"]) {
        const answer = await client.request(method, path, { body, headers: { ...once, "Wardkey-Plant-Fault": plant } });
        if (answer.status === 500) this.faults += 1;
        else if (gives && answer.status < 300) this.keep(answer);
      }
    }
    const answers = [await client.request(method, path, { body, headers: once }), await client.request(method, path, { body, headers: once })];
    for (const answer of answers) {
      assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
      if (gives) this.keep(answer);
    }
    return answers[0];
  }

  async tenants() {
    const { worker } = this;
    const bootstrap = async (tenant, body) => {
      const answer = await this.act(worker.client(worker.token), "POST", "/v1/bootstrap", body, { gives: true });
      await worker.client(worker.token).post("/v1/bootstrap", { subject: "ops:eve" });
      return worker.client(this.keep(answer));
    };
    this.#token(worker.token);
    this.admin = await bootstrap(1, { subject: "ops:ada", policy: RULED });
    await worker.restart({ token: this.#token(bootstrapToken({ tenant: 2 })) });
    this.other = await bootstrap(2, { subject: "ops:two", policy: RULED });
  }

  /** The secrets of the tenants and what else is derived from them, by the root and the database. */
  derive() {
    this.secrets = {};
    for (const tenant of [1, 2]) {
      const wrapped = Buffer.from(this.worker.book("SELECT wrapped_secret FROM tenant", { tenant })[0].wrapped_secret);
      const secret = unwrapped(wrapped, this.worker.root, tenant);
      this.secrets[tenant] = secret;
      const key = (...path) => derived(secret, tenant, ...path);
      this.canaries.add(`tenant secret ${tenant}`, secret, key("signing-key", [0], [1]), key("request-digest"));
      for (const { id, record_version } of this.worker.book("SELECT id, record_version FROM key", { tenant })) {
        const version = Buffer.alloc(8);
        version.writeBigUInt64BE(BigInt(record_version));
        this.canaries.add(`record key ${id}`, key("record-key", Buffer.from(id.slice(4), "hex"), version));
      }
    }
  }

  /** Keys from their making to their end. */
  async lives() {
    const { worker, admin } = this;
    const request = { subject: "svc:billing", audience: "api", scopes: ["reports:read", "reports:purge"], expires_in: 600, name: "billing", meta: { ticket: "OPS-1" } };
    const make = async (more) => this.act(admin, "POST", "/v1/keys", { ...request, ...more }, { gives: true });
    const made = await make();
    const path = `/v1/keys/${made.json.key_id}`;
    this.keep(await admin.post("/v1/keys", request, { headers: { Accept: "text/plain" } }));
    this.verifier = worker.client(this.keep(await make({ subject: "svc:verifier", audience: "wardkey", scopes: ["verifier:verify"], for_audiences: ["api"] })));
    this.gateway = worker.client(this.keep(await make({ subject: "svc:gateway", audience: "wardkey", scopes: ["verifier:key-set"], for_audiences: ["api"] })));
    await this.act(admin, "PATCH", path, { owner: "team:data", tags: ["nightly"] });
    await this.gateway.post("/v1/usage", usageReport([entryOf(made.json), entryOf(made.json, { outcome: "expired" })]));
    await admin.get(`${path}/usage`);
    const rotated = await this.act(admin, "POST", `${path}/rotate`, { expires_in: 600 }, { gives: true });
    for (const act of ["confirm", "suspend", "resume"]) await this.act(admin, "POST", `${path}/${act}`, {});
    for (const key of [made.json.key, rotated.json.key]) await this.#use(key);
    await this.act(admin, "POST", `${path}/revoke`, { reason: "left on a train" });
    await this.act(admin, "POST", "/v1/revocations", { select: { subject: { subject: "svc:billing" } }, reason: "leaked" });
    const found = await make({ subject: "svc:found" });
    await worker.client(found.json.key).post("/v1/revoke-self", { reason: "found" }, { headers: { "Idempotency-Key": this.#idempotencyKey() } });
    const { headers, json } = await admin.get("/v1/policy");
    await this.act(admin, "PUT", "/v1/policy", json, { headers: { "If-Match": headers.etag } });
    for (const list of ["/v1/keys", "/v1/audit", path, "/v1/root/rewrap", "/v1/policy?version=1"]) await admin.get(list);
  }

  async #use(key) {
    const { worker, verifier } = this;
    const narrowed = this.#narrowed(key, [1, 1, 1]);
    for (const text of [key, narrowed]) {
      await verifier.verify(text);
      await verifier.verify(text, { strict: true });
      await worker.client(text).get("/v1/forward-auth/1/api?scope=reports:read");
      await worker.client(text).get("/v1/forward-auth/1/api?scope=reports:purge");
      await worker.client().get("/v1/forward-auth/1/api?scope=reports:read&header=X-API-Key", { headers: { "X-API-Key": text } });
      await worker.client(text).get("/v1/audit");
    }
  }

  /** Secrets where they do not belong. */
  async mistakes() {
    const { worker, admin, verifier } = this;
    const request = { subject: "svc:billing", audience: "api", scopes: ["reports:read"], expires_in: 600 };
    const whole = this.#narrowed(admin.credential, [1, 2, 0xff, 0x1f]);
    for (const [method, path, body] of [["GET", "/v1/audit"], ["POST", "/v1/keys", request], ["GET", "/v1/key-set"], ["POST", "/v1/revoke-self", {}], ["POST", "/v1/tenant/destroy", { confirm: 1 }]]) {
      await worker.client(whole).request(method, path, { body });
    }
    for (const { text, keyId } of this.#keys.slice(0, 6)) {
      for (const field of ["name", "owner", "subject", "audience", "expires_in", "scopes", "tags", "meta", "roles", "for_audiences"]) {
        await admin.create({ ...request, [field]: ["scopes", "tags", "roles", "for_audiences"].includes(field) ? [text] : field === "meta" ? { [text]: text } : text });
      }
      await admin.create({ ...request, [text]: 1 });
      await admin.request("PATCH", `/v1/keys/${keyId}`, { body: { owner: text } });
      await admin.request("PATCH", `/v1/keys/${keyId}`, { body: { [text]: text } });
      await admin.revoke(keyId.replace("key_", text), { reason: text });
      await admin.post("/v1/revocations", { select: { subject: { subject: text } }, reason: text });
      await admin.post("/v1/revocations", { select: { issuer: { key_id: text } } });
      await admin.post("/v1/revocations", { select: { [text]: {} } });
      await admin.post(`/v1/signing-keys/${text}/rotate`, { compromised: false, reason: text });
      await admin.post("/v1/signing-keys/api/rotate", { compromised: text });
      await admin.request("PUT", "/v1/policy", { body: { audiences: text }, headers: { "If-Match": text } });
      await admin.request("PUT", "/v1/policy", { body: { ...RULED, brand: text, [text]: 1 }, headers: { "If-Match": '"1"' } });
      await admin.get("/v1/key-set", { headers: { "If-None-Match": `"${text}"` } });
      await admin.post("/v1/tenant/destroy", { confirm: 1, reason: text, [text]: 1 });
      for (const field of ["report_id", "verifier", "audience", "period", text]) await this.gateway.post("/v1/usage", usageReport([], { [field]: text }));
      for (const field of ["key_id", "outcome", text]) await this.gateway.post("/v1/usage", usageReport([{ ...entryOf({ key: text, key_id: keyId }), [field]: text }]));
      await this.gateway.post("/v1/usage", usageReport([entryOf({ key: text, key_id: keyId }, { scopes: [text] })]));
      await admin.get(`/v1/keys/${text}/usage`);
      await admin.get(`/v1/audit?key=${text}`);
      await admin.get(`/v1/keys?after=${encodeURIComponent(text)}`);
      await admin.get(`/${text}`);
      await admin.create(request, { idempotencyKey: text });
      await verifier.verify(`${text}x`);
      await verifier.verify(text, { address: text });
      await verifier.verify(text, { scopes: [text], audience: text });
      await worker.client(text).post("/v1/bootstrap", { subject: text });
      await worker.client(`${text}x`).get("/v1/audit");
      await worker.client(text).get("/v1/forward-auth/1/api?scope=reports:read", { headers: { "X-Original-URI": `/?key=${text}` } });
      await worker.client(text).get(`/v1/forward-auth/1/${text}?scope=${text}`);
      await worker.client().post("/v1/keys", `{"key": "${text}`, { headers: { Authorization: `Basic ${Buffer.from(`key:${text}`).toString("base64")}` } });
      await raw(worker, lines("GET", "/v1/audit", { Authorization: [`Bearer ${text}`, `Bearer ${admin.credential}`] }));
      await raw(worker, lines("GET", `/v1/keys/${text}`, { Cookie: `key=${text}`, "X-Key": text }));
      await raw(worker, lines("POST", "/v1/keys", { Authorization: `Bearer ${admin.credential}`, "Content-Type": `application/${text}` }));
    }
    const token = worker.token;
    await admin.create({ ...request, name: token });
    await admin.get(`/v1/audit?token=${token}`);
    await worker.client(token).get("/v1/audit");
    await worker.client(`${token}x`).post("/v1/bootstrap", { subject: "ops:eve" });
  }

  /** Key sets before and after a compromise: the one answer that holds them. */
  async signingKeys() {
    const take = async () => {
      const answer = await this.gateway.get("/v1/key-set");
      assert.equal(answer.status, 200);
      const { listKey, signingKeys } = parseKeySet(answer.bytes);
      // What a stranger unwraps and derives is what the Worker does: so what is looked for is what could get out.
      assert.ok(derived(this.secrets[1], 1, "signing-key", [1], [signingKeys[0].epoch]).equals(signingKeys[0].key));
      const secrets = [["list key api", listKey], ...signingKeys.map(({ epoch, key }) => [`signing key ${epoch}`, key])];
      for (const [name, bytes] of secrets) if (!this.canaries.names.has(name)) this.canaries.add(name, bytes);
      this.#given.set(answer.requestId, new Set(secrets.map(([name]) => name)));
      await this.gateway.get("/v1/key-set", { headers: { "If-None-Match": answer.headers.etag } });
    };
    await take();
    await this.act(this.admin, "POST", "/v1/signing-keys/api/rotate", { compromised: false });
    await take();
    await this.act(this.admin, "POST", "/v1/signing-keys/api/rotate", { compromised: true, reason: "matrix" });
    await take();
    const again = await this.act(this.admin, "POST", "/v1/keys", { subject: "svc:after", audience: "api", scopes: ["reports:read"], expires_in: 600 }, { gives: true });
    await this.#use(again.json.key);
  }

  /** Roots: a second version beside the first, a wrong one, none. */
  async roots() {
    const { worker, admin } = this;
    const first = worker.root;
    const second = this.#root(version(2));
    worker.root = `${first},${second}`;
    await worker.restart();
    await this.act(admin, "POST", "/v1/root/rewrap", {});
    for (const wrong of [this.#root(version(3)), `${second},${first}`, second.slice(2)]) {
      worker.root = wrong;
      await worker.restart();
      for (const answer of [await admin.get("/v1/audit"), await worker.client().get("/healthz")]) assert.ok([200, 500].includes(answer.status));
    }
    worker.root = `${first},${second}`;
    await worker.kill();
    await worker.restart({ token: this.#token(bootstrapToken()) });
    this.keep(await worker.client(worker.token).post("/v1/bootstrap", { subject: "ops:grace" }));
    assert.equal((await admin.get("/v1/audit")).status, 200);
    await worker.published();
  }

  /** The other tenant ends. */
  async ends() {
    const { other, worker } = this;
    this.keep(await other.create({}));
    assert.equal((await other.post("/v1/tenant/destroy", { confirm: 2, reason: "no more" }, { headers: { "Idempotency-Key": this.#idempotencyKey() } })).status, 200);
    await other.get("/v1/audit");
    await worker.client(worker.token).post("/v1/bootstrap", { subject: "ops:eve" });
  }
}
