// node:assert/strict's words, as far as portable suites use them, for runtimes without that module.

class AssertionError extends Error {}

const shown = (value) => {
  try {
    return typeof value === "string" ? JSON.stringify(value) : (JSON.stringify(value) ?? String(value));
  } catch {
    return String(value);
  }
};
const fail = (message) => {
  throw message instanceof Error ? message : new AssertionError(message);
};
const ok = (value, message) => value || fail(message ?? `${shown(value)} is not true`);
const equal = (actual, expected, message) => Object.is(actual, expected) || fail(`${message ?? ""}: ${shown(actual)} is not ${shown(expected)}`);
const notEqual = (actual, expected, message) => !Object.is(actual, expected) || fail(`${message ?? ""}: ${shown(actual)}`);
const deepEqual = (actual, expected, message) => isSame(actual, expected) || fail(`${message ?? ""}: ${shown(actual)} is not ${shown(expected)}`);
const match = (text, pattern, message) => pattern.test(text) || fail(`${message ?? ""}: ${shown(text)} does not match ${pattern}`);

function throws(act, ...expected) {
  let result;
  try {
    result = act();
  } catch (error) {
    return void fits(error, ...expected);
  }
  fail(`nothing was thrown, but ${shown(result)} given`);
}

async function rejects(act, ...expected) {
  let result;
  try {
    result = await (typeof act === "function" ? act() : act);
  } catch (error) {
    return void fits(error, ...expected);
  }
  fail(`it did not reject, but gave ${shown(result)}`);
}

/** `expected`: a class, a pattern of the message, what the error's fields are, or a function that says whether it fits. */
function fits(error, expected, message) {
  if (expected === undefined || typeof expected === "string") return;
  const holds = expected instanceof RegExp ? expected.test(String(error))
    : typeof expected !== "function" ? Object.entries(expected).every(([name, value]) => isSame(error[name], value))
    : expected === Error || expected.prototype instanceof Error || expected === WebAssembly.CompileError ? error instanceof expected
    : expected(error) === true;
  if (!holds) fail(`${message ?? ""}: another error than expected: ${error?.stack ?? error}`);
}

function isSame(one, other) {
  if (Object.is(one, other)) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  if (Object.getPrototypeOf(one) !== Object.getPrototypeOf(other)) return false;
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => Object.hasOwn(other, name) && isSame(one[name], other[name]));
}

export default Object.assign(ok, { ok, equal, strictEqual: equal, notEqual, deepEqual, match, throws, rejects, fail });
