export * from "../errors.mjs";
export * from "./console.mjs";
export * from "./fetch.mjs";
export * from "./inspect.mjs";
export * from "./narrow.mjs";
export * from "./pino.mjs";
export * from "./redact.mjs";

/**
 * Fulfilled when the wasm module is there: at once in Node, Deno, Bun and Workers; in browsers when it has been fetched, rejected if it
 * could not be. `wardkeyFetch` does not need it.
 */
export const ready: Promise<void>;
