// Somebody's own Worker beside the one under test, as another one of the same account.

/** `env` may have a service binding to ours: `{ type: "worker", worker: "wardkey" }`. */
export function besideWorker(compatibilityDate, { name, manifest, env }) {
  return {
    config: { name, compatibilityDate, manifest, env },
    dev: { rootPath: manifest.modulesRoot, unsafeDirectSockets: [{ host: "127.0.0.1", port: 0, entrypoint: "default" }] },
  };
}
