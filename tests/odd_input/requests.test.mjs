// Odd input: hosts, routes, methods, names and numbers that are none.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { ABSENT, admin, key, keyId, looksAtAll, refused, worker } from "./odd.mjs";

describe("requests", () => {
  it("plain http is refused for every host but this machine", async () => {
    for (const host of ["wardkey.example", "localhost.example", "127.0.0.1.example", "10.0.0.1", "192.168.1.1", "0.0.0.0", "[2001:db8::1]", "[::ffff:127.0.0.1]"]) {
      const answer = await admin.get("/v1/audit", { host });
      refused(answer, 403, "https_required", host);
      refused(await admin.get("/v1/audit", { host, headers: { "X-Forwarded-Proto": "https" } }), 403, "https_required", host);
    }
    for (const host of ["localhost", "LOCALHOST:8787", "127.0.0.1:1", "127.1.2.3", "[::1]:8787", "wardkey.localhost"]) {
      assert.equal((await admin.get("/healthz", { host })).status, 200, host);
    }
  });

  it("an unknown route is 404 and a wrong method is 405 with those allowed", async () => {
    for (const path of ["/", "/v1", "/v2/keys", `/v1/keys/${keyId}/`, `/v1/keys/${keyId}/rotates`, "/V1/keys", "/v1//keys", "/v1/audit/1", "/.env", "/v1/%6beys"]) {
      refused(await admin.get(path), 404, "no_route", path);
    }
    const allowed = {
      "/healthz": ["GET"],
      "/openapi.json": ["GET"],
      "/v1/bootstrap": ["POST"],
      "/v1/keys": ["GET", "POST"],
      [`/v1/keys/${keyId}`]: ["GET", "PATCH"],
      ...Object.fromEntries(["rotate", "confirm", "suspend", "resume", "revoke"].map((act) => [`/v1/keys/${keyId}/${act}`, ["POST"]])),
      [`/v1/keys/${keyId}/usage`]: ["GET"],
      "/v1/usage": ["POST"],
      "/v1/revoke-self": ["POST"],
      "/v1/revocations": ["POST"],
      "/v1/revocations/rev_0011223344556677": ["GET"],
      "/v1/verify": ["POST"],
      "/v1/key-set": ["GET"],
      "/v1/policy": ["GET", "PUT"],
      "/v1/policy/schema": ["GET"],
      "/v1/signing-keys/api/rotate": ["POST"],
      "/v1/root/rewrap": ["GET", "POST"],
      "/v1/tenant/destroy": ["POST"],
      "/v1/audit": ["GET"],
      "/v1/list/1/head": ["GET"],
      [`/v1/list/1/state/1-${"0".repeat(64)}`]: ["GET"],
    };
    for (const [path, allow] of Object.entries(allowed)) {
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"].filter((method) => !allow.includes(method))) {
        const answer = await admin.request(method, path);
        refused(answer, 405, "method_not_allowed", `${method} ${path}`);
        assert.deepEqual(answer.headers.allow.split(/, */), allow, path);
      }
    }
  });

  it("HEAD is GET without its body, and changes nothing where POST would", async () => {
    for (const path of ["/healthz", "/v1/audit", `/v1/keys/${keyId}`, "/v1/list/1/head"]) {
      const answer = await admin.request("HEAD", path);
      assert.equal(answer.status, 200, path);
      assert.equal(answer.bytes.length, 0);
    }
    const entries = (await admin.audit()).length;
    assert.equal((await admin.request("HEAD", `/v1/keys/${keyId}/revoke`)).status, 405);
    assert.equal((await admin.request("HEAD", "/v1/tenant/destroy")).status, 405);
    assert.equal((await admin.audit()).length, entries);
  });

  it("a key's id is read in one spelling", async () => {
    for (const id of ["", "nonsense", "key_", ABSENT.toUpperCase(), keyId.slice(4), `${keyId}0`, keyId.replace(/.$/, "G"), "key_00112233445566FF", "%00", "key_%30011223344556677", ABSENT]) {
      const path = `/v1/keys/${id}`;
      refused(await admin.get(path), 404, "not_found", id);
      refused(await admin.post(`${path}/revoke`), 404, "not_found", id);
      refused(await admin.get(`${path}/usage`), 404, "not_found", id);
    }
    assert.equal((await admin.read(keyId)).status, 200);
  });

  it("the list's numbers are read in one spelling", async () => {
    const stranger = worker.client();
    const digest = "ab".repeat(32);
    for (const tenant of ["01", "-1", "+1", "65536", "99999999999999999999", "1.0", "0x1", "", "%31", "1%20", "one", "１"]) {
      refused(await stranger.get(`/v1/list/${encodeURI(tenant)}/head`), 404, "not_found", tenant);
    }
    for (const name of [
      `1-${digest.toUpperCase()}`,
      `01-${digest}`,
      `-1-${digest}`,
      `+1-${digest}`,
      `1-${digest}0`,
      `1-${digest.slice(2)}`,
      `1-${"zz".repeat(32)}`,
      `18446744073709551616-${digest}`,
      `18446744073709551615-${digest}`,
      `9007199254740993-${digest}`,
      digest,
      "1-",
      "-",
      "1",
    ]) {
      refused(await stranger.get(`/v1/list/1/state/${name}`), 404, "not_found", name);
    }
    for (const tenant of [0, 2, 65_535]) refused(await stranger.get(`/v1/list/${tenant}/head`), 404, "not_found", String(tenant));
    assert.equal((await stranger.get("/v1/list/1/head")).status, 200);
  });
});

looksAtAll(190);
