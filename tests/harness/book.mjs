// A tenant's database, read from outside the worker.

import { DatabaseSync } from "node:sqlite";

/** Every row of every table but workerd's own, as text, to be compared with itself later. */
export function wholeOf(database, { without = [] } = {}) {
  const sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\' ORDER BY name";
  const tables = database.prepare(sql).all().filter(({ name }) => !without.includes(name));
  return Object.fromEntries(tables.map(({ name }) => [name, database.prepare(`SELECT * FROM "${name}"`).all().map(rowText)]));
}

/** The same without the log, and without what changes by itself: what only a mutation changes. */
export function standingIn(database) {
  const { tenant, ...rest } = wholeOf(database, { without: ["audit", "sqlite_sequence", "refusal_count", "head", "outbox", "list_copy", "directory_report"] });
  return { ...rest, tenant: tenant.map((row) => rowText({ ...JSON.parse(row), last_time: undefined })) };
}

/** Opens the database of a tenant among the files of a worker's state; undefined when there is none. */
export function openBook(files, tenant) {
  // A book without its tenant's row is half a book: whoever looks shall see it.
  return open(files, (database) => has(database, "tenant") && (database.prepare("SELECT number FROM tenant").get()?.number ?? tenant) === tenant);
}

/** Opens the database of the directory of tenants; undefined when there is none. */
export function openDirectory(files) {
  return open(files, (database) => has(database, "listed_tenant"));
}

/** What `read` finds in a database, which is closed then; undefined without one. */
export function reading(database, read) {
  try {
    return database && read(database);
  } finally {
    database?.close();
  }
}

/** Opens the databases of all tenants, one after the other: whoever takes one closes it. */
export function openBooks(files) {
  return opened(files, (database) => has(database, "tenant"));
}

const open = (files, isWanted) => opened(files, isWanted).next().value;

function* opened(files, isWanted) {
  for (const path of files.filter((path) => path.endsWith(".sqlite"))) {
    const database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
    if (isWanted(database)) yield database;
    else database.close();
  }
}

const has = (database, table) => database.prepare("SELECT 1 FROM sqlite_master WHERE name = ?").get(table) !== undefined;

const rowText = (row) => JSON.stringify(row, (_, value) => (value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value));
