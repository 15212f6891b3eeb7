// No key, token or root is on disk, in the log, or in any answer but the one that made it.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";

import { KeyText } from "./harness/key_text.mjs";
import { lines, raw } from "./harness/raw.mjs";
import { bootstrapToken, POLICY, Worker } from "./harness/worker.mjs";

/** Everything by which a secret of 16 bytes or more could be known again. */
function traces(secret) {
  const spellings = ["hex", "base64", "base64url"].map((encoding) => secret.toString(encoding).replace(/=+$/, ""));
  return [secret, ...spellings.map((text) => Buffer.from(text)), Buffer.from(secret.toString("hex").toUpperCase())];
}

function tracesOfKey(text) {
  const key = KeyText.parse(text);
  const hash = createHash("sha256").update(text).digest();
  // The last letters hold the tag, wherever the rest was cut off.
  const letters = [text, text.slice(key.prefix.length), text.slice(-27)];
  return [...letters.map((part) => Buffer.from(part)), key.payload, ...traces(key.tag), ...traces(hash)];
}

function tracesOfToken(token) {
  const [, , , chance] = token.split("_", 4);
  return [Buffer.from(token), ...traces(Buffer.from(token.slice(token.indexOf(chance)), "base64url"))];
}

for (const flavour of ["release", "faulty"]) {
  describe(`after the whole story, with the ${flavour} build`, () => {
    it("no secret is left anywhere", async () => {
      const marker = `marker-${randomBytes(12).toString("hex")}`;
      const { worker, made, tokens } = await story(flavour, marker);
      const secrets = new Map([["the root", traces(Buffer.from(worker.root.slice(2), "base64url"))]]);
      for (const token of tokens) secrets.set(token, tracesOfToken(token));
      for (const { key } of made) secrets.set(key, tracesOfKey(key));
      const found = [];
      const search = (where, bytes, allowed) => {
        for (const [secret, needles] of secrets) {
          if (secret !== allowed && needles.some((needle) => bytes.includes(needle))) found.push(`${secret.slice(0, 16)}… in ${where}`);
        }
      };
      // Positive control: what has been given away deliberately is found.
      search("a control", Buffer.from(`the answer was ${made[0].key}`));
      search("a control", Buffer.concat([randomBytes(100), Buffer.from(worker.root.slice(2), "base64url"), randomBytes(100)]));
      assert.equal(found.splice(0).length, 2);

      await worker.stop();
      const files = worker.files();
      let withMarker = 0;
      for (const file of files) {
        const bytes = readFileSync(file);
        search(file, bytes);
        if (bytes.includes(marker)) withMarker += 1;
      }
      assert.ok(withMarker > 0, "what is stored is not found: neither would a secret be");
      const log = Buffer.from(worker.log.join("\n"));
      search("the log", log);
      assert.match(log.toString(), /req_[0-9a-f]{32} internal: /, "the log is not the worker's");
      let answers = 0;
      for (const { method, path, answer } of worker.exchanges) {
        const key = /"key":"([^"]+)"/.exec(answer.text)?.[1] ?? (answer.headers["wardkey-key-id"] && answer.text);
        const isMade = made.some((one) => one.key === key && one.requestIds.has(answer.requestId));
        search(`${method} ${path.slice(0, 20)}`, Buffer.from(`${JSON.stringify(answer.headers)}\n${answer.text}`), isMade ? key : undefined);
        answers += 1;
      }
      console.log(`${flavour}: ${secrets.size} secrets, ${files.length} files, ${worker.log.length} lines of log, ${answers} answers: ${found.length} found`);
      assert.deepEqual(found, []);
      assert.ok(secrets.size > 8 && answers > 40);
    });
  });
}

/** All that can be done with a worker, right and wrong. */
async function story(flavour, marker) {
  const worker = await Worker.start({ flavour });
  const made = [];
  const keep = (answer) => {
    const key = answer.headers["content-type"].startsWith("text/plain") ? answer.text : answer.json.key;
    const known = made.find((one) => one.key === key);
    if (known) known.requestIds.add(answer.requestId);
    else made.push({ key, keyId: answer.headers["wardkey-key-id"] ?? answer.json.key_id, requestIds: new Set([answer.requestId]) });
    return answer;
  };
  const bootstrap = (body, headers) => worker.client(worker.token).post("/v1/bootstrap", body, { headers });
  const once = { "Idempotency-Key": "once" };
  const body = { subject: "ops:ada", policy: POLICY };
  await bootstrap(body, { ...once, "Wardkey-Plant-Fault": flavour === "faulty" ? "panic@30" : undefined });
  const first = keep(await bootstrap(body, once));
  // Given once or again, it is the same answer to the same request.
  const admin = worker.client(first.json.key);
  if (flavour === "release") made[0].requestIds.add(worker.exchanges[0].answer.requestId);
  await bootstrap({ subject: "ops:eve" });
  const tokens = [worker.token];

  const request = { subject: "svc:billing", audience: "api", scopes: ["reports:read", "reports:purge"], expires_in: 600 };
  keep(await admin.create({ ...request, name: marker }));
  keep(await admin.create(request, { idempotencyKey: "a" }));
  keep(await admin.create(request, { idempotencyKey: "a" }));
  keep(await admin.post("/v1/keys", request, { headers: { Accept: "text/plain" } }));
  for (const plant of ["error@3", "panic@3", "panic@8"]) {
    const answer = await admin.create(request, { plant });
    if (answer.status < 300) keep(answer);
  }
  keep(await admin.create({ ...request, audience: "wardkey", scopes: ["verifier:verify"], for_audiences: ["api"] }));
  const verifier = worker.client(made.at(-1).key);

  for (const { key, keyId } of made) {
    await verifier.verify(key);
    await verifier.verify(key, { strict: true });
    await verifier.verify(`${key}x`);
    await admin.read(keyId);
    await admin.get(`/v1/audit?key=${key}`);
    await admin.get(`/${key}`);
    await admin.create({ ...request, name: key });
    await admin.create({ ...request, [key]: 1 });
    await admin.create({ ...request, expires_in: key });
    await admin.create({ ...request, scopes: [key] });
    await worker.client(`${key}x`).get("/v1/audit");
    await raw(worker, lines("GET", "/v1/audit", { Authorization: [`Bearer ${key}`, `Bearer ${admin.credential}`] }));
    await raw(worker, lines("GET", `/v1/keys/${key}`, { "Idempotency-Key": key }));
  }
  await worker.client().get("/v1/list/1/head");
  await admin.revoke(made[1].keyId, { reason: "left on a train" });
  await admin.audit();

  await worker.kill();
  // Under another root nothing opens, and the operator is told so.
  const { root } = worker;
  worker.root = `1:${randomBytes(32).toString("base64url")}`;
  await worker.restart();
  assert.equal((await admin.get("/v1/audit")).status, 500);
  worker.root = root;
  tokens.push(bootstrapToken());
  await worker.restart({ token: tokens[1] });
  keep(await worker.client(tokens[1]).post("/v1/bootstrap", { subject: "ops:grace" }));
  assert.equal((await admin.get("/v1/audit")).status, 200);
  await worker.published();
  return { worker, made, tokens };
}
