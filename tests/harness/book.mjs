// An object's database, read from outside the worker.

import { DatabaseSync } from "node:sqlite";

export class Book {
  #database;

  constructor(path) {
    this.path = path;
    this.#database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  }

  /** The book of a tenant among the files of a worker's state; undefined when there is none. */
  static find(files, tenant) {
    return Book.#first(files, (book) => book.#isOf(tenant));
  }

  /** The book of the directory of tenants. */
  static findDirectory(files) {
    return Book.#first(files, (book) => book.#has("listed_tenant"));
  }

  static #first(files, isWanted) {
    for (const path of files.filter((path) => path.endsWith(".sqlite"))) {
      const book = new Book(path);
      if (isWanted(book)) return book;
      book.close();
    }
    return undefined;
  }

  query(sql, ...values) {
    return this.#database.prepare(sql).all(...values);
  }

  /** Every row of every table but workerd's own and those left out, as text, to be compared with itself later. */
  whole({ without = [] } = {}) {
    const tables = this.query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\' ORDER BY name");
    const wanted = tables.filter(({ name }) => !without.includes(name));
    return Object.fromEntries(wanted.map(({ name }) => [name, this.query(`SELECT * FROM "${name}"`).map(rowText)]));
  }

  close() {
    this.#database.close();
  }

  #has(table) {
    return this.query("SELECT 1 FROM sqlite_master WHERE name = ?", table).length > 0;
  }

  #isOf(tenant) {
    if (!this.#has("tenant")) return false;
    // A book without its tenant's row is half a book: whoever looks shall see it.
    return (this.query("SELECT number FROM tenant")[0]?.number ?? tenant) === tenant;
  }
}

const rowText = (row) => JSON.stringify(row, (_, value) => (value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value));
