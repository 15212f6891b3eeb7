// Bytes to a socket, bytes from a socket: for what no HTTP client would send.

import net from "node:net";

/** Sends pieces, each after its pause in milliseconds, and answers what came back until the other end closed. */
export async function raw(worker, ...pieces) {
  const { hostname, port } = new URL(worker.url);
  const socket = net.connect(Number(port), hostname);
  const chunks = [];
  const closed = new Promise((resolve) => {
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("close", resolve);
    // A peer that has answered and closed need not read the rest.
    socket.on("error", resolve);
  });
  const started = performance.now();
  for (const piece of pieces) {
    if (typeof piece === "number") await Promise.race([new Promise((later) => setTimeout(later, piece)), closed]);
    else if (!socket.destroyed) socket.write(piece);
  }
  await closed;
  const bytes = Buffer.concat(chunks);
  const end = bytes.indexOf("\r\n\r\n");
  const [statusLine = "", ...lines] = bytes.subarray(0, end === -1 ? undefined : end).toString("latin1").split("\r\n");
  const answer = {
    status: Number(statusLine.split(" ")[1]),
    headers: Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()])),
    // What stands behind the headers as it came: in chunks, where it came in chunks.
    body: end === -1 ? Buffer.alloc(0) : bytes.subarray(end + 4),
    get text() {
      return this.body.toString("utf8");
    },
    tookMs: performance.now() - started,
    get json() {
      return JSON.parse(this.text);
    },
    get requestId() {
      return this.headers["wardkey-request-id"];
    },
  };
  worker.exchanges.push({ method: "raw", path: pieces[0].toString("latin1").split("\r\n")[0], answer });
  return answer;
}

/** A request line and headers, with what every request needs. */
export function lines(method, target, headers = {}) {
  const all = { Host: "localhost", Connection: "close", ...headers };
  const fields = Object.entries(all).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}`));
  return [`${method} ${target} HTTP/1.1`, ...fields, "", ""].join("\r\n");
}
