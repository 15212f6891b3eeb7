// Callers who want to keep others out, against the proxy on wasmtime.

import assert from "node:assert/strict";
import http from "node:http";
import net from "node:net";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { eventually } from "../harness/client.mjs";
import { Guard } from "../harness/guard.mjs";
import { RULED } from "../harness/policies.mjs";
import { Worker } from "../harness/worker.mjs";

describe("the proxy on wasmtime, among those who would keep others out", () => {
  let worker, guard, key, upstream, answering;

  before(async () => {
    worker = await Worker.start();
    const admin = await worker.administrator({ policy: RULED });
    const { credential } = await admin.deputy(["verifier:key-set", "verifier:verify"], ["api"]);
    key = (await admin.create({ scopes: ["reports:read"] })).json.key;
    answering = new Set();
    upstream = http.createServer((request, response) => {
      if (request.url !== "/endless") return void response.end("here");
      answering.add(response);
      response.on("close", () => answering.delete(response));
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on("drain", more);
      more();
    });
    await new Promise((done) => upstream.listen(0, "127.0.0.1", done));
    const options = ["--registry", worker.url, "--upstream", `http://127.0.0.1:${upstream.address().port}`, "--threads", "1", "--max-connections", "4"];
    guard = await Guard.start([...options, "--scope", "reports:read", "--upstream-timeout-s", "2"], credential);
    await eventually("a first list", async () => (await guard.bearer(key)).status === 200);
  });
  after(() => {
    upstream.closeAllConnections();
    upstream.close();
  });

  it("has room for a caller though others read nothing of their answers", async () => {
    const { port } = new URL(guard.url);
    const deaf = Array.from({ length: 4 }, () => {
      const socket = net.connect(Number(port), "127.0.0.1");
      socket.on("error", () => {}).pause();
      socket.write(`GET /endless HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${key}\r\n\r\n`);
      return socket;
    });
    await eventually("all of them have an answer", async () => answering.size === 4);
    await sleep(3_000);
    assert.equal(answering.size, 4, "nobody needs their places");
    const start = performance.now();
    assert.equal((await guard.bearer(key)).status, 200);
    assert.ok(performance.now() - start < 1_000);
    await eventually("one of them gave way", async () => answering.size === 3);
    for (const socket of deaf) socket.destroy();
    await guard.end();
  });
});
