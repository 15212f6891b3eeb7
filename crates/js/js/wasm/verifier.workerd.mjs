// The verifier's module in Cloudflare Workers, which compile none at run time.

/** Compiled when the Worker was uploaded. */
export { default as compiled } from "./wardkey.verifier.wasm";
