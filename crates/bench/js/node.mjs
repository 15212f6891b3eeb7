// Measures every row in this process.

import { performance } from "node:perf_hooks";
import { prepared, times } from "./prepared.mjs";
import { rowsOf } from "./peers.mjs";
import component from "./peers/component.mjs";
import { measure } from "./rounds.mjs";
import { options, write } from "./report.mjs";

const given = options();
const rows = [];
for (const row of [...rowsOf("node"), ...component]) {
  const ready = await prepared(row, given.fixture);
  const time = async (count) => {
    const start = performance.now();
    await times(ready, count);
    return performance.now() - start;
  };
  rows.push({ base: "unit", ...row, time });
}
const results = await measure(rows, given);
write(given.out, `Node ${process.versions.node}, V8 ${process.versions.v8}`, [], rows, results);
