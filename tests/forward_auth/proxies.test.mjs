// Forward auth: what real proxies make of it on the configuration that the README shows.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { eventually } from "../harness/client.mjs";
import { bearer, CHALLENGE, PROXIES } from "../harness/forward_auth.mjs";
import { flipped, KeyText } from "../harness/key_text.mjs";
import { certificate, freePort, Proxy, Service } from "../harness/proxy.mjs";
import { POLICY } from "../harness/policies.mjs";
import { Worker } from "../harness/worker.mjs";

/** Servers that end with the file, whatever happens before. */
const servers = [];
after(() => servers.map((server) => (server.closeAllConnections(), server.close())));
async function listening(server) {
  servers.push(server);
  await new Promise((listens) => server.listen(0, "127.0.0.1", listens));
  return server.address().port;
}

for (const kind of PROXIES) {
  describe(`${kind}, as the README configures it`, () => {
    let worker, admin, service, proxy, made, key;

    before(async () => {
      worker = await Worker.start();
      const wide = Array.from({ length: 100 }, (_, number) => ({ number, name: `${"a-long-resource-name".repeat(2)}${number}:read` }));
      const policy = { audiences: [...POLICY.audiences, { number: 3, name: "wide", scopes: wide }] };
      admin = await worker.administrator({ policy });
      service = await Service.start();
      proxy = await Proxy.start(kind, { backend: worker.url, service });
      made = (await admin.create({ scopes: ["reports:read", "reports:write"] })).json;
      key = made.key;
    });

    /** What reached the service, which must be one request. */
    const reached = () => {
      const seen = service.seen();
      assert.equal(seen.length, 1);
      return seen[0];
    };
    const refused = (answer, status, code) => {
      assert.deepEqual([answer.status, answer.json.code], [status, code], `${answer.status} ${answer.text}`);
      assert.deepEqual(service.seen(), []);
      assert.equal(answer.headers["wardkey-subject"], undefined);
      assert.equal(answer.headers["cache-control"], "no-store");
    };
    const vouched = (request, { subject = "svc:billing", keyId = made.key_id } = {}) => {
      assert.deepEqual(request.values("wardkey-subject"), [subject]);
      assert.deepEqual(request.values("wardkey-key-id"), [keyId]);
      assert.deepEqual(request.values("authorization"), []);
      assert.ok(!JSON.stringify(request).includes(key.slice(8, 40)), "the key reached the service");
      // Under no spelling that a gateway interface (CGI, WSGI, PHP) takes for one of ours is there another.
      const alike = request.headers.filter(([name]) => /^wardkey[^a-z0-9]*(subject|key|scopes|expires|client)/i.test(name));
      assert.deepEqual(alike.map(([name]) => name.toLowerCase()).sort(), ["wardkey-expires-at", "wardkey-key-id", "wardkey-scopes", "wardkey-subject"]);
    };

    it("what is allowed reaches the service with subject and key id, and without the key", async () => {
      const answer = await proxy.request("GET", "/reports?x=1", [bearer(key), ["Accept", "text/plain"]]);
      assert.deepEqual([answer.status, answer.text], [200, "the service"]);
      const request = reached();
      vouched(request);
      assert.deepEqual([request.method, request.url], ["GET", "/reports?x=1"]);
      assert.deepEqual(request.values("wardkey-scopes"), ["reports:read reports:write"]);
      assert.deepEqual(request.values("wardkey-expires-at"), [String(made.generations[0].expires_at)]);
      assert.deepEqual(request.values("accept"), ["text/plain"]);
    });

    it("the caller's own headers of these names do not reach it, in no spelling and number", async () => {
      const names = ["Wardkey-Subject", "wardkey-subject", "WARDKEY-SUBJECT", "wardkey_subject", "Wardkey_Subject", "WARDKEY_SUBJECT", "wardkey-Key-Id", "wardkey_key_id", "wardkey_key-id",
        "wardkey.subject", "Wardkey-Scopes", "wardkey_scopes", "Wardkey-Expires-At", "Wardkey_Expires_At", "Wardkey-Client-Address", "wardkey_client_address"];
      for (const name of names) {
        await proxy.request("GET", "/", [bearer(key), [name, "ops:root"], [name, "ops:ada"]]);
        vouched(reached());
      }
      await proxy.request("GET", "/", [bearer(key), ...names.map((name) => [name, "ops:root"])]);
      const request = reached();
      vouched(request);
      assert.ok(!JSON.stringify(request).includes("ops:root"));
      // Nor does a request without a key become somebody by them.
      refused(await proxy.request("GET", "/", names.map((name) => [name, "ops:root"])), 401, "credential_missing");
      // A name that the caller has the proxy drop between hops is not dropped from what the proxy says.
      for (const more of [[], [["Upgrade", "websocket"]], [["Upgrade", "h2c"]]]) {
        const names = ["Wardkey-Subject", "Wardkey-Key-Id", "Wardkey-Scopes", "Authorization", "Wardkey-Client-Address", "X-Original-URI", "X-Forwarded-Uri"];
        await proxy.request("GET", "/", [bearer(key), ["Connection", names.join(", ")], ...more]);
        vouched(reached());
        refused(await proxy.request("GET", `/${key}`, [bearer(key), ["Connection", names.join(", ")], ...more]), 400, "invalid_request");
      }
    });

    it("the query, method and address that the caller names change nothing of what is asked", async () => {
      const { key: other } = (await admin.create({ scopes: ["reports:write"] })).json;
      for (const path of ["/?scope=reports:write", "/?scope=reports:write&match=any", "/&scope=reports:write&match=any", "/?header=X-Other&match=any", "//x/../?scope=reports:write", "/%3Fscope=reports:write"]) {
        refused(await proxy.request("GET", path, [bearer(other), ["X-Other", "x"]]), 403, "scope_missing");
      }
      const { key: far } = (await admin.create({ constraints: { networks: ["10.0.0.0/8"] } })).json;
      const claims = ["Wardkey-Client-Address", "wardkey_client_address", "X-Forwarded-For", "X-Real-IP", "CF-Connecting-IP", "Forwarded"];
      refused(await proxy.request("GET", "/", [bearer(far), ...claims.map((name) => [name, "10.1.2.3"])]), 403, "address_not_allowed");
      const { key: near, key_id: keyId } = (await admin.create({ constraints: { networks: ["127.0.0.0/8"] } })).json;
      await proxy.request("GET", "/", [bearer(near), ...claims.map((name) => [name, "10.1.2.3"])]);
      vouched(reached(), { keyId });
    });

    it("what is denied never reaches it, and its caller is told why", async () => {
      const without = await proxy.request("GET", "/");
      refused(without, 401, "credential_missing");
      assert.equal(without.headers["www-authenticate"], CHALLENGE);
      const text = KeyText.parse(key);
      for (const one of ["hunter2", text.with({ tag: flipped(text.tag) }).text]) {
        const answer = await proxy.request("GET", "/", [bearer(one)]);
        refused(answer, 401, "invalid_token");
        assert.equal(answer.headers["www-authenticate"], `${CHALLENGE}, error="invalid_token"`);
        assert.match(answer.headers["content-type"], /problem\+json/);
        assert.match(answer.headers["wardkey-request-id"], /^req_/);
      }
      const narrowed = await proxy.request("GET", "/", [bearer(text.narrowed([1, 1, 2]).text)]);
      refused(narrowed, 403, "narrowed");
      assert.equal(narrowed.headers["www-authenticate"], `${CHALLENGE}, error="insufficient_scope"`);
      refused(await proxy.request("GET", "/", [bearer(text.narrowed([4, 6, 4, 8, 10, 0, 0, 0]).text)]), 403, "address_not_allowed");
      refused(await proxy.request("GET", "/", [["Authorization", "Basic dTpw"]]), 401, "credential_missing");
    });

    it("two credentials, or one in the URL, are 400", async () => {
      const two = await proxy.request("GET", "/", [bearer(key), bearer(key)]);
      assert.equal(two.status, 400);
      const other = await proxy.request("GET", "/", [bearer("hunter2"), bearer(key)]);
      assert.equal(other.status, 400);
      assert.deepEqual(service.seen(), []);
      refused(await proxy.request("GET", "/", [bearer(key), ["X-API-Key", key]]), 400, "invalid_request");
      refused(await proxy.request("GET", "/", [bearer(`${key}, Bearer ${key}`)]), 400, "invalid_request");
      for (const path of [`/${key}`, `/x?key=${key}`, `/x?key=${key.replace("wk_", "wk%5f")}`]) {
        refused(await proxy.request("GET", path, [bearer(key)]), 400, "invalid_request");
      }
    });

    it("bodies pass whole, and only for those who are allowed", async () => {
      const body = randomBytes(1 << 20);
      const answer = await proxy.request("POST", "/upload", [bearer(key), ["Content-Type", "application/octet-stream"]], { body });
      assert.equal(answer.status, 200);
      const request = reached();
      vouched(request);
      assert.deepEqual([request.method, request.length], ["POST", 1 << 20]);
      const ways = [["Transfer-Encoding", "chunked"], ["Expect", "100-continue"], ["Range", "bytes=0-1"], ["If-None-Match", "*"], ["If-Modified-Since", new Date().toUTCString()]];
      for (const way of ways) {
        const chunked = way[0] === "Transfer-Encoding";
        const headers = [bearer(key), way, ...(chunked ? [] : [["Content-Length", "1000"]])];
        assert.equal((await proxy.request("POST", "/upload", headers, { chunks: randomBytes(1_000) })).status, 200, way[0]);
        const one = reached();
        vouched(one);
        assert.equal(one.length, 1_000, way[0]);
      }
      refused(await proxy.request("POST", "/upload", [bearer("hunter2")], { body: randomBytes(1_000) }), 401, "invalid_token");
    });

    it("every method passes and is asked about", async () => {
      for (const method of ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]) {
        const answer = await proxy.request(method, "/", [bearer(key)]);
        assert.deepEqual([answer.status, answer.text], [200, method === "HEAD" ? "" : "the service"]);
        const request = reached();
        vouched(request);
        assert.equal(request.method, method);
        assert.equal((await proxy.request(method, "/", [bearer("hunter2")])).status, 401);
        assert.deepEqual(service.seen(), []);
      }
    });

    it("a websocket is opened for who is allowed, and for nobody else", async () => {
      const upgrade = [["Connection", "Upgrade"], ["Upgrade", "websocket"], ["Sec-WebSocket-Version", "13"], ["Sec-WebSocket-Key", randomBytes(16).toString("base64")]];
      refused(await proxy.request("GET", "/socket", [bearer("hunter2"), ...upgrade]), 401, "invalid_token");
      const { hostname, port } = new URL(proxy.url);
      const said = await new Promise((resolve, reject) => {
        const headers = [["Host", "api.example.com"], bearer(key), ["Wardkey-Subject", "ops:root"], ...upgrade].flat();
        const request = http.request({ hostname, port, path: "/socket", headers, agent: false });
        request.on("upgrade", (response, socket, head) => {
          let text = head.toString();
          socket.on("data", (chunk) => (text += chunk));
          socket.on("end", () => resolve([response.statusCode, text]));
        });
        request.on("response", (response) => reject(new Error(`answered ${response.statusCode}`)));
        request.on("error", reject);
        request.end();
      });
      assert.deepEqual(said, [101, "hello"]);
      const request = reached();
      vouched(request);
      assert.deepEqual(request.values("upgrade").map((value) => value.toLowerCase()), ["websocket"]);
    });

    it("each request of one connection is judged for itself", async () => {
      const other = (await admin.create({ subject: "svc:other" })).json;
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      let reused = 0;
      for (let n = 0; n < 5; n++) {
        for (const [one, subject, keyId] of [[key, "svc:billing", made.key_id], [other.key, "svc:other", other.key_id]]) {
          const answer = await proxy.request("GET", "/", [bearer(one)], { agent });
          assert.equal(answer.status, 200);
          vouched(reached(), { subject, keyId });
          reused += answer.reused;
          const without = await proxy.request("GET", "/", [["Wardkey-Subject", "svc:billing"]], { agent });
          refused(without, 401, "credential_missing");
          reused += without.reused;
        }
      }
      assert.ok(reused >= 15, `${reused} of 20 requests came on a connection that was there`);
      agent.destroy();
    });

    it("what the service itself refuses or fails with is passed on as it is", async () => {
      for (const status of [400, 401, 403, 404, 429, 500, 503]) {
        service.status = status;
        const answer = await proxy.request("GET", "/", [bearer(key)]);
        assert.deepEqual([answer.status, answer.text], [status, "the service"]);
        reached();
      }
      service.status = 200;
    });

    it("the key may stand in another header, which then ends at the proxy", async () => {
      const [shown, here] = kind === "nginx" ? ['proxy_set_header Authorization          "";', 'proxy_set_header X-API-Key "";'] : ["request_header -Authorization", "request_header -X-API-Key"];
      const changes = { "scope=reports:read": "scope=reports:read&header=X-API-Key", [shown]: here };
      const other = await Proxy.start(kind, { backend: worker.url, service, changes });
      assert.equal((await other.request("GET", "/", [["x-api-key", key], ["Authorization", "Basic dTpw"]])).status, 200);
      const request = reached();
      assert.deepEqual([request.values("x-api-key"), request.values("wardkey-subject"), request.values("authorization")], [[], ["svc:billing"], ["Basic dTpw"]]);
      refused(await other.request("GET", "/", [bearer(key)]), 400, "invalid_request");
      refused(await other.request("GET", "/", [["X-API-Key", key], ["x-api-key", key]]), 400, "invalid_request");
      refused(await other.request("GET", "/"), 401, "credential_missing");
    });

    it("a key of very many scopes passes", async () => {
      const audience = { "1/api?scope=reports:read": "1/wide?scope=a-long-resource-namea-long-resource-name0:read" };
      const wide = await Proxy.start(kind, { backend: worker.url, service, changes: audience });
      const scopes = Array.from({ length: 100 }, (_, number) => `${"a-long-resource-name".repeat(2)}${number}:read`);
      const { key: all } = (await admin.create({ audience: "wide", scopes })).json;
      assert.equal((await wide.request("GET", "/", [bearer(all)])).status, 200);
      assert.equal(reached().values("wardkey-scopes")[0].split(" ").length, 100);
    });

    it("where it cannot reach the Worker, nothing passes", async () => {
      const nowhere = await Proxy.start(kind, { backend: `http://127.0.0.1:${await freePort()}`, service });
      const answer = await nowhere.request("GET", "/", [bearer(key)]);
      assert.ok([502, 503].includes(answer.status), String(answer.status));
      assert.deepEqual(service.seen(), []);
    });

    it("whatever stands in the Worker's place and is no 2xx, nothing passes", async () => {
      const impostor = http.createServer((_, response) => {
        if (impostor.status === "hang") return;
        if (impostor.status === "garbage") return response.socket.end("what?\r\n\r\n");
        response.writeHead(impostor.status, { "Wardkey-Subject": "svc:billing", Location: "http://127.0.0.1:1/" });
        response.end();
      });
      const asked = await Proxy.start(kind, { backend: `http://127.0.0.1:${await listening(impostor)}`, service });
      for (const status of [300, 302, 304, 307, 400, 401, 403, 404, 407, 429, 500, 502, 503, "garbage", "hang"]) {
        impostor.status = status;
        const started = performance.now();
        const answer = await asked.request("GET", "/", [bearer(key)]);
        assert.ok(answer.status >= 300, `${status} became ${answer.status}`);
        assert.ok(performance.now() - started < 7_500, `${status}: ${performance.now() - started} ms`);
        assert.deepEqual(service.seen(), [], String(status));
      }
    });

    it("it believes no other certificate than the Worker's", async () => {
      const folder = mkdtempSync(join(tmpdir(), "wardkey-tls-"));
      const right = certificate(folder, "localhost");
      const named = certificate(folder, "elsewhere.example");
      const front = async ({ key: tlsKey, cert }) => {
        const server = https.createServer({ key: tlsKey, cert }, (request, response) => {
          const { hostname, port } = new URL(worker.url);
          const { method, url, headers } = request;
          const onward = http.request({ hostname, port, method, path: url, headers }, (answer) => {
            response.writeHead(answer.statusCode, answer.rawHeaders);
            answer.pipe(response);
          });
          onward.end();
        });
        return `https://localhost:${await listening(server)}`;
      };
      const through = async (shown, trusted) => {
        const changes = kind === "nginx" ? { "/etc/ssl/certs/ca-certificates.crt": trusted.path } : {};
        const one = await Proxy.start(kind, { backend: await front(shown), service, changes, roots: trusted.path });
        return one.request("GET", "/", [bearer(key)]);
      };
      assert.equal((await through(right, right)).status, 200);
      vouched(reached());
      for (const [shown, trusted] of [[certificate(mkdtempSync(join(folder, "x-")), "localhost"), right], [named, named]]) {
        const answer = await through(shown, trusted);
        assert.ok([502, 503].includes(answer.status), String(answer.status));
        assert.deepEqual(service.seen(), []);
      }
      rmSync(folder, { recursive: true });
    });

    it("revoked, nothing of it passes after the bound", async () => {
      const { key: short, key_id } = (await admin.create({})).json;
      assert.equal((await proxy.request("GET", "/", [bearer(short)])).status, 200);
      const { bound } = (await admin.revoke(key_id)).json;
      const answeredAt = Date.now();
      const within = bound.typical_ms + bound.max_skew_ms;
      await eventually("a refusal", async () => (await proxy.request("GET", "/", [bearer(short)])).status === 401, within);
      console.log(`${kind}: refused ${Date.now() - answeredAt} ms after the answer to its revocation, bound ${within} ms`);
      service.seen();
      refused(await proxy.request("GET", "/", [bearer(short)]), 401, "inactive");
    });
  });
}

describe("the README", () => {
  it("shows the very configurations that are tried here", () => {
    const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
    for (const file of ["nginx.conf", "Caddyfile"]) {
      const text = readFileSync(new URL(`../proxies/${file}`, import.meta.url), "utf8");
      assert.ok(readme.includes(`\n${text}\`\`\``), file);
    }
  });
});
