// A real registry with one tenant, as the suites of hosts begin: a verifier's credential, callers' keys, and how long one lives that is revoked.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { RULED } from "./policies.mjs";
import { Worker } from "./worker.mjs";

export const FRESH_FOR_MS = 5_000;

export class Tenant {
  /** The host's credential and the callers' keys: no host may say any of them. */
  secrets = [];

  static async start() {
    const tenant = new Tenant();
    tenant.worker = await Worker.start();
    tenant.admin = await tenant.worker.administrator({ policy: RULED });
    tenant.gateway = await tenant.admin.deputy(["verifier:key-set", "verifier:verify"], ["api"]);
    tenant.secrets.push(tenant.gateway.credential);
    return tenant;
  }

  /** Makes a caller's key; answers what the registry says of it. */
  async created(request) {
    const { json } = await this.admin.create(request);
    this.secrets.push(json.key);
    return json;
  }

  /** Revokes a key, and asks with it until it is not let through: the answer then, and how many milliseconds that took. */
  async revoked(keyId, asked) {
    const revokedAt = Date.now();
    await this.admin.revoke(keyId);
    for (;;) {
      const answer = await asked();
      if (answer.status !== 200) return { answer, ms: Date.now() - revokedAt };
      assert.ok(Date.now() - revokedAt <= FRESH_FOR_MS + 1_000, "still allowed");
      await sleep(20);
    }
  }

  /** Makes the next signing key: the list then names a newer key set. */
  async rotate(how) {
    const rotated = await this.admin.post("/v1/signing-keys/api/rotate", { reason: "try", ...how }, { headers: { "Idempotency-Key": "host-rotate" } });
    assert.ok(rotated.status < 300, rotated.text);
  }

  /** Rotates ahead of time, and waits until `version` tells of a newer key set, while `asked` is let through. */
  async renewed(version, asked) {
    const before = await version();
    await this.rotate({ compromised: false, mint_from_in_s: 7_200 });
    const until = Date.now() + 12_000;
    while ((await version()) === before && Date.now() < until) {
      assert.equal((await asked()).status, 200);
      await sleep(50);
    }
    assert.ok((await version()) > before);
  }
}
