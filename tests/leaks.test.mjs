// Every suite ends with a search for its own secrets in all that its worker leaves or answers; here it is shown to find them.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { describe, it } from "node:test";

import { forms } from "./harness/canaries.mjs";
import { Client, eventually } from "./harness/client.mjs";
import { Secrets } from "./harness/leaks.mjs";
import { KeyText } from "./harness/key_text.mjs";
import { derived, unwrapped } from "./harness/tenant_secret.mjs";
import { bootstrapToken, Worker } from "./harness/worker.mjs";

/** What another tenant than the usual ones is called. */
const FAR_TENANT = 77;
const PLACES = { stdout: "in stdout", stderr: "in stderr", kv: "/kv/", sqlite: ".sqlite", answers: "in the answer to GET /planted" };

describe("the search at the end of every suite", () => {
  it("finds each kind of secret, in each form, in each place, and fails the suite for it", async () => {
    const worker = await Worker.start({ planter: true });
    const admin = await worker.administrator();
    const key = (await admin.create({})).json;
    // A restart in the middle of an alarm leaves what it had to write to the alarm that was armed first, a minute later.
    await worker.published();
    await worker.restart({ token: bootstrapToken({ tenant: FAR_TENANT }) });
    await worker.administrator();
    await worker.published();
    assert.deepEqual(worker.leaks(), []);

    const secrets = planted(worker, key);
    const far = unwrapped(Buffer.from(worker.book("SELECT wrapped_secret FROM tenant", { tenant: FAR_TENANT })[0].wrapped_secret), worker.root, FAR_TENANT);
    const all = { ...secrets, [`tenant secret ${FAR_TENANT}`]: far };
    const spelled = Object.entries(all).flatMap(([name, secret]) => spellings(secret).map(([form, text]) => [`${name}, ${form}, `, text]));
    const echo = await echoing(worker);
    for (const [place, path] of Object.entries(PLACES)) {
      // A key is in the answer to whoever makes it.
      const here = spelled.filter(([what]) => place !== "answers" || !what.startsWith("key "));
      for (const [, text] of here) await (place === "answers" ? echo.say(text) : worker.plant(place, `planted: ${text}!`));
      // What workerd and the databases get is there a little later.
      const missing = () => {
        const there = worker.leaks().filter((one) => one.includes(path));
        return here.filter(([what]) => !there.some((one) => one.startsWith(what))).map(([what]) => what);
      };
      await eventually(`all of them in ${place}`, () => missing().length === 0).catch(() => assert.deepEqual(missing(), [], place));
      console.log(`${here.length} planted in ${place}, and found`);
    }
    echo.end();
    await assert.rejects(worker.end(), /^Error: secrets where none may be: /);
  });

  it("takes little time for a thousand keys and ten megabytes, and finds nothing in noise", () => {
    const started = performance.now();
    const secrets = new Secrets();
    for (let n = 0; n < 1_000; n++) secrets.add(`key ${n}`, randomBytes(20).toString("base64url"), randomBytes(20));
    const added = performance.now();
    const noise = Buffer.concat([randomBytes(4_000_000), Buffer.from(JSON.stringify(Array.from(randomBytes(1_000_000)))), Buffer.from(randomBytes(1_000_000).toString("hex"))]);
    assert.deepEqual([...secrets.in(noise)], []);
    console.log(`a thousand keys in ${(added - started).toFixed()} ms, ${noise.length} bytes in ${(performance.now() - added).toFixed()} ms`);
    // Some 0.3 s on a machine that is not busy.
    assert.ok(performance.now() - started < 10_000);
  });
});

/** One of each kind, by the name that the search has for it. */
function planted(worker, { key, key_id }) {
  const [{ wrapped_secret }] = worker.book("SELECT wrapped_secret FROM tenant");
  const secret = unwrapped(Buffer.from(wrapped_secret), worker.root, 1);
  const version = Buffer.alloc(8);
  version.writeBigUInt64BE(BigInt(worker.book("SELECT record_version FROM key WHERE id = ?", { values: [key_id] })[0].record_version));
  return {
    "root 1": worker.root.slice(2),
    "token 2": worker.token.split("_").slice(3).join("_"),
    "tenant secret 1": secret,
    "signing key 1/1/1": derived(secret, 1, "signing-key", [1], [1]),
    "signing key 1/0/1": derived(secret, 1, "signing-key", [0], [1]),
    "list key 1/1": derived(secret, 1, "list-key", [1]),
    [`record key ${key_id}`]: derived(secret, 1, "record-key", Buffer.from(key_id.slice(4), "hex"), version),
    // The search calls keys by their order.
    "key 1": KeyText.parse(key).tag,
  };
}

/** A secret in each form, as a leak would have it: not the needle itself, but what holds it. Bytes as they are cannot be said. */
function spellings(secret) {
  const bytes = Buffer.from(secret);
  return Object.entries(forms(secret)).flatMap(([form, [spelling]]) => {
    const [, alphabet, offset] = /^(base64|base64url) at offset (\d)$/.exec(form) ?? [];
    if (form === "raw" && typeof secret !== "string") return [];
    return [[form, alphabet ? Buffer.concat([randomBytes(Number(offset)), bytes, randomBytes(2)]).toString(alphabet) : spelling.toString()]];
  });
}

/** A server that says what it is told, to a client of the worker's. */
async function echoing(worker) {
  let text;
  const server = createServer((_, response) => response.end(JSON.stringify({ planted: text })));
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  // A test that fails ends all the same.
  server.unref();
  const client = new Client({ url: `http://127.0.0.1:${server.address().port}`, exchanges: worker.exchanges });
  const say = (what) => {
    text = what;
    return client.get("/planted");
  };
  return { say, end: () => server.close() };
}
