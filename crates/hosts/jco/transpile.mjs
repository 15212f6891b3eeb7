// `node transpile.mjs COMPONENT FOLDER`: makes JavaScript and plain wasm modules of a component, with its types beside them.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

import { transpileBytes } from "@bytecodealliance/jco-transpile";

/** Writes `verifying.js`, its modules and its types into a folder. */
export async function transpile(component, folder) {
  // No WASI: the component imports nothing, and what would want something is refused here.
  const { files, imports } = await transpileBytes(readFileSync(component), { name: "verifying", instantiation: "sync", wasiShim: false });
  if (imports.length > 0) throw new Error(`the component asks its host for ${imports.join(", ")}`);
  for (const [name, content] of Object.entries(files)) {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, name === "verifying.js" ? silent(Buffer.from(content).toString()) : content);
  }
  // What is beside it is a module whatever the project around it says.
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
}

/**
 * Without jco's debug output: at every step of every call it asks the environment whether it is wanted, which takes a third of a
 * verification's time.
 */
function silent(code) {
  const [front, ...rest] = code.split(DEBUG_LOG);
  if (rest.length !== 1) throw new Error("jco's output is not as it was: look for its debug log");
  return `${front}const _debugLog = () => {};${rest[0]}`;
}

const DEBUG_LOG = /const _debugLog = \(\.\.\.args\) => \{\s*if \(!globalThis\?\.process\?\.env\?\.JCO_DEBUG\) \{ return; \}\s*console\.debug\(\.\.\.args\);\s*\};/;

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [component, folder] = process.argv.slice(2);
  if (folder === undefined) throw new Error("usage: node transpile.mjs COMPONENT FOLDER");
  await transpile(component, folder);
}
