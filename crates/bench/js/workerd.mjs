// Measures every row that workerd runs, from outside: the time of a request that runs it so many times, less that of a request
// that runs nothing.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { bundled } from "./bundle.mjs";
import { rowsOf } from "./peers.mjs";
import { measure, median } from "./rounds.mjs";
import { options, write } from "./report.mjs";

const root = createRequire(new URL("../../../package.json", import.meta.url));
const { Miniflare } = root("miniflare");
const here = fileURLToPath(new URL(".", import.meta.url));
/** Empty requests before each row of each round. */
const BLANKS = 5;

const given = options();
const manifest = await bundled(here, root("esbuild"), given.fixture);
const miniflare = new Miniflare({
  workers: [
    {
      config: { name: "bench", compatibilityDate: compatibilityDate(), compatibilityFlags: ["nodejs_compat"], manifest },
      // A socket of its own: what comes that way, miniflare's own code does not see.
      dev: { rootPath: here, unsafeDirectSockets: [{ host: "127.0.0.1", port: 0, entrypoint: "default" }] },
    },
  ],
  host: "127.0.0.1",
  port: 0,
  cf: false,
  enableDevRegistry: false,
  telemetry: { enabled: false },
});
try {
  await miniflare.ready;
  const { origin: url } = await miniflare.unsafeGetDirectURL("bench");
  const asked = async (path) => {
    const start = performance.now();
    const response = await fetch(new URL(path, url));
    const text = await response.text();
    return { ms: performance.now() - start, text, ok: response.ok };
  };
  const rows = [];
  let empty = 0;
  const shares = [];
  for (const row of rowsOf("workerd")) {
    const path = `row=${encodeURIComponent(row.id)}`;
    const { ok, text } = await asked(`/prepare?${path}`);
    if (!ok) throw new Error(text);
    const time = async (count) => {
      const blanks = [];
      for (let n = 0; n < BLANKS; n += 1) blanks.push((await asked("/empty")).ms);
      // The shortest: one that was held up would be taken off what was not.
      empty = Math.min(...blanks);
      const run = await asked(`/run?${path}&count=${count}`);
      if (!run.ok) throw new Error(`${row.id}: ${run.text}`);
      const ms = Math.max(run.ms - empty, 0.001);
      if (ms > given.targetMs) shares.push(Number(run.text) / ms);
      return ms;
    };
    rows.push({ base: "unit", ...row, time });
  }
  // WHY: a request more or less costs up to a millisecond, which longer rounds make small.
  const results = await measure(rows, { ...given, targetMs: 4 * given.targetMs });
  const share = (100 * median(shares)).toFixed(1);
  const note = `an empty request took ${empty.toFixed(2)} ms; workerd's own clock, which moves here, saw ${share} % of what is told`;
  write(given.out, `workerd ${root("workerd/package.json").version}`, [note], rows, results);
} finally {
  await miniflare.dispose();
}

/** That of wrangler.toml: the runtime as our own Worker has it. */
function compatibilityDate() {
  const [, date] = readFileSync(new URL("../../../wrangler.toml", import.meta.url), "utf8").match(/^compatibility_date = "(.+)"$/m);
  return date;
}
