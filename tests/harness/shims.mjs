// Objects in front of the worker's own that pass calls on, fail, or never answer.

export const object = (worker, exportName) => ({ type: "durable-object", worker, exportName });

/** The worker that holds them. What it is told at `/{registry or directory}/{mode}` holds for all calls from then on. */
export function shimWorker(modulesRoot, compatibilityDate, home) {
  const contents = `
    import { DurableObject } from "cloudflare:workers";
    const fresh = () => ({ mode: "pass", calls: 0, answered: 0 });
    const told = { registry: fresh(), directory: fresh() };
    class Shim extends DurableObject {
      async fetch(request) {
        const message = await request.text();
        const of = told[this.of];
        of.calls += 1;
        if (of.mode === "hang") await scheduler.wait(60_000);
        if (of.mode === "slow") await scheduler.wait(200);
        const isAdmission = message.includes('"call":"admit_verifier"');
        const isMaterial = message.includes('"call":"material"');
        const fails = of.mode === "fail" || (of.mode === "only-admission" && !isAdmission) || (of.mode === "no-material" && isMaterial);
        if (fails) throw new Error("told to fail");
        // Answers in place of the object: how one of another version would.
        if (of.answers && JSON.parse(message).call === of.answers.to) {
          of.answered += 1;
          return Response.json(of.answers.with);
        }
        const real = this.real.get(this.real.idFromName(this.name));
        const answer = await real.fetch("https://registry/", { method: "POST", body: message, headers: request.headers });
        if (of.mode === "mute") await scheduler.wait(60_000);
        return answer;
      }
    }
    export class RegistryShim extends Shim {
      of = "registry";
      name = "tenant:1";
      get real() { return this.env.REGISTRY; }
    }
    export class DirectoryShim extends Shim {
      of = "directory";
      name = "tenants";
      get real() { return this.env.DIRECTORY; }
    }
    export default {
      async fetch(request) {
        const [, of, mode] = new URL(request.url).pathname.split("/");
        if (request.method === "POST") Object.assign(told[of], await request.json());
        else if (mode !== "seen") told[of].mode = mode;
        return Response.json(told[of]);
      },
    };`;
  return {
    config: {
      name: "shim",
      compatibilityDate,
      manifest: { mainModule: "shim.mjs", modulesRoot, modules: { "shim.mjs": { type: "esm", contents } } },
      env: {
        SHIMS: object("shim", "RegistryShim"),
        DIRECTORY_SHIMS: object("shim", "DirectoryShim"),
        REGISTRY: object(home, "TenantRegistry"),
        DIRECTORY: object(home, "TenantDirectory"),
      },
      exports: {
        RegistryShim: { type: "durable-object", storage: "sqlite" },
        DirectoryShim: { type: "durable-object", storage: "sqlite" },
      },
    },
  };
}
