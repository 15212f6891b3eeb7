// Real proxies as child processes, each on the very configuration that the README shows, and a service behind them
// that remembers what reached it.

import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

import { Answer, eventually } from "./client.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const CONFIGURATIONS = resolve(HERE, "../proxies");
const UNPACKED = resolve(HERE, "../../.tools/proxies");

const PROGRAMS = {
  nginx: process.env.WARDKEY_NGINX ?? first(join(UNPACKED, "usr/sbin/nginx"), "/usr/sbin/nginx", "nginx"),
  caddy: process.env.WARDKEY_CADDY ?? first(join(UNPACKED, "usr/bin/caddy"), "/usr/bin/caddy", "caddy"),
};

function first(...places) {
  return places.find((place) => !place.includes("/") || existsSync(place));
}

const running = [];
after(() => Promise.all(running.map((one) => one.end())));

/** What the shown configuration says, with this run's places in place of its own. */
function configured(file, changes) {
  let text = readFileSync(join(CONFIGURATIONS, file), "utf8");
  for (const [shown, here] of Object.entries(changes)) {
    if (!text.includes(shown)) throw new Error(`${file} does not say ${shown}`);
    text = text.replaceAll(shown, here);
  }
  return text;
}

export async function freePort() {
  const server = net.createServer();
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

/** A service that remembers every request that reached it, and answers 200, or what it is told to. */
export class Service {
  requests = [];
  status = 200;

  static async start() {
    const service = new Service();
    service.server = http.createServer((request, response) => service.#take(request, response));
    service.server.on("upgrade", (request, socket) => {
      service.requests.push(remembered(request, 0));
      socket.end("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello");
    });
    await new Promise((listening) => service.server.listen(0, "127.0.0.1", listening));
    service.port = service.server.address().port;
    running.push(service);
    return service;
  }

  async #take(request, response) {
    let length = 0;
    for await (const chunk of request) length += chunk.length;
    this.requests.push(remembered(request, length));
    response.writeHead(this.status, { "Content-Type": "text/plain" });
    response.end("the service");
  }

  /** What has come since the last look. */
  seen() {
    return this.requests.splice(0);
  }

  end() {
    this.server.closeAllConnections();
    return new Promise((closed) => this.server.close(closed));
  }
}

function remembered(request, length) {
  const { method, url, rawHeaders } = request;
  const headers = [];
  for (let at = 0; at < rawHeaders.length; at += 2) headers.push([rawHeaders[at], rawHeaders[at + 1]]);
  const values = (name) => headers.filter(([one]) => one.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  return { method, url, headers, values, length };
}

export class Proxy {
  exchanges = [];
  log = "";

  /**
   * Starts a proxy that ends with the test file. `kind`: `nginx` or `caddy`. `backend`: the Worker's origin. `changes`:
   * further texts of the configuration and what stands there instead. `roots`: a file of the certificates that are
   * trusted on this machine, for a proxy that looks for them there.
   */
  static async start(kind, { backend, service, changes = {}, roots }) {
    const proxy = new Proxy();
    proxy.kind = kind;
    proxy.folder = mkdtempSync(join(tmpdir(), `wardkey-${kind}-`));
    const port = await freePort();
    proxy.url = `http://127.0.0.1:${port}`;
    running.push(proxy);
    const here = {
      ...(kind === "nginx"
        ? { "127.0.0.1:8080": `127.0.0.1:${port}` }
        : { "api.example.com {": `http://api.example.com:${port} {\n\tbind 127.0.0.1` }),
      "127.0.0.1:3000": `127.0.0.1:${service.port}`,
      "https://wardkey.example.com": backend,
      // What is left of it names the host, and on the machine itself plain http is taken.
      "wardkey.example.com": "localhost",
      ...changes,
    };
    proxy.#spawn(kind === "nginx" ? proxy.#nginx(here) : proxy.#caddy(here), roots && { SSL_CERT_FILE: roots });
    await eventually(`${kind} listens: ${proxy.log}`, () => proxy.#listens(port), 10_000).catch((error) => {
      throw new Error(`${error.message}\n${proxy.log}`);
    });
    return proxy;
  }

  #nginx(here) {
    writeFileSync(join(this.folder, "site.conf"), configured("nginx.conf", here));
    // As packages bring it, in short: what is tried stands in site.conf.
    const main = `
      daemon off;
      ${process.getuid() === 0 ? "user root;" : ""}
      worker_processes 2;
      pid ${this.folder}/nginx.pid;
      error_log stderr info;
      events { worker_connections 256; }
      http {
        access_log off;
        client_max_body_size 8m;
        client_body_temp_path ${this.folder}/body;
        proxy_temp_path ${this.folder}/proxy;
        fastcgi_temp_path ${this.folder}/fastcgi;
        uwsgi_temp_path ${this.folder}/uwsgi;
        scgi_temp_path ${this.folder}/scgi;
        include ${this.folder}/site.conf;
      }`;
    writeFileSync(join(this.folder, "main.conf"), main);
    return [PROGRAMS.nginx, "-p", this.folder, "-e", "stderr", "-c", join(this.folder, "main.conf")];
  }

  #caddy(here) {
    const options = "{\n\tadmin off\n\tauto_https off\n}\n";
    writeFileSync(join(this.folder, "Caddyfile"), options + configured("Caddyfile", here));
    return [PROGRAMS.caddy, "run", "--adapter", "caddyfile", "--config", join(this.folder, "Caddyfile")];
  }

  #spawn([program, ...options], more) {
    // Caddy keeps its things at home.
    const env = { ...process.env, HOME: this.folder, XDG_DATA_HOME: this.folder, XDG_CONFIG_HOME: this.folder, ...more };
    this.child = spawn(program, options, { cwd: this.folder, env, stdio: ["ignore", "pipe", "pipe"] });
    for (const channel of [this.child.stdout, this.child.stderr]) channel.on("data", (text) => (this.log += text));
    this.gone = new Promise((gone) => {
      this.child.on("exit", gone);
      this.child.on("error", (error) => {
        this.log += error.message;
        gone();
      });
    });
  }

  async #listens(port) {
    if (this.child.exitCode !== null) throw new Error(`${this.kind} ended`);
    return new Promise((resolve) => {
      const socket = net.connect(port, "127.0.0.1");
      socket.on("connect", () => resolve(true));
      socket.on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
  }

  /** Sends a request; headers are pairs, so that a name may come twice and in any spelling. `chunks`: a
   * body whose length the headers tell, or not. */
  request(method, path, headers = [], { body, chunks, agent } = {}) {
    const { hostname, port } = new URL(this.url);
    const lines = [["Host", "api.example.com"], ...headers];
    if (body !== undefined) lines.push(["Content-Length", String(body.length)]);
    return new Promise((resolve, reject) => {
      const options = { hostname, port, method, path, headers: lines.flat(), agent: agent ?? false };
      const request = http.request(options, (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => resolve(Object.assign(new Answer(response, Buffer.concat(chunks)), { reused: request.reusedSocket })));
      });
      request.on("upgrade", (response, socket) => {
        socket.destroy();
        resolve(new Answer(response, Buffer.alloc(0)));
      });
      request.on("error", reject);
      request.end(body ?? chunks);
    });
  }

  async end() {
    this.child.kill("SIGTERM");
    await this.gone;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A certificate for a name, made for this run, or one that nobody trusts. */
export function certificate(folder, name) {
  const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)];
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`, "-keyout", key, "-out", cert], { stdio: "ignore" });
  return { key: readFileSync(key), cert: readFileSync(cert), path: cert };
}
