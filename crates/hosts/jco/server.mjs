// An API behind a guard: `WARDKEY_URL=… WARDKEY_CREDENTIAL_FILE=… node server.mjs FOLDER`, where `transpile.mjs` has written its files.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import http from "node:http";
import { pathToFileURL } from "node:url";

import { compiled } from "./component.mjs";
import { Guard } from "./guard.mjs";
import { Registry } from "./registry.mjs";

/** The server, not listening yet. */
export async function server({ folder, url, credential, audience }) {
  const guard = new Guard(await compiled(folder), new Registry({ url, credential, audience }));
  const told = (request, response, { subject, keyId, zone }) => {
    response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify({ subject, key_id: keyId, zone }));
  };
  const routes = {
    "/reports": guard.protect("reports:read", told),
    "/from-here": guard.protect("reports:read", told, { address: (request) => request.socket.remoteAddress }),
    "/purge": guard.protect("reports:purge", told),
    "/healthz": (request, response) => response.end(JSON.stringify(guard.status ?? null, (_, value) => (typeof value === "bigint" ? Number(value) : value))),
  };
  return http.createServer(async (request, response) => {
    try {
      const route = routes[request.url.split("?")[0]];
      if (route === undefined) response.writeHead(404).end();
      else await route(request, response);
    } catch (error) {
      console.error(error);
      response.writeHead(500).end();
    }
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { WARDKEY_URL: url, WARDKEY_CREDENTIAL_FILE: file, PORT: port = "8080" } = process.env;
  const [folder] = process.argv.slice(2);
  if (folder === undefined || folder.startsWith("-") || !url || !file) {
    console.error("usage: WARDKEY_URL=URL WARDKEY_CREDENTIAL_FILE=FILE [PORT=8080] node server.mjs FOLDER, where transpile.mjs has written its files");
    process.exit(1);
  }
  // Read anew for each question: the next generation needs no restart.
  const credential = () => readFile(file, "utf8");
  try {
    await credential();
    const listening = (await server({ folder, url, credential })).listen(port, "127.0.0.1");
    await once(listening, "listening");
    console.log(`http://127.0.0.1:${port}`);
  } catch (error) {
    console.error(`error: ${error.message}`);
    process.exit(1);
  }
}
