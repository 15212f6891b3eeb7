// Something in front of the registry that changes how its answers arrive: what they say is the registry's.

import http from "node:http";
import { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

const running = [];
after(() => running.forEach((front) => front.end()));

/** Long enough for what came before it to be read alone, in milliseconds. */
const PAUSE_MS = 30;

export class Front {
  /** `whole`; `pieces`: headers, half of the body, and the rest, each alone; `cut`: only half of it, and then the end. */
  manner = "whole";

  static async start(backend) {
    const front = new Front();
    front.server = http.createServer((request, response) => {
      const { host } = new URL(backend);
      const behind = http.request(new URL(request.url, backend), { method: request.method, headers: { ...request.headers, host } }, async (answer) => {
        const chunks = [];
        for await (const chunk of answer) chunks.push(chunk);
        await front.#send(response, answer, Buffer.concat(chunks));
      });
      behind.on("error", () => response.destroy());
      request.pipe(behind);
    });
    await new Promise((listening) => front.server.listen(0, "127.0.0.1", listening));
    front.url = `http://127.0.0.1:${front.server.address().port}`;
    running.push(front);
    return front;
  }

  async #send(response, { statusCode, headers }, body) {
    response.writeHead(statusCode, headers);
    if (this.manner === "whole") return response.end(body);
    const half = body.length >> 1;
    response.flushHeaders();
    await sleep(PAUSE_MS);
    response.write(body.subarray(0, half));
    await sleep(PAUSE_MS);
    if (this.manner === "cut") return response.destroy();
    response.end(body.subarray(half));
  }

  end() {
    this.server.closeAllConnections();
    this.server.close();
  }
}
