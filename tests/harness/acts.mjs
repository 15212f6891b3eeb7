// Acts that a checker outside of the worker follows: each is sent under a name, by which its pieces are found in the book.

import assert from "node:assert/strict";

export function createAct(admin, name, request) {
  return { kind: "create", name, send: () => admin.create({ ...request, name }, { idempotencyKey: name }) };
}

export function revokeAct(admin, name, target) {
  return { kind: "revoke", name, target, send: () => admin.revoke(target, { reason: name }, { idempotencyKey: name }) };
}

/** How often each piece of each act stands in the book, all of it read in one go. */
export class Pieces {
  #counts = {};

  constructor(worker) {
    const queries = {
      // What is remembered of a revocation holds its reason, what is remembered of a create the key's name.
      remembered:
        "SELECT coalesce(json_extract(outcome, '$.view.generations[0].end_reason'), json_extract(outcome, '$.name')) AS act FROM idempotency",
      key: "SELECT name AS act FROM key",
      generation: "SELECT name AS act FROM generation JOIN key ON key_id = key.id",
      created: "SELECT name AS act FROM audit JOIN key ON target = key.id WHERE action = 'key.create'",
      ended: "SELECT end_reason AS act FROM generation WHERE state = 'revoked'",
      revoked: "SELECT reason AS act FROM audit WHERE action = 'key.revoke'",
    };
    for (const [piece, sql] of Object.entries(queries)) {
      this.#counts[piece] = new Map();
      for (const { act } of worker.book(sql)) this.#counts[piece].set(act, this.#count(piece, act) + 1);
    }
  }

  #count(piece, name) {
    return this.#counts[piece].get(name) ?? 0;
  }

  /** 1 when all of the act is there, 0 when nothing is; anything else fails the test. */
  of({ kind, name }) {
    const pieces = ["remembered", ...(kind === "create" ? ["key", "generation", "created"] : ["ended", "revoked"])];
    const found = pieces.map((piece) => [piece, this.#count(piece, name)]);
    const [[, count], ...rest] = found;
    assert.ok(count <= 1 && rest.every(([, other]) => other === count), `${name} is half there: ${JSON.stringify(found)}`);
    return count;
  }
}
