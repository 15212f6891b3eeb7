// A tenant's database, read from outside the worker.

import { DatabaseSync } from "node:sqlite";

export class Book {
  #database;

  constructor(path) {
    this.#database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  }

  /** The book of a tenant among the files of a worker's state; undefined when there is none. */
  static find(files, tenant) {
    for (const path of files.filter((path) => path.endsWith(".sqlite"))) {
      const book = new Book(path);
      if (book.#isOf(tenant)) return book;
      book.close();
    }
    return undefined;
  }

  query(sql, ...values) {
    return this.#database.prepare(sql).all(...values);
  }

  /** Every row of every table but workerd's own, as text, to be compared with itself later. */
  whole({ without = [] } = {}) {
    const tables = this.query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\' ORDER BY name");
    const wanted = tables.filter(({ name }) => !without.includes(name));
    return Object.fromEntries(wanted.map(({ name }) => [name, this.query(`SELECT * FROM "${name}"`).map(rowText)]));
  }

  /** The same without the log, and without what changes by itself: what only a mutation changes. */
  standing() {
    const { tenant, ...rest } = this.whole({ without: ["audit", "sqlite_sequence", "head", "outbox"] });
    return { ...rest, tenant: tenant.map((row) => rowText({ ...JSON.parse(row), last_time: undefined })) };
  }

  close() {
    this.#database.close();
  }

  #isOf(tenant) {
    if (this.query("SELECT 1 FROM sqlite_master WHERE name = 'tenant'").length === 0) return false;
    // A book without its tenant's row is half a book: whoever looks shall see it.
    return (this.query("SELECT number FROM tenant")[0]?.number ?? tenant) === tenant;
  }
}

const rowText = (row) => JSON.stringify(row, (_, value) => (value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value));
