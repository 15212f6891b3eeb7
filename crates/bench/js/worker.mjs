// The same rows inside workerd. A request runs one row so many times; who asked holds the clock, because in production it
// stands still within a request.

import fixture from "wardkey-fixture";
import { prepared, times } from "./prepared.mjs";
import { rowsOf } from "./peers.mjs";

const ready = new Map();

export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/empty") return new Response();
    const row = rowsOf("workerd").find(({ id }) => id === searchParams.get("row"));
    if (pathname === "/prepare") {
      try {
        ready.set(row.id, await prepared(row, fixture));
        return new Response();
      } catch (error) {
        return new Response(String(error), { status: 500 });
      }
    }
    const start = performance.now();
    await times(ready.get(row.id), Number(searchParams.get("count")));
    return new Response(String(performance.now() - start));
  },
};
