// `wardkey`: what protects an API.

import { compiled } from "#verifier-module";
import { Verifier } from "./verifier/verifier.mjs";

export * from "./errors.mjs";
export { Decision } from "./verifier/decision.mjs";
export { Verifier };

/**
 * A verifier of one audience, with its key set and list.
 *
 * @param {import("./index.d.mts").VerifierOptions} options
 */
export const createVerifier = (options) => Verifier.of(compiled, options);
