// The components of crates/component in Node, as jco puts them there.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { transpileBytes } from "@bytecodealliance/jco-transpile";

/** The world's component: what it imports, how to make instances of it, and the core module inside. */
export async function component(world) {
  const bytes = readFileSync(new URL(`../../target/wardkey.${world}.component.wasm`, import.meta.url));
  const { files, imports } = await transpileBytes(bytes, { name: world, instantiation: "sync", noTypescript: true, wasiShim: false });
  const file = (end) => Object.entries(files).filter(([name]) => name.endsWith(end));
  const modules = new Map(file(".wasm").map(([name, code]) => [name, new WebAssembly.Module(code)]));
  const folder = mkdtempSync(join(tmpdir(), "wardkey-component-"));
  try {
    const [[name, code]] = file(`${world}.js`);
    const script = join(folder, name.replace(/\.js$/, ".mjs"));
    writeFileSync(script, code);
    const { instantiate } = await import(pathToFileURL(script).href);
    return { imports, instantiate: () => made(instantiate, modules), core: modules.get(`${world}.core.wasm`) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** An instance's exports, and the memory behind them, which no host of components shows. */
function made(instantiate, modules) {
  let memory;
  const exports = instantiate((name) => modules.get(name), {}, (module, imports) => {
    const instance = new WebAssembly.Instance(module, imports);
    memory ??= instance.exports.memory;
    return instance;
  });
  return { ...exports, memory };
}

/** A result of the WIT: what it gives, or `{ error }` as its error says. */
export function result(call) {
  try {
    return { ok: call() };
  } catch (error) {
    // jco throws the error itself; what else is thrown is a trap, or a value that the WIT has no place for.
    if (error instanceof Error) throw error;
    return { error };
  }
}

/** What the registry says of a key that is alive. `claims`: of its question; `unproven`: what the key says of itself. */
export function alive({ tenant, audience, keyId, statusIndex, subject }, { expiresAtS, narrowings }, sequence) {
  return { tag: "alive", val: { tenant, audience, keyId, statusIndex, subject, expiresAtS, narrowed: narrowings.length > 0, sequence: BigInt(sequence) } };
}

/** An address of 4 or 16 bytes as `ip-address`. */
export function ipAddress(bytes) {
  if (bytes.length === 4) return { tag: "ipv4", val: [...bytes] };
  return { tag: "ipv6", val: Array.from({ length: 8 }, (_, place) => bytes[2 * place] * 256 + bytes[2 * place + 1]) };
}

/** `ip-address` and a prefix length in CIDR notation, each group in full. */
export function cidr({ address: { tag, val }, prefixLength }) {
  const text = tag === "ipv4" ? val.join(".") : val.map((group) => group.toString(16)).join(":");
  return `${text}/${prefixLength}`;
}
