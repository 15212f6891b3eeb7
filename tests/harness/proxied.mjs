// The reverse proxy on wasmtime between an upstream and a real registry, as its suites begin and end.

import assert from "node:assert/strict";

import { eventually } from "./client.mjs";
import { Guard, Upstream } from "./guard.mjs";
import { Tenant } from "./tenant.mjs";

/** A proxy that knows its first list, what stands around it, and the options that others start with. */
export async function proxied() {
  const tenant = await Tenant.start();
  const { worker, admin, gateway } = tenant;
  const upstream = new Upstream();
  await upstream.listen();
  const key = await tenant.created({ scopes: ["reports:read", "reports:write"] });
  const options = (...more) => ["--registry", worker.url, "--upstream", upstream.url, "--threads", "2", "--log-decisions", ...more];
  const guard = await Guard.start(options("--scope", "reports:read", "--method-scope", "POST=reports:write", "--method-scope", "DELETE=reports:purge"), gateway.credential);
  await eventually("a first list", async () => (await guard.bearer(key.key)).status === 200);
  return { tenant, worker, admin, gateway, upstream, key, options, guard };
}

/** Ends a proxy: it ends well, and has never said its credential, the key, or a long piece of it. */
export async function endsWell(guard, { credential }, { key }) {
  const payload = key.slice(key.indexOf("_test_") + 6);
  for (const secret of [key, payload.slice(0, 40), payload.slice(-40), credential]) assert.ok(!guard.said.includes(secret));
  assert.equal(await guard.end(), 0);
}
