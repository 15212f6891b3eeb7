// What the holder of a key does, without asking anybody.

export { ready } from "#holder-module";
export * from "../errors.mjs";
export { redactingConsole } from "./console.mjs";
export { wardkeyFetch } from "./fetch.mjs";
export { inspect } from "./inspect.mjs";
export { narrow } from "./narrow.mjs";
export { pinoRedact } from "./pino.mjs";
export { findCredentials, redact } from "./redact.mjs";
