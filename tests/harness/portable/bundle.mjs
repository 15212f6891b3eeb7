// Portable suites as one module, for runtimes that read no files: as workerd is given them, or a browser.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const TESTS = fileURLToPath(new URL("../../", import.meta.url));
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const VECTORS = ["adopt", "key", "mint_narrow", "scan", "verify"];
const MODULES = ["verifier", "verifier.scalar", "holder"];

/** The raw modules by the names that a bundle knows them by. */
export const wasm = () => MODULES.map((name) => [`wardkey.${name}.wasm`, readFileSync(new URL(`../../../target/wardkey.${name}.wasm`, import.meta.url))]);

/** How a bundle gets at a compiled module, by where it runs. */
const COMPILED = {
  workerd: (name, place) => `import module${place} from "./wardkey.${name}.wasm";`,
  browser: (name, place) => `const module${place} = await WebAssembly.compileStreaming(fetch("/wardkey.${name}.wasm"));`,
};

/**
 * The text of a module that gives `outcome()`: what came of the tests of these files. `platform`: `workerd` or `browser`; `node`: with
 * Node's own assertions, where they are to be had.
 */
export async function bundled(files, { platform, node = false }) {
  const entry = `
    import { load, run } from "node:test";
    export async function outcome() {
      ${files.map((file) => `await load(${JSON.stringify(file)}, () => import("./${file}"));`).join("\n")}
      return run();
    }
    ${platform === "workerd" ? "export default { fetch: async () => Response.json(await outcome()) };" : ""}`;
  const artefacts = [
    ...VECTORS.map((name, place) => `import vectors${place} from "./vectors/${name}.json";`),
    ...MODULES.map((name, place) => COMPILED[platform](name, place)),
    `const files = { ${VECTORS.map((name, place) => `${name}: vectors${place}`).join(", ")} };`,
    `const modules = { ${MODULES.map((name, place) => `"${name}": module${place}`).join(", ")} };`,
    "export const vectorFile = (name) => structuredClone(files[name]);",
    "export const compiled = (name) => modules[name];",
  ].join("\n");
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: TESTS, sourcefile: "suites.mjs" }, bundle: true, write: false, format: "esm", target: "es2022",
    conditions: platform === "workerd" ? ["workerd", "worker"] : ["browser"],
    external: ["*.wasm", "cloudflare:*", ...(node ? ["node:assert/strict", "node:net", "node:crypto"] : [])],
    plugins: [{
      name: "portable",
      setup(builder) {
        builder.onResolve({ filter: /^node:test$/ }, () => ({ path: here("test.mjs") }));
        if (!node) builder.onResolve({ filter: /^node:assert\/strict$/ }, () => ({ path: here("assert.mjs") }));
        builder.onResolve({ filter: /\/artefacts\.mjs$/ }, () => ({ path: "artefacts", namespace: "artefacts" }));
        builder.onLoad({ filter: /./, namespace: "artefacts" }, () => ({ contents: artefacts, resolveDir: TESTS }));
      },
    }],
  });
  return outputFiles[0].text;
}
