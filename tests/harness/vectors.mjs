// The vectors, as their cases say.

import { vectorFile } from "./artefacts.mjs";

/** The cases of a vector file, its shared values put in; by `read` as JSON.parse takes it. */
export function vectors(name, read) {
  const { shared, cases } = vectorFile(name, read);
  const whole = (value) => {
    if (typeof value === "string" && value.startsWith("@")) return whole(shared[value.slice(1)]);
    if (Array.isArray(value)) return value.map(whole);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, whole(each)]));
  };
  return cases.map((each) => ({ ...each, case: whole(each.case) }));
}

/** Whole numbers that no double holds, as BigInts. */
export const exactly = (_, value, { source }) => (typeof value === "number" && !Number.isSafeInteger(value) && /^\d+$/.test(source) ? BigInt(source) : value);
