// Workers of the harness's own that run beside the one under test, in the same workerd and on the same state.

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));

/** The binding of a Durable Object. */
export const object = (worker, exportName) => ({ type: "durable-object", worker, exportName });

/** An object in front of the registry's that passes calls on, fails, or never answers. */
export function shimWorker(compatibilityDate) {
  const contents = `
    import { DurableObject } from "cloudflare:workers";
    let mode = "pass";
    let calls = 0;
    export class Shim extends DurableObject {
      async fetch(request) {
        const message = await request.text();
        calls += 1;
        if (mode === "hang") await scheduler.wait(60_000);
        if (mode === "slow") await scheduler.wait(200);
        const isAdmission = message.includes('"call":"admit_verifier"');
        const isMaterial = message.includes('"call":"material"');
        if (mode === "fail" || (mode === "only-admission" && !isAdmission) || (mode === "no-material" && isMaterial)) throw new Error("told to fail");
        const real = this.env.REAL.get(this.env.REAL.idFromName("tenant:1"));
        const answer = await real.fetch("https://registry/", { method: "POST", body: message });
        if (mode === "mute") await scheduler.wait(60_000);
        return answer;
      }
    }
    export default {
      fetch(request) {
        const told = new URL(request.url).pathname.slice(1);
        if (told === "calls") return new Response(calls);
        mode = told;
        return new Response(mode);
      },
    };`;
  return {
    config: {
      name: "shim",
      compatibilityDate,
      manifest: { mainModule: "shim.mjs", modulesRoot: HERE, modules: { "shim.mjs": { type: "esm", contents } } },
      env: { SHIM: object("shim", "Shim"), REAL: object("wardkey", "TenantRegistry") },
      exports: { Shim: { type: "durable-object", storage: "sqlite" } },
    },
  };
}

/** Writes what it is told into each place that a secret could leak to: so that a search which finds nothing there is known to search. */
export function planterWorker(compatibilityDate) {
  const contents = `
    import { DurableObject } from "cloudflare:workers";
    export class Plants extends DurableObject {
      async fetch(request) {
        this.ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS plant (text TEXT)");
        this.ctx.storage.sql.exec("INSERT INTO plant VALUES (?)", await request.text());
        return new Response();
      }
    }
    export default {
      async fetch(request, env) {
        const channel = new URL(request.url).pathname.slice(1);
        if (channel === "sqlite") return env.PLANTS.get(env.PLANTS.idFromName("plants")).fetch(request);
        const text = await request.text();
        if (channel === "stdout") console.log(text);
        else if (channel === "kv") await env.RECORDS.put("plant/" + crypto.randomUUID(), text);
        else return new Response(null, { status: 404 });
        return new Response();
      },
    };`;
  return {
    config: {
      name: "planter",
      compatibilityDate,
      manifest: { mainModule: "planter.mjs", modulesRoot: HERE, modules: { "planter.mjs": { type: "esm", contents } } },
      env: { PLANTS: object("planter", "Plants"), RECORDS: { type: "kv", id: "records" } },
      exports: { Plants: { type: "durable-object", storage: "sqlite" } },
    },
  };
}
