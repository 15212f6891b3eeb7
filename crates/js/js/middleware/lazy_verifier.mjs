// One verifier for all requests of a process or an isolate, made at the first of them.

import { createVerifier } from "../index.mjs";

/** A function that gives the verifier: of options, of a function that makes them of what a request brings, or of a verifier. */
export function lazily(given) {
  let made;
  return (context) => {
    if (typeof given?.verify === "function") return given;
    made ??= Promise.resolve(typeof given === "function" ? given(context) : given)
      .then((found) => (typeof found?.verify === "function" ? found : createVerifier(found)))
      .catch((error) => {
        // The next request tries again: the registry may be away for a moment only.
        made = undefined;
        throw error;
      });
    return made;
  };
}

/** What is answered while there is no verifier: never the wrapped handler's answer. */
export const NO_VERIFIER = "no_key_set";
