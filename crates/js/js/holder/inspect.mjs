// What a key says of itself, none of it proven.

import { said } from "./instance.mjs";
import { keyText } from "./text.mjs";

/** Reads a key without a key set; all that it answers stands under `unproven`. */
export function inspect(key) {
  const { issued, narrowings, ...told } = said(keyText(key));
  const steps = [issued, ...narrowings];
  const starts = steps.flatMap(({ notBefore }) => (notBefore === undefined ? [] : [notBefore]));
  const networks = steps.flatMap((step) => (step.networks === undefined ? [] : [step.networks]));
  if (starts.length > 0) told.notBefore = Math.max(...starts);
  return { unproven: { ...told, networks, issued, narrowings } };
}
