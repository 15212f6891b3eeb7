// Serves this folder to this machine. Any other server of files will do as well, by https or on localhost.

import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const TYPES = { ".html": "text/html; charset=utf-8", ".css": "text/css", ".mjs": "text/javascript", ".wasm": "application/wasm" };

const server = createServer((request, response) => {
  // An address has no way up in it, and is not decoded: so it stays within this folder.
  const { pathname } = new URL(request.url, "http://localhost");
  const path = pathname === "/" ? "/index.html" : pathname;
  const type = TYPES[extname(path)];
  const missing = () => response.writeHead(404).end();
  if (type === undefined) return missing();
  const file = createReadStream(FOLDER + path);
  file.on("error", missing);
  file.on("open", () => file.pipe(response.writeHead(200, { "Content-Type": type, "Cache-Control": "no-store" })));
});
server.listen(Number(process.env.PORT ?? 8080), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
