// The worker in a workerd of its own: starts, restarts, is killed, and starts again on the same state.

import { createHash, randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

import { Log, LogLevel, Miniflare } from "miniflare";

import { openBook, openDirectory, reading, standingIn, wholeOf } from "./book.mjs";
import { Client, eventually } from "./client.mjs";
import { besideWorker } from "./beside.mjs";
import { crowdWorker } from "./crowd.mjs";
import { leaks, secretsOf, tenantsIn } from "./leaks.mjs";
import { planterWorker } from "./planter.mjs";
import { POLICY } from "./policies.mjs";
import { object, shimWorker } from "./shims.mjs";
import { workerds } from "./workerds.mjs";
import { WORLD } from "./world.mjs";

const CHECKOUT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const BUILDS = {
  release: resolve(process.env.WARDKEY_WORKER_DIR ?? join(CHECKOUT, "worker/build")),
  faulty: resolve(process.env.WARDKEY_FAULTY_WORKER_DIR ?? join(CHECKOUT, "worker/build-faults")),
};

/** The limits of wrangler.toml, so that the suites run into them where a deployment would. */
const LIMIT = { limit: 600, period: 60 };

/** A bootstrap token as `cargo xtask dev` makes it. */
export function bootstrapToken({ tenant = 1, expiresIn = 3600 } = {}) {
  const expiry = Math.floor(Date.now() / 1000) + expiresIn;
  return `wkboot_${tenant}_${expiry}_${randomBytes(32).toString("base64url")}`;
}

// Here and not where a worker is started: an `after` inside a hook would end with that hook.
const running = [];
after(() => endAll());

/** Ends every worker: for programs that are no tests. */
export async function endAll() {
  const ends = await Promise.allSettled(running.map((worker) => worker.end()));
  for (const { reason } of ends) if (reason) throw reason;
}

export class Worker {
  /** What the worker and workerd have said on stdout and stderr, over all restarts. */
  log = [];
  /** Every answer that a client of this worker has had. */
  exchanges = [];
  root = `1:${randomBytes(32).toString("base64url")}`;
  state = mkdtempSync(join(tmpdir(), "wardkey-e2e-"));
  #miniflare;
  #workerd;
  #ran = [];
  #options;
  /** What it was ever started with, and must not tell. */
  #roots = new Set();
  #tokens = new Set();
  #ended = false;

  /**
   * Starts a worker that ends with the test file.
   *
   * `flavour`: `release` or `faulty`. `token`: the bootstrap token it expects; null for none. `limit`: calls
   * a minute on the list routes. `strictLimit`: strict calls a minute of one key. `shim`: registry and directory are reached through objects that can be told to fail.
   * `world`: the build is run in `world.mjs`, with its objects `apart`: in a process of their own kind, with another clock.
   * `planter`: beside the worker runs one that writes what it is told; `crowd`: one that asks the object many things at once. `bindings`: laid over the secrets. `without`: bindings that the deployment lacks.
   * `cache`: with the data centre's cache in front of the registry. `beside`: other Workers of the account, each `{ name, manifest, env }`.
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

  /** What workerd has said, byte for byte and stream by stream, over all restarts. */
  get said() {
    const all = (stream) => Buffer.concat(this.#ran.flatMap(({ said }) => said[stream]));
    return { stdout: all("stdout"), stderr: all("stderr") };
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

  /** Ends it for good, and fails if a secret stands where none may be: in what it said or answered, in KV or in a database. */
  async end() {
    if (this.#ended) return;
    this.#ended = true;
    await this.stop();
    const found = this.leaks();
    for (const folder of [this.state, `${this.state}-saved`]) rmSync(folder, { recursive: true, force: true });
    if (found.length > 0) throw new Error(`secrets where none may be: ${found.join("; ")}`);
  }

  /** The secrets that stand in what the worker has said, answered and left so far, each with its form and where. */
  leaks() {
    const files = this.files();
    const { exchanges } = this;
    const secrets = secretsOf({ roots: this.#roots, tokens: this.#tokens, tenants: [...tenantsIn(files, this.#roots)], exchanges });
    const { stdout, stderr } = this.said;
    return leaks(secrets, { stdout, stderr, log: this.log.join("\n") }, files, exchanges);
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

  /** Recovers the tenant with a new token; answers its new administrator. */
  async recovered(subject, { tenant = 1 } = {}) {
    await this.restart({ token: bootstrapToken({ tenant }) });
    const made = await this.client(this.token).post("/v1/bootstrap", { subject });
    if (made.status !== 201) throw new Error(`bootstrap: ${made.status} ${made.text}`);
    return this.client(made.json.key);
  }

  /** The KV namespace of sealed records and states. */
  records() {
    return this.#miniflare.getKVNamespace("RECORDS", "wardkey");
  }

  /** The data centre's cache. */
  async cache() {
    return (await this.#miniflare.getCaches()).default;
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
    return this.#reading(tenant, wholeOf);
  }

  /** The same as far as only a mutation changes it: without the log, too. */
  standingBook({ tenant = 1 } = {}) {
    return this.#reading(tenant, standingIn);
  }

  /** A tenant's database kept open, for suites that look into it after each of many calls: they close it before the worker ends. */
  openBook({ tenant = 1 } = {}) {
    return openBook(this.files(), tenant);
  }

  /** The files that a tenant's database lies in, while the worker is stopped. */
  booksOf(tenant) {
    const path = this.#reading(tenant, (database) => database.location());
    return this.files().filter((file) => file.startsWith(path));
  }

  /** Looks into the directory of tenants in the same way. Undefined while there is none. */
  directory(query) {
    return reading(openDirectory(this.files()), (database) => database.prepare(query).all());
  }

  #reading(tenant, read) {
    return reading(this.openBook({ tenant }), read);
  }

  /**
   * Waits until every record and state that is due has been written to KV, and the directory knows the tenant.
   *
   * After a restart: only once the tenant was called, or had nothing due before. An alarm that is ended in the middle comes again a
   * minute later unless a call comes first.
   */
  async published({ tenant = 1 } = {}) {
    const due = `SELECT 1 FROM outbox UNION ALL SELECT 1 FROM list_copy WHERE due_at IS NOT NULL
      UNION ALL SELECT 1 FROM directory_report WHERE told < revision`;
    await eventually("an empty outbox", () => this.book(due, { tenant })?.length === 0, 10_000);
  }

  /** Changes the world of `edge` or, where they are apart, of `home`; answers what it has done to them so far. */
  async world(change = {}, of = "edge") {
    const url = await this.#miniflare.unsafeGetDirectURL(of === "edge" ? "wardkey" : "home", "World");
    return (await fetch(url, { method: "POST", body: JSON.stringify(change) })).json();
  }

  /** Runs what cron runs. */
  async cron() {
    const worker = await this.#miniflare.getWorker("wardkey");
    const { outcome } = await worker.scheduled({ cron: "*/5 * * * *" });
    if (outcome !== "ok") throw new Error(`cron: ${outcome}`);
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

  /**
   * Tells the shim in front of the `registry` or the `directory` what to do with the next calls: `pass`, `slow` (200 ms, as from
   * far away), `hang`, `mute` (act, say nothing), `fail`, `only-admission` or `no-material` (a proxy's verifier gets no key set).
   */
  async shim(mode, of = "registry") {
    await this.#askShim(`${of}/${mode}`);
  }

  /** Has the shim answer one kind of call in place of the registry, as one of another version would; null ends it. */
  async shimAnswers(answers) {
    await this.#askShim("registry", { method: "POST", body: JSON.stringify({ answers }) });
  }

  /** How often the registry, or the directory, has been called through the shim. */
  async shimCalls(of) {
    return (await this.shimSeen(of)).calls;
  }

  /** What the shim has seen: `calls` to the registry, or the directory, and how many it has `answered` itself. */
  shimSeen(of = "registry") {
    return this.#askShim(`${of}/seen`);
  }

  async #askShim(path, init) {
    const shim = await this.#miniflare.getWorker("shim");
    const answer = await shim.fetch(`http://shim/${path}`, init);
    if (answer.status !== 200) throw new Error(`the shim answered ${answer.status}`);
    return answer.json();
  }

  /** Sends a tenant's object a message of its own kind, as a Worker of another version would. */
  async tell(message, { tenant = 1, home = "wardkey" } = {}) {
    const objects = await this.#miniflare.getDurableObjectNamespace("REGISTRY", home);
    const object = objects.get(objects.idFromName(`tenant:${tenant}`));
    const answer = await object.fetch("https://registry/", { method: "POST", body: JSON.stringify(message) });
    return answer.json();
  }

  /** Has the crowd send all these messages to the object at once; answers what became of each, and when. */
  async crowd(messages) {
    const crowd = await this.#miniflare.getWorker("crowd");
    const answer = await crowd.fetch("http://crowd/", { method: "POST", body: JSON.stringify(messages) });
    if (answer.status !== 200) throw new Error(`the crowd answered ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** Has the planter write a text to `stdout`, `kv` or `sqlite`; `stderr` gets it here. */
  async plant(channel, text) {
    // Whatever a Worker says or throws, workerd puts on stdout: nothing of its own making can bring a text to stderr.
    if (channel === "stderr") return void this.#workerd.stderr.emit("data", Buffer.from(`${text}\n`));
    const planter = await this.#miniflare.getWorker("planter");
    const answer = await planter.fetch(`http://planter/${channel}`, { method: "POST", body: text });
    if (answer.status !== 200) throw new Error(`the planter answered ${answer.status}`);
  }

  /** Where a Worker beside is asked; without a name the only one. */
  async besideUrl(name = [this.#options.beside].flat()[0].name) {
    return (await this.#miniflare.unsafeGetDirectURL(name)).origin;
  }

  async #up() {
    const { shim, planter, crowd, apart, beside } = this.#options;
    const known = workerds.length;
    const say = (line) => this.log.push(line);
    const home = apart ? "home" : "wardkey";
    this.#miniflare = new Miniflare({
      workers: [
        this.#wardkey("wardkey", home),
        ...(apart ? [this.#wardkey("home", home)] : []),
        ...(shim ? [shimWorker(CHECKOUT, compatibilityDate(), home)] : []),
        ...(planter ? [planterWorker(compatibilityDate())] : []),
        ...(crowd ? [crowdWorker(compatibilityDate(), home)] : []),
        ...[beside ?? []].flat().map((one) => besideWorker(compatibilityDate(), one)),
      ],
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
    this.#ran.push(started[0]);
  }

  /** The worker as wrangler.toml describes it; its objects are those of the worker called `home`. */
  #wardkey(name, home) {
    const { flavour, token, limit, strictLimit, shim, bindings, without = [], world, apart, cache = false } = this.#options;
    const build = BUILDS[flavour];
    const secrets = {
      WARDKEY_ROOT: this.root,
      ...(token && { WARDKEY_BOOTSTRAP_SHA256: createHash("sha256").update(token).digest("hex") }),
      ...bindings,
    };
    if (secrets.WARDKEY_ROOT) this.#roots.add(secrets.WARDKEY_ROOT);
    if (token) this.#tokens.add(token);
    const env = {
      REGISTRY: shim ? object("shim", "RegistryShim") : object(home, "TenantRegistry"),
      DIRECTORY: shim ? object("shim", "DirectoryShim") : object(home, "TenantDirectory"),
      USAGE: object(home, "TenantUsage"),
      RECORDS: { type: "kv", id: "records" },
      PUBLIC_LIMIT: { type: "rate-limit", namespace: "1001", simple: { ...LIMIT, ...(limit && { limit }) } },
      STRICT_LIMIT: { type: "rate-limit", namespace: "1002", simple: { ...LIMIT, ...(strictLimit && { limit: strictLimit }) } },
    };
    for (const [name, value] of Object.entries(secrets)) {
      if (value !== undefined) env[name] = { type: "text", value };
    }
    for (const name of without) delete env[name];
    const sockets = [{ host: "127.0.0.1", port: 0, entrypoint: "default" }];
    if (world || apart) sockets.push({ host: "127.0.0.1", port: 0, entrypoint: "World" });
    const modules = {
      "index.js": { type: "esm", contents: readFileSync(join(build, "index.js"), "utf8") },
      // A copy, because miniflare takes no Buffer.
      "index_bg.wasm": { type: "wasm", contents: new Uint8Array(readFileSync(join(build, "index_bg.wasm"))) },
    };
    if (world || apart) modules["world.js"] = { type: "esm", contents: WORLD };
    return {
      config: {
        name,
        compatibilityDate: compatibilityDate(),
        manifest: { mainModule: world || apart ? "world.js" : "index.js", modulesRoot: build, modules },
        env,
        ...(name === home && {
          exports: {
            TenantRegistry: { type: "durable-object", storage: "sqlite" },
            TenantDirectory: { type: "durable-object", storage: "sqlite" },
            TenantUsage: { type: "durable-object", storage: "sqlite" },
          },
        }),
      },
      // A socket of its own: miniflare's usual one changes what it passes on.
      // Without a shared cache, as on workers.dev, so that suites count what reaches the objects; with it where it is asked for.
      dev: { rootPath: dirname(build), unsafeDirectSockets: sockets, cacheAPI: cache },
    };
  }
}

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

/** The date of wrangler.toml: what is tested is what is deployed. */
function compatibilityDate() {
  const [, date] = readFileSync(join(CHECKOUT, "wrangler.toml"), "utf8").match(/^compatibility_date = "(.+)"$/m);
  return date;
}
