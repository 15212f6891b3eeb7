// node:test's words, as far as portable suites use them, for runtimes without that module: workerd and browsers.

class Suite {
  before = [];
  after = [];
  beforeEach = [];
  entries = [];

  constructor(name, parent) {
    Object.assign(this, { name, parent });
  }
}

const root = new Suite("", undefined);
let current = root;

export function describe(name, body) {
  const suite = new Suite(name, current);
  current.entries.push(suite);
  current = suite;
  try {
    body();
  } finally {
    current = suite.parent;
  }
}

export const it = (name, ...rest) => current.entries.push({ name, act: rest.at(-1) });
export const before = (act) => current.before.push(act);
export const after = (act) => current.after.push(act);
export const beforeEach = (act) => current.beforeEach.push(act);

/** Loads a file of tests as a suite of its own, as Node runs each in a process of its own. */
export async function load(name, file) {
  current = new Suite(name, root);
  root.entries.push(current);
  try {
    await file();
  } finally {
    current = root;
  }
}

/** Runs what was loaded, one after the other: how many ran, which failed and why, and what they have printed. */
export async function run() {
  const outcome = { tests: 0, failures: [], said: [] };
  const { log } = console;
  console.log = (...values) => outcome.said.push(values.join(" "));
  try {
    await runSuite(root, [], [], outcome);
  } finally {
    console.log = log;
  }
  return outcome;
}

async function runSuite(suite, names, outerEach, outcome) {
  const each = [...outerEach, ...suite.beforeEach];
  const attempt = async (name, ...acts) => {
    try {
      for (const act of acts) await inTime(act);
    } catch (error) {
      outcome.failures.push({ name: [...names, name].join(" › "), error: `${error?.stack ?? error}` });
    }
  };
  await attempt("before", ...suite.before);
  for (const entry of suite.entries) {
    if (entry instanceof Suite) {
      await runSuite(entry, [...names, entry.name], each, outcome);
    } else {
      outcome.tests += 1;
      await attempt(entry.name, ...each, entry.act);
    }
  }
  await attempt("after", ...suite.after);
}

function inTime(act) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error("not done in a minute")), 60_000)));
  return Promise.race([(async () => act())(), late]).finally(() => clearTimeout(timer));
}
