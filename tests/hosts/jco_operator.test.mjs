// What whoever runs the jco host is told: what is wrong with a registry, a credential or a URL.

import assert from "node:assert/strict";
import http from "node:http";
import { describe, it } from "node:test";

import { Registry } from "../../crates/hosts/jco/registry.mjs";

describe("the registry of the jco host", () => {
  it("says what is wrong where it refuses a credential, does not answer, or is written wrongly", async () => {
    let status = 401;
    const peer = http.createServer((request, response) => response.writeHead(status).end());
    await new Promise((listens) => peer.listen(0, "127.0.0.1", listens));
    const url = `http://127.0.0.1:${peer.address().port}`;
    const registry = new Registry({ url, credential: "x" });
    await assert.rejects(registry.keySet(), { code: "credential_refused", message: /expired/ });
    status = 403;
    await assert.rejects(registry.keySet(), { code: "credential_refused", message: /verifier:key-set/ });
    peer.closeAllConnections();
    await new Promise((closed) => peer.close(closed));
    await assert.rejects(registry.keySet(), { code: "registry_unreachable", message: /did not answer: (UND_ERR_SOCKET|ECONN)/ });
    const secret = new Registry({ url, credential: "wk_test_é\nsecret" });
    await assert.rejects(secret.keySet(), ({ code, message }) => code === "registry_unreachable" && !message.includes("secret"));
    for (const wrong of ["127.0.0.1:1", "registry.example", "ftp://localhost", "http://registry.example", undefined]) {
      assert.throws(() => new Registry({ url: wrong, credential: "x" }), { code: "https_required" });
    }
  });

  it("asks for its credential anew each time, and says so where there is none", async () => {
    const came = [];
    const peer = http.createServer((request, response) => {
      came.push(request.headers.authorization);
      response.end("{}");
    });
    await new Promise((listens) => peer.listen(0, "127.0.0.1", listens));
    const kept = ["first\n", "second"];
    const registry = new Registry({ url: `http://127.0.0.1:${peer.address().port}`, credential: async () => kept.shift() });
    await registry.keySet();
    await registry.confirm({ key: "k", scopes: ["reports:read"] });
    assert.deepEqual(came, ["Bearer first", "Bearer second"]);
    await assert.rejects(registry.keySet(), { code: "credential_missing" });
    const broken = new Registry({ url: "http://127.0.0.1:9", credential: () => Promise.reject(new Error("the secret")) });
    await assert.rejects(broken.keySet(), ({ code, message, cause }) => code === "credential_missing" && !message.includes("secret") && cause === undefined);
    const hanging = new Registry({ url: "http://127.0.0.1:9", credential: () => new Promise(() => {}) });
    await assert.rejects(hanging.confirm({ key: "k", scopes: ["reports:read"] }), { code: "credential_missing", message: /in time/ });
    assert.equal(came.length, 2);
    peer.closeAllConnections();
    peer.close();
  });
});
