// The list's state on its way: compressed for whoever takes that, whole for everybody, byte for byte what its digest says.

import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { before, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";

import { lines, raw } from "./harness/raw.mjs";
import { parseHead, State, statePath } from "./harness/revocation_list.mjs";
import { Worker } from "./harness/worker.mjs";

/** What design.md promises of a thousand dead of a million keys, in bytes. */
const PROMISED = 2_560;

/** A state of so many keys, some of them dead by chance. */
function stateOf(keys, dead) {
  const bytes = Buffer.alloc(9 + Math.ceil(keys / 8));
  bytes[0] = 1;
  bytes.writeUInt32BE(4096, 1);
  bytes.writeUInt32BE(keys, 5);
  const died = new Set([keys - 1]);
  while (died.size < dead) died.add(randomInt(keys));
  for (const bit of died) bytes[9 + (bit >> 3)] |= 1 << (bit & 7);
  return bytes;
}

describe("a list of a million keys, a thousand of them dead", () => {
  const state = stateOf(1_000_000, 1_000);
  const { digest } = new State(state);
  const path = statePath(1, { sequence: 7, digest });
  let worker;

  before(async () => {
    worker = await Worker.start();
    await worker.administrator();
    await (await worker.records()).put(`state/1/7-${digest}`, state);
  });

  const get = async (accepts, method = "GET") => {
    const answer = await raw(worker, lines(method, path, accepts === undefined ? {} : { "Accept-Encoding": accepts }));
    assert.equal(answer.status, 200, answer.text);
    // Whoever keeps it must keep both forms apart.
    assert.equal(answer.headers.vary, "Accept-Encoding");
    assert.equal(answer.headers["wardkey-state"], "kv");
    return answer;
  };

  it("is at most what was promised on the wire, for a caller who takes gzip", async () => {
    for (const accepts of ["gzip", "gzip, deflate, br, zstd", "br;q=1.0, gzip;q=0.8, *;q=0.1", "*", "identity;q=0, GZIP"]) {
      const answer = await get(accepts);
      assert.equal(answer.headers["content-encoding"], "gzip", accepts);
      assert.ok(answer.body.length <= PROMISED, `${answer.body.length} bytes`);
      assert.equal(Number(answer.headers["content-length"]), answer.body.length, accepts);
      const whole = gunzipSync(answer.body);
      assert.ok(whole.equals(state), accepts);
      assert.equal(new State(whole).digest, digest);
    }
    const { body } = await get("gzip");
    console.log(`${state.length} bytes are ${body.length} on the wire, behind the headers; promised ${PROMISED}`);
  });

  it("is plain and whole for a caller who does not", async () => {
    for (const accepts of [undefined, "", "identity", "br, zstd", "gzip;q=0", "gzip;q=0, *", "*;q=0", "gzip;q=0.5, identity"]) {
      const answer = await get(accepts);
      assert.equal(answer.headers["content-encoding"], undefined, accepts);
      assert.equal(Number(answer.headers["content-length"]), state.length, accepts);
      assert.ok(answer.body.equals(state), accepts);
    }
  });

  it("is read and compressed once, for all who take it compressed within a minute", async () => {
    const compressed = await get("gzip");
    // From now on only what the isolate has kept can answer: the registry has never had this state.
    await (await worker.records()).delete(`state/1/7-${digest}`);
    for (let n = 0; n < 3; n++) assert.ok((await get("gzip")).body.equals(compressed.body));
    const status = async (accepts, name = path) => (await raw(worker, lines("GET", name, { "Accept-Encoding": accepts }))).status;
    assert.equal(await status("identity"), 404);
    // Under its own name alone.
    assert.equal(await status("gzip", statePath(1, { sequence: 8, digest })), 404);
    assert.equal(await status("gzip", statePath(2, { sequence: 7, digest })), 404);
    await (await worker.records()).put(`state/1/7-${digest}`, state);
  });

  it("is asked about with HEAD in either form", async () => {
    assert.equal((await get("gzip", "HEAD")).headers["content-encoding"], "gzip");
    assert.equal((await get(undefined, "HEAD")).headers["content-encoding"], undefined);
  });
});

describe("a small list", () => {
  it("is plain for everybody, and so are heads and refusals", async () => {
    const worker = await Worker.start();
    await worker.administrator();
    const gzip = { headers: { "Accept-Encoding": "gzip" } };
    const head = await worker.client().get("/v1/list/1/head", gzip);
    const state = await worker.client().get(statePath(1, parseHead(head.bytes)), gzip);
    const none = await worker.client().get(statePath(1, { sequence: 1, digest: "0".repeat(64) }), gzip);
    assert.deepEqual([head, state, none].map(({ status }) => status), [200, 200, 404]);
    for (const { headers } of [head, state, none]) assert.equal(headers["content-encoding"], undefined);
    assert.equal(state.headers.vary, "Accept-Encoding");
    new State(state.bytes);
  });

  it("is given by the registry where there is no KV", async () => {
    const worker = await Worker.start({ without: ["RECORDS"] });
    await worker.administrator();
    const head = parseHead((await worker.client().get("/v1/list/1/head")).bytes);
    const state = await worker.client().get(statePath(1, head));
    assert.deepEqual([state.status, state.headers["wardkey-state"]], [200, "registry"]);
    assert.equal(new State(state.bytes).digest, head.digest);
  });
});
