// The worker and what it imports, as the modules that workerd takes.

import { readFile } from "node:fs/promises";
import { builtinModules } from "node:module";

/** Bundles worker.mjs; wasm stays a module of its own, because workerd compiles none at run time. */
export async function bundled(folder, { build }, fixture) {
  const wasm = new Map();
  const { outputFiles } = await build({
    absWorkingDir: folder,
    entryPoints: ["worker.mjs"],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    conditions: ["workerd", "worker", "browser", "import"],
    mainFields: ["module", "main"],
    external: ["node:*", "cloudflare:*"],
    logLevel: "silent",
    plugins: [requiredBuiltins, ours(wasm), instantiated(wasm), told(fixture)],
  });
  const modules = { "worker.js": { type: "esm", contents: outputFiles[0].text } };
  for (const [name, contents] of wasm) modules[name] = { type: "wasm", contents };
  return { mainModule: "worker.js", modulesRoot: folder, modules };
}

/** CommonJS asks for Node's own modules by `require`, of which workerd has none. */
const requiredBuiltins = {
  name: "required-builtins",
  setup(build) {
    const names = builtinModules.filter((name) => !name.startsWith("_")).map((name) => name.replaceAll("/", "\\/"));
    build.onResolve({ filter: new RegExp(`^(node:)?(${names.join("|")})$`) }, ({ path, kind }) => {
      const name = path.startsWith("node:") ? path : `node:${path}`;
      return kind === "require-call" ? { path: name, namespace: "builtin" } : { path: name, external: true };
    });
    build.onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => ({
      contents: `import builtin from '${path}'; module.exports = builtin;`,
    }));
  },
};

/** `import * as wasm from './x.wasm'` means the instance to bundlers and the module to workerd: this makes one of the other. */
const instantiated = (wasm) => ({
  name: "instantiated-wasm",
  setup(build) {
    build.onLoad({ filter: /\.wasm$/, namespace: "file" }, async ({ path }) => {
      const name = `module-${wasm.size}.wasm`;
      // A copy, because miniflare takes no Buffer.
      const contents = new Uint8Array(await readFile(path));
      wasm.set(name, contents);
      const from = [...new Set(WebAssembly.Module.imports(new WebAssembly.Module(contents)).map((each) => each.module))];
      const lines = from.map((each, place) => `import * as import${place} from ${JSON.stringify(each)};`);
      const imports = from.map((each, place) => `${JSON.stringify(each)}: import${place}`).join(", ");
      return {
        contents: [
          `import module_ from '${name}';`,
          ...lines,
          `module.exports = new WebAssembly.Instance(module_, { ${imports} }).exports;`,
        ].join("\n"),
        loader: "js",
      };
    });
    build.onResolve({ filter: /^module-\d+\.wasm$/ }, ({ path }) => ({ path: `./${path}`, external: true }));
  },
});

/** Our modules, which workerd compiles itself. */
const ours = (wasm) => ({
  name: "ours",
  setup(build) {
    build.onLoad({ filter: /wardkey_modules\.mjs$/ }, async ({ path }) => {
      const lines = [];
      for (const [name, file] of [["simd", "wardkey.verifier.wasm"], ["scalar", "wardkey.verifier.scalar.wasm"]]) {
        wasm.set(file, new Uint8Array(await readFile(new URL(`../../../target/${file}`, `file://${path}`))));
        lines.push(`import ${name} from "./${file}";`);
      }
      return { contents: [...lines, "export { simd, scalar };", "export const wasm = undefined;"].join("\n"), loader: "js" };
    });
    build.onResolve({ filter: /^\.\/wardkey\.verifier\.(scalar\.)?wasm$/ }, ({ path }) => ({ path, external: true }));
  },
});

/** What `options` has read, for a worker that reads no files. */
const told = (fixture) => ({
  name: "fixture",
  setup(build) {
    build.onResolve({ filter: /^wardkey-fixture$/ }, ({ path }) => ({ path, namespace: "fixture" }));
    build.onLoad({ filter: /.*/, namespace: "fixture" }, () => ({ contents: JSON.stringify(fixture), loader: "json" }));
  },
});
