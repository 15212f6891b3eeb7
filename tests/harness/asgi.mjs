// The example of crates/hosts/python under uvicorn, as a child process.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { after } from "node:test";

import { eventually } from "./client.mjs";
import { freePort } from "./proxy.mjs";

const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url));
const PYTHON = process.env.WARDKEY_HOST_PYTHON ?? `${CHECKOUT}/.tools/python-host/bin/python3`;

const running = [];
after(() => Promise.all(running.map((one) => one.end())));

/** uvicorn with the guarded application. */
export class Asgi {
  /** What it has said on both channels. */
  said = "";
  #process;

  /** Starts it against a registry; answers when it listens. */
  static async start({ registry, credential }) {
    if (!existsSync(PYTHON)) throw new Error(`there is no ${PYTHON}: cargo xtask test brings it`);
    const asgi = new Asgi();
    const port = await freePort();
    asgi.url = `http://127.0.0.1:${port}`;
    asgi.#process = spawn(
      PYTHON,
      ["-m", "uvicorn", "--app-dir", "example", "--host", "127.0.0.1", "--port", `${port}`, "--no-access-log", "app:app"],
      {
        cwd: `${CHECKOUT}/crates/hosts/python`,
        env: { ...process.env, PYTHONPATH: ".", PYTHONDONTWRITEBYTECODE: "1", WARDKEY_URL: registry, WARDKEY_CREDENTIAL: credential },
      },
    );
    running.push(asgi);
    for (const channel of ["stdout", "stderr"]) asgi.#process[channel].on("data", (chunk) => (asgi.said += chunk));
    await eventually("uvicorn listens", () => fetch(`${asgi.url}/healthz`).then((answer) => answer.ok, () => false), 20_000);
    return asgi;
  }

  /** What the verifier of a process rests on. */
  async status() {
    return (await (await fetch(`${this.url}/healthz`)).json()).verifier;
  }

  async end() {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = new Promise((exited) => this.#process.once("exit", exited));
    this.#process.kill("SIGTERM");
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), 5_000);
    await gone;
    clearTimeout(timer);
  }
}
