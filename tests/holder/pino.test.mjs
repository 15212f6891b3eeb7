// pino itself, as an application logs by it: no key in a line, wherever it was put and whichever way the line goes.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import pino from "pino";

import { pinoRedact } from "../../crates/js/js/holder/index.mjs";
import { vectors } from "../harness/vectors.mjs";

const key = vectors("key")[0].case.key;
const LABEL = "example_test_[redacted key_0011223344556677]";
const options = { hooks: { streamWrite: pinoRedact } };

/** Logs a key in every way that pino has to put something into a line; gives how many lines that makes. */
function log(logger) {
  logger.info(key);
  logger.info("got %s and %j", key, { key });
  logger.warn({ key, deep: [{ headers: { authorization: `Bearer ${key}` } }] }, "in an object");
  logger.error(new Error(`refused: ${key}`, { cause: new Error(key) }));
  logger.error({ err: new Error(`refused\n${key}`) }, "in an error");
  logger.child({ key, [key]: true }).info("in a child's bindings");
  logger.info({ text: `"${key}"\n\t\\${key}`, encoded: Buffer.from(`user:${key}`).toString("base64") });
  logger.info("nothing to take away");
  return 8;
}

/** The lines as JSON, none of which shows the key; as many as there must be. */
function assertClean(text, count) {
  const lines = text.trimEnd().split("\n");
  assert.equal(lines.length, count);
  assert.ok(!text.includes(key.slice(20, 40)) && !text.includes(Buffer.from(key).toString("base64").slice(20, 40)), text);
  const read = lines.map((line) => JSON.parse(line));
  for (const { level, time } of read) assert.ok([30, 40, 50].includes(level) && Number.isInteger(time));
  assert.ok(read.slice(0, -1).every((line) => JSON.stringify(line).includes("[redacted")));
  assert.deepEqual([read[0].msg, read[2].key, read.at(-1).msg], [LABEL, LABEL, "nothing to take away"]);
}

describe("a line that pino writes", () => {
  let folder;
  before(() => (folder = mkdtempSync(join(tmpdir(), "wardkey-pino-"))));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("shows the key without us", () => {
    let text = "";
    log(pino({}, { write: (line) => (text += line) }));
    assert.ok(text.split(key).length > 8, "as a control");
  });

  it("shows none by the hook, to a stream or several", () => {
    for (const to of [(stream) => stream, (stream) => pino.multistream([{ stream }])]) {
      let text = "";
      const count = log(pino(options, to({ write: (line) => (text += line) })));
      assertClean(text, count);
    }
  });

  it("shows none by a destination, as older versions need", () => {
    let text = "";
    const count = log(pino({}, { write: (line) => (text += pinoRedact(line)) }));
    assertClean(text, count);
  });

  it("shows none in a file, nor to a transport in another thread", async () => {
    const path = join(folder, "sync.log");
    const lines = log(pino(options, pino.destination({ dest: path, sync: true })));
    assertClean(readFileSync(path, "utf8"), lines);
    const other = join(folder, "thread.log");
    const transport = pino.transport({ target: "pino/file", options: { destination: other } });
    const count = log(pino(options, transport));
    // Its thread keeps no process alive.
    const alive = setInterval(() => {}, 1_000);
    await new Promise((closed) => transport.once("close", closed).end());
    clearInterval(alive);
    assertClean(readFileSync(other, "utf8"), count);
  });

  it("says that it is not shown where it cannot be looked through", () => {
    let text = "";
    pino({ hooks: { streamWrite: (line) => pinoRedact(line, { brands: ["No brand"] }) } }, { write: (line) => (text += line) }).info(key);
    assert.deepEqual(JSON.parse(text), { level: 30, msg: "[not shown: it could not be redacted]" });
  });
});
