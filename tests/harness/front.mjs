// Something in front of the registry that changes how its answers arrive, or whether: what they say is the registry's.

import http from "node:http";
import https from "node:https";
import { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

const running = [];
after(() => running.forEach((front) => front.end()));

/** Long enough for what came before it to be read alone, in milliseconds. */
const PAUSE_MS = 30;

export class Front {
  /** `whole`; `pieces`: headers, half of the body, and the rest, each alone; `cut`: only half of it, and then the end. */
  manner = "whole";
  /** How many of the next requests stay without an answer. */
  silences = 0;
  /** The responses that were never begun. */
  unanswered = [];
  /** How many requests came while such a one was still waiting. */
  beside = 0;

  /** `certificate`: `{ key, cert }`, for https. */
  static async start(backend, certificate) {
    const front = new Front();
    const take = (request, response) => front.#take(new URL(request.url, backend), request, response);
    front.server = certificate ? https.createServer(certificate, take) : http.createServer(take);
    await new Promise((listening) => front.server.listen(0, "127.0.0.1", listening));
    front.port = front.server.address().port;
    front.url = `http${certificate ? "s" : ""}://127.0.0.1:${front.port}`;
    running.push(front);
    return front;
  }

  #take(url, request, response) {
    if (this.unanswered.some((response) => !response.closed)) this.beside += 1;
    if (this.silences > 0) {
      this.silences -= 1;
      return void this.unanswered.push(response);
    }
    // Plain http is refused but on this machine, and behind TLS the worker sees this machine.
    const headers = { ...request.headers, host: url.host };
    const behind = http.request(url, { method: request.method, headers }, async (answer) => {
      const chunks = [];
      for await (const chunk of answer) chunks.push(chunk);
      await this.#send(response, answer, Buffer.concat(chunks));
    });
    behind.on("error", () => response.destroy());
    request.pipe(behind);
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
