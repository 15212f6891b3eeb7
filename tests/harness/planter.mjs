// A worker of the harness's own that runs beside the one under test, in the same workerd and on the same state.

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));

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
      env: { PLANTS: { type: "durable-object", worker: "planter", exportName: "Plants" }, RECORDS: { type: "kv", id: "records" } },
      exports: { Plants: { type: "durable-object", storage: "sqlite" } },
    },
  };
}
