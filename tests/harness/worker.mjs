// The worker in a workerd of its own: starts, restarts, is killed, and starts again on the same state.

import childProcess from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

import { Log, LogLevel, Miniflare } from "miniflare";

import { Client, eventually } from "./client.mjs";

const CHECKOUT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const BUILDS = {
  release: resolve(process.env.WARDKEY_WORKER_DIR ?? join(CHECKOUT, "worker/build")),
  faulty: resolve(process.env.WARDKEY_FAULTY_WORKER_DIR ?? join(CHECKOUT, "worker/build-faults")),
};

/** The limit of wrangler.toml, so that the suites run into it where a deployment would. */
const PUBLIC_LIMIT = { limit: 600, period: 60 };

/** Two audiences, and a scope of every risk level. */
export const POLICY = {
  audiences: [
    {
      number: 1,
      name: "api",
      scopes: [
        { number: 0, name: "reports:read", risk: "low" },
        { number: 1, name: "reports:write", risk: "standard" },
        { number: 9, name: "reports:export", risk: "high" },
        { number: 12, name: "reports:purge", risk: "strict" },
      ],
    },
    { number: 2, name: "jobs", scopes: [{ number: 0, name: "jobs:run" }] },
  ],
};

// Miniflare does not tell which workerd is its own: every one that this process starts is remembered.
const workerds = [];
const { spawn } = childProcess;
childProcess.spawn = (command, ...rest) => {
  const child = spawn(command, ...rest);
  if (basename(String(command)).startsWith("workerd")) workerds.push(child);
  return child;
};

/** A bootstrap token as `cargo xtask dev` makes it. */
export function bootstrapToken({ tenant = 1, expiresIn = 3600 } = {}) {
  const expiry = Math.floor(Date.now() / 1000) + expiresIn;
  return `wkboot_${tenant}_${expiry}_${randomBytes(32).toString("base64url")}`;
}

// Here and not where a worker is started: an `after` inside a hook would end with that hook.
const running = [];
after(() => Promise.all(running.map((worker) => worker.end())));

export class Worker {
  /** What the worker and workerd have said on stdout and stderr, over all restarts. */
  log = [];
  /** Every answer that a client of this worker has had. */
  exchanges = [];
  root = `1:${randomBytes(32).toString("base64url")}`;
  state = mkdtempSync(join(tmpdir(), "wardkey-e2e-"));
  #miniflare;
  #workerd;
  #options;

  /**
   * Starts a worker that ends with the test file.
   *
   * `flavour`: `release` or `faulty`. `token`: the bootstrap token it expects; null for none. `limit`: calls
   * a minute on the list routes. `shim`: the registry is reached through an object that can be told to fail.
   * `bindings`: laid over the secrets.
   */
  static async start(options = {}) {
    const worker = new Worker();
    worker.#options = { flavour: "release", token: bootstrapToken(), ...options };
    running.push(worker);
    await worker.#up();
    return worker;
  }

  get token() {
    return this.#options.token;
  }

  /** Ends workerd in the usual way and starts it on the same state, with some options changed. */
  async restart(changes = {}) {
    await this.stop();
    this.#options = { ...this.#options, ...changes };
    await this.#up();
  }

  /** SIGKILL to workerd: answers when the process is gone. */
  async kill() {
    const gone = new Promise((exited) => this.#workerd.once("exit", exited));
    this.#workerd.kill("SIGKILL");
    // At once, before miniflare starts another of its own accord.
    const disposed = this.#miniflare.dispose();
    await Promise.all([gone, disposed]);
    if (this.#workerd.signalCode !== "SIGKILL") throw new Error(`workerd ended by ${this.#workerd.signalCode}`);
  }

  /** Ends workerd; the state stays. */
  async stop() {
    await this.#miniflare?.dispose();
    this.#miniflare = undefined;
  }

  async end() {
    await this.stop();
    for (const folder of [this.state, `${this.state}-saved`]) rmSync(folder, { recursive: true, force: true });
  }

  /** A client with a credential, or without one. */
  client(credential) {
    return new Client(this, credential);
  }

  /** Makes the tenant; answers its administrator. */
  async administrator({ policy = POLICY, subject = "ops:ada" } = {}) {
    const made = await this.client(this.token).post("/v1/bootstrap", { subject, policy });
    if (made.status !== 201) throw new Error(`bootstrap: ${made.status} ${made.text}`);
    return this.client(made.json.key);
  }

  /** The KV namespace of sealed records and states. */
  records() {
    return this.#miniflare.getKVNamespace("RECORDS", "wardkey");
  }

  /**
   * Looks into a tenant's database from outside the worker: for what no route shows, and never while a
   * mutation may be under way. Undefined when there is no such tenant.
   */
  book(query, { tenant = 1, values = [] } = {}) {
    return this.#reading(tenant, (database) => database.prepare(query).all(...values));
  }

  /** Every row of every table of a tenant's database but workerd's own, to be compared with itself later. */
  wholeBook({ tenant = 1 } = {}) {
    return this.#reading(tenant, (database) => {
      const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\' ORDER BY name").all();
      const rows = tables.map(({ name }) => [name, database.prepare(`SELECT * FROM "${name}"`).all().map(rowText)]);
      return Object.fromEntries(rows);
    });
  }

