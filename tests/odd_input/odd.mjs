// Odd input: each is refused with its own stable code, and none is a failure of ours. What its suites share.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { Worker } from "../harness/worker.mjs";

export const MAX_BODY_LEN = 65_536;
export const REQUEST = { subject: "svc:billing", audience: "api", scopes: ["reports:read"], expires_in: 3600 };
export const ABSENT = "key_0011223344556677";

/** The worker of a suite, its administrator, and a key; there once the suite has begun. */
export let worker, admin, key, keyId;

before(async () => {
  worker = await Worker.start();
  admin = await worker.administrator();
  const made = await admin.create({});
  ({ key, key_id: keyId } = made.json);
});

/** The shape that every refusal has. */
export function refused(answer, status, code, what = "") {
  assert.equal(answer.status, status, `${what}: ${answer.text}`);
  assert.equal(answer.headers["content-type"], "application/problem+json", what);
  assert.equal(answer.headers["cache-control"], "no-store", what);
  assert.equal(answer.headers["x-content-type-options"], "nosniff", what);
  assert.match(answer.requestId, /^req_[0-9a-f]{32}$/, what);
  const problem = answer.json;
  assert.equal(problem.code, code, `${what}: ${answer.text}`);
  assert.equal(problem.status, status, what);
  assert.equal(problem.type, `urn:wardkey:problem:${code}`, what);
  assert.ok(problem.title.length > 0 && problem.detail.length > 0, what);
  assert.ok(!answer.text.includes(key) && !answer.text.includes(admin.credential), `${what}: a key is echoed`);
  return problem;
}

/** The last test of a suite: every answer that it had is looked at, and there were at least so many refusals. */
export function looksAtAll(least) {
  describe("all of it", () => {
    it("was answered, and nothing with a failure of ours", () => {
      const refusals = worker.exchanges.filter(({ answer }) => answer.status >= 400);
      const failures = worker.exchanges.filter(({ answer }) => !(answer.status >= 200 && answer.status < 500));
      console.log(`${worker.exchanges.length} answers, ${refusals.length} refusals, ${failures.length} failures`);
      assert.deepEqual(failures.map(({ method, path, answer }) => `${answer.status} ${method} ${path.slice(0, 80)}`), []);
      assert.ok(refusals.length >= least, `${refusals.length} refusals`);
    });
  });
}
