// The reverse proxy of crates/hosts/wasmtime in front of an upstream of the tests.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import http from "node:http";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

const CHECKOUT = fileURLToPath(new URL("../../", import.meta.url));
const PROGRAM = process.env.WARDKEY_PROXY ?? `${CHECKOUT}target/hosts/debug/wardkey-proxy`;
const running = new Set();
after(() => Promise.all([...running].map((guard) => guard.end())));

/** A running proxy. */
export class Guard {
  /** All that it has written. */
  said = "";
  #process;
  #ended;

  /** Starts it with these options, and waits until it listens. `credential`: what it asks the registry with; `more`: other variables. */
  static async start(options, credential, more) {
    const guard = new Guard(options, credential, more);
    await Promise.race([guard.#says(/listening on (http:\S+),/), guard.#ended]);
    guard.url = /listening on (http:\S+),/.exec(guard.said)?.[1];
    if (guard.url === undefined) throw new Error(`it does not listen: ${guard.said}`);
    return guard;
  }

  /** Runs it until it ends of itself; answers its status and what it said. */
  static async outcome(options, credential) {
    const guard = new Guard(options, credential);
    const code = await guard.#ended;
    return { code, said: guard.said };
  }

  constructor(options, credential, more = {}) {
    if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is not there: cargo build --manifest-path crates/hosts/Cargo.toml --target-dir target/hosts`);
    const env = { PATH: process.env.PATH, ...(credential !== undefined && { WARDKEY_CREDENTIAL: credential }), ...more };
    const usual = { "--listen": "127.0.0.1:0", "--component": `${CHECKOUT}target/wardkey.verifying.component.wasm` };
    const all = [...Object.entries(usual).filter(([name]) => !options.includes(name)).flat(), ...options];
    this.#process = spawn(PROGRAM, all, { env, stdio: ["ignore", "pipe", "pipe"] });
    running.add(this);
    for (const stream of [this.#process.stdout, this.#process.stderr]) stream.setEncoding("utf8").on("data", (text) => (this.said += text));
    this.#ended = new Promise((ended, failed) => this.#process.on("close", ended).on("error", failed));
  }

  /** Sends a request, its headers as they are, two of a name included. */
  ask(path, { method = "GET", headers = {}, body, url = this.url } = {}) {
    const { hostname, port } = new URL(url);
    return new Promise((answered, failed) => {
      const request = http.request({ hostname, port, path, method, headers, agent: false }, (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk)).on("error", failed);
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          const json = response.headers["content-type"]?.includes("json") ? JSON.parse(text) : undefined;
          answered({ status: response.statusCode, headers: response.headers, text, json });
        });
      });
      request.on("error", failed);
      request.end(body);
    });
  }

  /** Asks with a key. */
  bearer(key, path = "/reports", { headers, ...options } = {}) {
    return this.ask(path, { headers: { Authorization: `Bearer ${key}`, ...headers }, ...options });
  }

  get pid() {
    return this.#process.pid;
  }

  async end(signal = "SIGTERM") {
    running.delete(this);
    this.#process.kill(signal);
    return this.#ended;
  }

  async #says(words) {
    while (!words.test(this.said)) await new Promise((later) => setTimeout(later, 10));
  }
}

/** A service behind: says what it heard, and does what the path says. */
export class Upstream {
  heard = [];
  // A request that is broken off is no fault of the service.
  #server = http.createServer((request, response) => this.#answer(request, response).catch(() => {}));

  async listen() {
    await new Promise((done) => this.#server.listen(0, "127.0.0.1", done));
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
  }

  close() {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request, response) {
    this.heard.push({ method: request.method, path: request.url, headers: request.headers, rawHeaders: request.rawHeaders });
    if (request.url === "/silence") return;
    if (request.url === "/echo") return void request.pipe(response);
    let length = 0;
    for await (const chunk of request) length += chunk.length;
    response.writeHead(200, { "Content-Type": "application/json", Connection: "X-Only-Here", "X-Only-Here": "1", "Keep-Alive": "timeout=5", "X-Kept": "1" });
    response.end(JSON.stringify({ path: request.url, length }));
  }
}
