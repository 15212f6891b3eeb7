// A service of wasi:http with the guard of crates/hosts/wasi-http in front of it, in `wasmtime serve`.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import http from "node:http";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

const CHECKOUT = fileURLToPath(new URL("../../", import.meta.url));
const WASMTIME = process.env.WARDKEY_WASMTIME ?? `${CHECKOUT}.tools/wasmtime/bin/wasmtime-serve`;
const COMPONENT = process.env.WARDKEY_GUARDED ?? `${CHECKOUT}target/wardkey.guarded.wasm`;
const running = new Set();
after(() => Promise.all([...running].map((guarded) => guarded.end())));

/** One instance for as long as the process lives, for many calls at once. */
export const LASTING = ["--max-instance-reuse-count", "1000000000", "--max-instance-concurrent-reuse-count", "1000", "--idle-instance-timeout", "3600s"];

/** A running host. */
export class Guarded {
  /** All that it has written. */
  said = "";
  #process;
  #ended;
  #isOver = false;

  /** Starts it with these settings, and waits until it listens. */
  static async start(settings, options = LASTING) {
    const guarded = new Guarded(settings, options);
    const listens = /Serving HTTP on (http:\S+)\/\s/;
    await guarded.says(listens);
    guarded.url = listens.exec(guarded.said)[1];
    return guarded;
  }

  constructor(settings, options) {
    for (const file of [WASMTIME, COMPONENT]) if (!existsSync(file)) throw new Error(`${file} is not there: cargo xtask guarded`);
    const names = Object.keys(settings).flatMap((name) => ["--env", name]);
    this.#process = spawn(WASMTIME, ["serve", "-S", "cli", ...names, ...options, "--addr", "127.0.0.1:0", COMPONENT], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...settings },
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.add(this);
    for (const stream of [this.#process.stdout, this.#process.stderr]) stream.setEncoding("utf8").on("data", (text) => (this.said += text));
    this.#ended = new Promise((ended, failed) => this.#process.on("close", ended).on("error", failed)).finally(() => (this.#isOver = true));
  }

  /** Sends a request, its headers as they are, two of a name included. */
  ask(path, { method = "GET", headers = {}, body } = {}) {
    const { hostname, port } = new URL(this.url);
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

  /** Asks with a key and goes away after so many milliseconds, if there is no answer yet. */
  breakOff(key, { method, after }) {
    const { hostname, port } = new URL(this.url);
    return new Promise((done) => {
      const request = http.request({ hostname, port, path: "/", method, headers: { Authorization: `Bearer ${key}` }, agent: false });
      request.on("close", done).on("error", () => {}).on("response", (response) => response.resume());
      request.end();
      setTimeout(() => request.destroy(), after);
    });
  }

  /** Waits until it has said so. */
  async says(words) {
    while (!words.test(this.said)) {
      if (this.#isOver) throw new Error(`it has ended without ${words}: ${this.said}`);
      await new Promise((later) => setTimeout(later, 10));
    }
  }

  async end() {
    running.delete(this);
    this.#process.kill();
    return this.#ended;
  }
}
