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
  const { tenant, ...rest } = wholeOf(database, { without: ["audit", "sqlite_sequence", "head", "outbox"] });
  return { ...rest, tenant: tenant.map((row) => rowText({ ...JSON.parse(row), last_time: undefined })) };
}

/** Opens the database of a tenant among the files of a worker's state. */
export function openBook(files, tenant) {
  for (const path of files.filter((path) => path.endsWith(".sqlite"))) {
    const database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
    const isBook = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'tenant'").get();
    if (isBook && database.prepare("SELECT 1 FROM tenant WHERE number = ?").get(tenant)) return database;
    database.close();
  }
  throw new Error(`tenant ${tenant} has no book`);
}

const rowText = (row) => JSON.stringify(row, (_, value) => (value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value));
