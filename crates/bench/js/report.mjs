// What a measurement leaves: one JSON object, in a file, because a peer prints what it likes.

import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

/** The options that `cargo xtask bench` hands over. */
export function options() {
  const { values } = parseArgs({
    options: Object.fromEntries(["rounds", "target", "warm", "seed", "fixture", "out"].map((name) => [name, { type: "string" }])),
  });
  const number = (name) => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} takes a whole number`);
    return value;
  };
  return { rounds: number("rounds"), targetMs: number("target"), warmMs: number("warm"), seed: number("seed"), out: values.out, fixture: JSON.parse(readFileSync(values.fixture, "utf8")) };
}

/** Writes what was found. */
export function write(out, runtime, notes, rows, results) {
  const told = rows.map(({ id, what, package: name, base, unit = "ns" }) => {
    const { ratio, median, minimum } = results.get(id);
    const scale = UNITS[unit];
    const row = { id, what, ratio, median: median / scale, minimum: minimum / scale, unit };
    if (base != null) row.base = base;
    if (name !== undefined) row.peer_version = `${name} ${version(name)}`;
    return row;
  });
  writeFileSync(out, `${JSON.stringify({ runtime, notes, rows: told })}\n`);
}

function version(name) {
  return JSON.parse(readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url), "utf8")).version;
}

/** Nanoseconds of each. */
const UNITS = { ns: 1, ms: 1e6 };
