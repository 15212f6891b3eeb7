// The holder's module in browsers: fetched from beside this file. Bundlers know the form of this URL and bring the file along.

export let module;

export const ready = compiled(new URL("./wardkey.holder.wasm", import.meta.url)).then((done) => {
  module = done;
});
// Whoever waits is told; nobody else has to be.
ready.catch(() => {});

async function compiled(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the module cannot be fetched: HTTP ${response.status}`);
  // Any other type is refused by `compileStreaming`, parameters included, and some servers do not know this one.
  const isWasm = response.headers.get("content-type") === "application/wasm";
  return isWasm && WebAssembly.compileStreaming ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}
