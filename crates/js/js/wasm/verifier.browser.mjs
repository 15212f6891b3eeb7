// In a browser there is no verifier: a key set is a secret that mints keys, and whoever opens the page could read it.

import { OptionError } from "../errors.mjs";

/** Throws as soon as a verifier is made. */
export const compiled = undefined;

throw new OptionError("no_verifier_in_browsers", "a key set is a secret and must not reach a browser; `wardkey/holder` works there");