  #reading(tenant, read) {
    for (const path of this.files().filter((path) => path.endsWith(".sqlite"))) {
      const database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
      try {
        const isBook = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'tenant'").get();
        // A book without its tenant's row is half a book: whoever looks shall see it.
        const number = isBook && (database.prepare("SELECT number FROM tenant").get()?.number ?? tenant);
        if (number === tenant) return read(database);
      } finally {
        database.close();
      }
    }
    return undefined;
  }

  /** Waits until every record and state that is due has been written to KV. */
  async published({ tenant = 1 } = {}) {
    const due = "SELECT 1 FROM outbox UNION ALL SELECT 1 FROM list_copy WHERE due_at IS NOT NULL";
    await eventually("an empty outbox", () => this.book(due, { tenant })?.length === 0, 10_000);
  }

  /** Keeps a copy of the state as it is now. */
  async save() {
    await this.stop();
    cpSync(this.state, `${this.state}-saved`, { recursive: true });
    await this.#up();
  }

  /** Goes on from the copy, as if nothing had happened since. */
  async goBack() {
    await this.stop();
    rmSync(this.state, { recursive: true });
    cpSync(`${this.state}-saved`, this.state, { recursive: true });
    await this.#up();
  }

  /** Every file of the persisted state. */
  files() {
    const entries = readdirSync(this.state, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  }

  /** Tells the shim what to do with the next calls: `pass`, `slow` (200 ms, as from far away), `hang`, `mute` (act, say nothing), `fail` or `only-admission`. */
  async shim(mode) {
    const shim = await this.#miniflare.getWorker("shim");
    const answer = await shim.fetch(`http://shim/${mode}`);
    if (answer.status !== 200) throw new Error(`the shim answered ${answer.status}`);
  }

  /** How often the registry has been called through the shim. */
  async shimCalls() {
    const shim = await this.#miniflare.getWorker("shim");
    return Number(await (await shim.fetch("http://shim/calls")).text());
  }

  async #up() {
    const { shim } = this.#options;
    const known = workerds.length;
    const say = (line) => this.log.push(line);
    this.#miniflare = new Miniflare({
      workers: shim ? [this.#wardkey(), shimWorker()] : [this.#wardkey()],
      host: "127.0.0.1",
      port: 0,
      cf: false,
      resourcePersistencePath: this.state,
      enableDevRegistry: false,
      telemetry: { enabled: false },
      log: new Sayings(say),
      handleStructuredLogs: ({ level, message }) => say(`${level}: ${message}`),
    });
    await this.#miniflare.ready;
    this.url = (await this.#miniflare.unsafeGetDirectURL("wardkey")).origin;
    const started = workerds.slice(known);
    if (started.length !== 1) throw new Error(`${started.length} workerd were started`);
    this.#workerd = started[0];
  }

  /** The worker as wrangler.toml describes it. */
  #wardkey() {
    const { flavour, token, limit, shim, bindings } = this.#options;
    const build = BUILDS[flavour];
    const secrets = {
      WARDKEY_ROOT: this.root,
      ...(token && { WARDKEY_BOOTSTRAP_SHA256: createHash("sha256").update(token).digest("hex") }),
      ...bindings,
    };
    const env = {
      REGISTRY: shim ? object("shim", "Shim") : object("wardkey", "TenantRegistry"),
      RECORDS: { type: "kv", id: "records" },
      PUBLIC_LIMIT: { type: "rate-limit", namespace: "1001", simple: { ...PUBLIC_LIMIT, ...(limit && { limit }) } },
    };
    for (const [name, value] of Object.entries(secrets)) {
      if (value !== undefined) env[name] = { type: "text", value };
    }
    const modules = {
      "index.js": { type: "esm", contents: readFileSync(join(build, "index.js"), "utf8") },
      // A copy, because miniflare takes no Buffer.
      "index_bg.wasm": { type: "wasm", contents: new Uint8Array(readFileSync(join(build, "index_bg.wasm"))) },
    };
    return {
      config: {
        name: "wardkey",
        compatibilityDate: compatibilityDate(),
        manifest: { mainModule: "index.js", modulesRoot: build, modules },
        env,
        exports: { TenantRegistry: { type: "durable-object", storage: "sqlite" } },
      },
      // A socket of its own: miniflare's usual one changes what it passes on.
      dev: { rootPath: dirname(build), unsafeDirectSockets: [{ host: "127.0.0.1", port: 0, entrypoint: "default" }] },
    };
  }
}

const object = (worker, exportName) => ({ type: "durable-object", worker, exportName });

class Sayings extends Log {
  #say;

  constructor(say) {
    super(LogLevel.DEBUG);
    this.#say = say;
  }

  log(message) {
    this.#say(message);
  }
}

const rowText = (row) => JSON.stringify(row, (_, value) => (value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value));

/** An object in front of the registry's that passes calls on, fails, or never answers. */
function shimWorker() {
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
        if (mode === "fail" || (mode === "only-admission" && !isAdmission)) throw new Error("told to fail");
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
      compatibilityDate: compatibilityDate(),
      manifest: { mainModule: "shim.mjs", modulesRoot: CHECKOUT, modules: { "shim.mjs": { type: "esm", contents } } },
      env: { SHIM: object("shim", "Shim"), REAL: object("wardkey", "TenantRegistry") },
      exports: { Shim: { type: "durable-object", storage: "sqlite" } },
    },
  };
}

/** The date of wrangler.toml: what is tested is what is deployed. */
function compatibilityDate() {
  const [, date] = readFileSync(join(CHECKOUT, "wrangler.toml"), "utf8").match(/^compatibility_date = "(.+)"$/m);
  return date;
}
