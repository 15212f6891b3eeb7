// What somebody else has thrown, as one word. Its text is never told: what a runtime says of a request may quote it, credential and all.

/** The code of an error or of what caused it, such as `ECONNREFUSED`, or its name. */
export function causeOf(error) {
  const cause = error?.cause;
  return [error?.code, cause?.code, cause?.errors?.[0]?.code, error?.name].find((word) => typeof word === "string" && WORD.test(word)) ?? "failed";
}

/** No key is as short. */
const WORD = /^[A-Za-z][A-Za-z0-9_]{1,40}$/;
