// Pages in Chromium, and portable suites in one.

import { createServer } from "node:http";

import { chromium as driver } from "playwright-core";

import { chromium } from "../runtimes.mjs";
import { bundled, wasm } from "./bundle.mjs";

/** A browser that ends with `close()`. */
export function browser() {
  // Chromium's own walls want a user who is not root.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return driver.launch({ executablePath: chromium(), args });
}

const TYPES = { html: "text/html; charset=utf-8", mjs: "text/javascript", js: "text/javascript", json: "application/json", css: "text/css", wasm: "application/wasm" };

/** A server of these files, by their paths; `origin` says where. */
export class Files {
  /** Paths that were asked for. */
  asked = [];
  #server;

  /** `file`: gives the bytes or the text of a path, or undefined. */
  constructor(file) {
    this.#server = createServer((request, response) => {
      const path = new URL(request.url, "http://files.test").pathname;
      this.asked.push(path);
      const contents = file(path);
      response.writeHead(contents === undefined ? 404 : 200, { "Content-Type": TYPES[path === "/" ? "html" : path.split(".").at(-1)] ?? "application/octet-stream" });
      response.end(contents);
    });
  }

  async listen() {
    await new Promise((up) => this.#server.listen(0, "127.0.0.1", up));
    this.origin = `http://127.0.0.1:${this.#server.address().port}`;
  }

  close() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** What came of the tests of these files in a page. */
export async function outcomeInChromium(files) {
  const served = new Map([["/", "<!doctype html>"], ["/favicon.ico", ""], ["/suites.mjs", await bundled(files, { platform: "browser" })], ...wasm().map(([name, bytes]) => [`/${name}`, bytes])]);
  const server = new Files((path) => served.get(path));
  const [opened] = await Promise.all([browser(), server.listen()]);
  try {
    const page = await opened.newPage();
    await page.goto(`${server.origin}/`);
    return await page.evaluate("import('/suites.mjs').then(({ outcome }) => outcome())");
  } finally {
    await opened.close();
    server.close();
  }
}
