// The reverse proxy on wasmtime between connections: long bodies, silence on either side, callers that only hold on or break off.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { eventually } from "../harness/client.mjs";
import { Guard, Upstream } from "../harness/guard.mjs";
import { endsWell, proxied } from "../harness/proxied.mjs";

describe("the proxy on wasmtime, between connections", () => {
  let worker, admin, gateway, upstream, key, guard;

  before(async () => {
    ({ worker, admin, gateway, upstream, key, guard } = await proxied());
  });
  after(() => upstream.close());

  it("streams what is long, both ways", async () => {
    const long = randomBytes(8 << 20);
    const { status, json } = await guard.bearer(key.key, "/", { method: "POST", body: long });
    assert.deepEqual([status, json.length], [200, long.length]);
    const { hostname, port } = new URL(guard.url);
    const request = http.request({ hostname, port, path: "/echo", method: "POST", headers: { Authorization: `Bearer ${key.key}` } });
    request.write("first");
    const response = await new Promise((answered) => request.on("response", answered));
    const [chunk] = await Promise.all([new Promise((read) => response.once("data", read))]);
    // The answer has begun before the question ends.
    assert.equal(chunk.toString(), "first");
    request.end("last");
    response.resume();
    await new Promise((ended) => response.on("end", ended));
  });

  it("says so when the upstream is away or silent", async () => {
    const gone = new Upstream();
    await gone.listen();
    const lonely = await Guard.start(["--registry", worker.url, "--upstream", gone.url, "--scope", "reports:read", "--upstream-timeout-s", "1"], gateway.credential);
    await eventually("a first list", async () => (await lonely.bearer(key.key)).status === 200);
    const { status, json } = await lonely.bearer(key.key, "/silence");
    assert.deepEqual([status, json.code], [504, "upstream_timeout"]);
    gone.close();
    const after = await lonely.bearer(key.key);
    assert.deepEqual([after.status, after.json.code], [502, "upstream_unreachable"]);
    await lonely.end();
  });

  it("lets a body take its time, and nobody be silent for long", async () => {
    const hasty = await Guard.start(["--registry", worker.url, "--upstream", upstream.url, "--scope", "reports:read", "--upstream-timeout-s", "1", "--log-decisions"], gateway.credential);
    await eventually("a first list", async () => (await hasty.bearer(key.key)).status === 200);
    const { hostname, port } = new URL(hasty.url);
    const upload = async (path, chunks, pause) => {
      const request = http.request({ hostname, port, path, method: "POST", agent: false, headers: { Authorization: `Bearer ${key.key}` } });
      const answered = new Promise((done, failed) => request.on("response", done).on("error", failed));
      request.flushHeaders();
      for (let sent = 0; sent < chunks; sent++) {
        request.write("x".repeat(100));
        await sleep(pause);
      }
      if (chunks < 5) {
        const response = await answered;
        response.on("error", () => {}).resume();
        return { status: response.statusCode };
      }
      request.end();
      const response = await answered;
      let text = "";
      for await (const chunk of response) text += chunk;
      return { status: response.statusCode, text };
    };
    const [slow, echoed, stopped] = await Promise.all([upload("/reports", 6, 400), upload("/echo", 6, 400), upload("/reports", 1, 0)]);
    assert.deepEqual([slow.status, JSON.parse(slow.text).length], [200, 600]);
    assert.deepEqual([echoed.status, echoed.text.length], [200, 600], "the answer's silence is the request's time");
    assert.equal(stopped.status, 408);
    const { status } = await hasty.bearer(key.key, "/silence");
    assert.equal(status, 504);
    // What is no body is the caller's fault, and no word on the service behind.
    const broken = await new Promise((answered) => {
      const socket = net.connect(port, hostname);
      let text = "";
      socket.on("data", (chunk) => (text += chunk)).on("close", () => answered(text));
      socket.write(`POST /reports HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${key.key}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`);
    });
    assert.match(broken, /^HTTP\/1.1 400 /);
    assert.doesNotMatch(hasty.said, /cannot be reached/);
    await hasty.end();
  });

  it("has room for a caller however many only hold connections", async () => {
    const narrow = await Guard.start(["--registry", worker.url, "--upstream", upstream.url, "--scope", "reports:read", "--threads", "2", "--max-connections", "8"], gateway.credential);
    await eventually("a first list", async () => (await narrow.bearer(key.key)).status === 200);
    const { hostname, port } = new URL(narrow.url);
    const closed = new Set();
    const silent = Array.from({ length: 40 }, (_, place) => net.connect(port, hostname).on("close", () => closed.add(place)).on("error", () => {}).resume());
    // Half of a request's headers are no request.
    for (const socket of silent.slice(20)) socket.write("GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ");
    await sleep(500);
    const answers = await Promise.all(Array.from({ length: 6 }, () => narrow.bearer(key.key)));
    assert.deepEqual(answers.map(({ status }) => status), Array(6).fill(200));
    assert.ok(closed.size >= 32 - 1, `${closed.size} of 40 gave way`);
    const long = http.request({ hostname, port, path: "/echo", method: "POST", agent: false, headers: { Authorization: `Bearer ${key.key}` } });
    const response = new Promise((done) => long.on("response", done));
    long.write("first");
    await response;
    const more = Array.from({ length: 40 }, () => net.connect(port, hostname).on("error", () => {}).resume());
    await sleep(500);
    long.end("last");
    let text = "";
    for await (const chunk of await response) text += chunk;
    assert.equal(text, "firstlast", "a call that is under way gives way to nobody");
    await sleep(5_500);
    assert.equal(more.filter((socket) => !socket.destroyed).length, 0, "a word within three seconds");
    await narrow.end();
  });

  it("grows by nothing under calls that are broken off while the registry is asked", async () => {
    const { key: purger } = (await admin.create({ scopes: ["reports:purge"] })).json;
    const { hostname, port } = new URL(guard.url);
    const resident = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${guard.pid}/status`, "utf8"))[1]);
    const broken = () => new Promise((done) => {
      const request = http.request({ hostname, port, path: "/", method: "DELETE", headers: { Authorization: `Bearer ${purger}` }, agent: false });
      request.on("error", done).on("response", (response) => (response.resume(), done()));
      request.end();
      setTimeout(() => request.destroy(), 2);
    });
    const round = async () => {
      for (let count = 0; count < 20; count++) await Promise.all(Array.from({ length: 20 }, broken));
      return resident();
    };
    await round();
    const first = await round();
    const last = await round();
    console.log(`${first} KiB, then ${last} KiB`);
    assert.ok(last < first + 4_096);
    await endsWell(guard, gateway, key);
  });
});
