// A server that writes down what reaches it, and answers as the path says.

import { createServer } from "node:http";

/** Answers `/{status}?to={location}&{header}={value}`. */
export class Listener {
  heard = [];
  #server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      this.heard.push({ method: request.method, path: request.url, headers: request.headers, body: Buffer.concat(chunks).toString() });
      const { pathname, searchParams } = new URL(request.url, "http://a.test");
      for (const [name, value] of searchParams) if (name !== "to") response.setHeader(name, value);
      if (searchParams.has("to")) response.setHeader("location", searchParams.get("to"));
      // What a browser asks beforehand must succeed wherever the request itself leads.
      response.statusCode = request.method === "OPTIONS" ? 204 : Number(pathname.slice(1)) || 200;
      response.end("body");
    });
  });

  async listen() {
    await new Promise((done) => this.#server.listen(0, "127.0.0.1", done));
    this.origin = `http://127.0.0.1:${this.#server.address().port}`;
  }

  close() {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  get said() {
    return JSON.stringify(this.heard);
  }
}
