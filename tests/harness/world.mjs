// The build under test in a world that misbehaves: its KV lags, refuses and loses races, its clock steps, its objects are
// restarted. The build itself is not changed by a byte: this module stands in front of it.

/** The main module. Its entrypoint `World` takes what the world is to be like; `Worker.world` speaks to it. */
export const WORLD = `
  import { WorkerEntrypoint } from "cloudflare:workers";
  import Built, * as built from "./index.js";

  // clockMs: how far the clock is from the machine's; clockAt: the one moment at which it stands still; restart: how many of
  // the next calls of objects end in a restart; usageMs: how far away the tenants' usage is.
  const world = { clockMs: 0, clockAt: null, restart: 0, usageMs: 0, kv: { lagMs: 0, negativeMs: 0, get: 0, put: 0, delete: 0, overtake: false, bent: false, swapped: false } };
  const seen = { gets: 0, puts: 0, stale: 0, negatives: 0, refusedGets: 0, refusedPuts: 0, refusedDeletes: 0, hung: 0, hungPuts: 0, overtaken: 0, bent: 0, swapped: 0, starts: 0, restarts: 0, steps: 0, usages: 0 };

  const now = Date.now;
  const ahead = () => (world.clockAt === null ? world.clockMs : world.clockAt - now());
  Date.now = () => world.clockAt ?? now() + world.clockMs;

  /** What was written to KV since this start, by name: each with when, by the world's clock. */
  const writes = new Map();
  /** When a name was last found to hold nothing. */
  const missing = new Map();
  /** A write that another one is to overtake. */
  let held;

  class FaultyKv {
    constructor(real) {
      this.real = real;
      for (const name of ["get", "getWithMetadata", "put", "list", "delete"]) this[name] = this[name].bind(this);
    }

    async get(name, options) {
      seen.gets += 1;
      if (world.kv.get === "hang") {
        seen.hung += 1;
        await scheduler.wait(60_000);
      }
      if (world.kv.get) {
        seen.refusedGets += 1;
        throw new Error("KV GET failed: " + world.kv.get);
      }
      if (Date.now() - missing.get(name) < world.kv.negativeMs) {
        seen.negatives += 1;
        return null;
      }
      const found = await this.#wrong(name, await this.#spread(name, options), options);
      if (found === null) missing.set(name, Date.now());
      else missing.delete(name);
      return found;
    }

    /** Other bytes than lie there: one bit turned, or what was written under another name of the kind before. */
    async #wrong(name, found, options) {
      const kind = name.split("/")[0];
      if (world.kv.swapped) {
        const other = [...writes.keys()].filter((one) => one !== name && one.split("/")[0] === kind).at(-1);
        if (other) {
          seen.swapped += 1;
          return this.real.get(other, options);
        }
      }
      if (!world.kv.bent || !(found instanceof ArrayBuffer) || found.byteLength === 0) return found;
      seen.bent += 1;
      const bytes = new Uint8Array(found.slice(0));
      // Of a state the first index: no other check than the digest's notices it.
      bytes[Math.min(9, bytes.length - 1)] ^= 1;
      return bytes.buffer;
    }

    /** What has come here by now. */
    async #spread(name, options) {
      const all = writes.get(name) ?? [];
      const late = all.filter(({ at }) => Date.now() - at < world.kv.lagMs);
      if (late.length === 0) return this.real.get(name, options);
      seen.stale += 1;
      const here = all.filter((write) => !late.includes(write)).at(-1);
      return here ? here.value.slice(0) : late[0].before;
    }

    async put(name, value, options) {
      seen.puts += 1;
      if (world.kv.put === "hang") {
        seen.hungPuts += 1;
        await scheduler.wait(60_000);
      }
      if (world.kv.put) {
        seen.refusedPuts += 1;
        throw new Error("KV PUT failed: " + world.kv.put);
      }
      const bytes = new Uint8Array(value).slice().buffer;
      const before = (writes.get(name) ?? []).length ? undefined : await this.real.get(name, "arrayBuffer");
      const write = async () => {
        const all = writes.get(name) ?? [];
        writes.set(name, [...all, { at: Date.now(), value: bytes, before }]);
        await this.real.put(name, bytes, options);
      };
      const mine = { name, write };
      if (world.kv.overtake && !held) {
        // Acknowledged, and carried out after the next write to the same name.
        held = mine;
        return;
      }
      await write();
      if (held?.name === name) {
        seen.overtaken += 1;
        const late = held;
        held = undefined;
        await late.write();
      }
    }

    getWithMetadata(...all) { return this.real.getWithMetadata(...all); }
    list(...all) { return this.real.list(...all); }
    async delete(...all) {
      if (world.kv.delete) {
        seen.refusedDeletes += 1;
        throw new Error("KV DELETE failed: " + world.kv.delete);
      }
      return this.real.delete(...all);
    }
  }

  let kv;
  const shimmed = (env) => ({ ...env, RECORDS: (kv ??= new FaultyKv(env.RECORDS)) });

  /** An object in whose calls it is restarted: now before it has acted, now before it has answered. Only it can do that to itself. */
  const restarted = (object, state) => new Proxy(object, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (name !== "fetch" && name !== "alarm") return value;
      return async (...all) => {
        if (world.restart === 0) return value.apply(target, all);
        world.restart -= 1;
        seen.restarts += 1;
        if (seen.restarts % 2 === 0) await value.apply(target, all);
        state.abort("told to restart");
      };
    },
  });

  let alarms = false;
  const objects = (target) => new Proxy(target, {
    construct(target, [state, env], newTarget) {
      seen.starts += 1;
      if (!alarms) {
        // Alarms come by the machine's clock: what is set and told is translated.
        alarms = true;
        const storage = Object.getPrototypeOf(state.storage);
        const { setAlarm, getAlarm } = storage;
        storage.setAlarm = function (at, options) { return setAlarm.call(this, Number(at) - ahead(), options); };
        storage.getAlarm = async function (options) {
          const at = await getAlarm.call(this, options);
          return at === null ? null : at + ahead();
        };
      }
      return restarted(Reflect.construct(target, [state, shimmed(env)], newTarget), state);
    },
  });

  const distant = (target) => new Proxy(target, {
    construct(target, all, newTarget) {
      return new Proxy(Reflect.construct(target, all, newTarget), {
        get(object, name) {
          const value = Reflect.get(object, name);
          if (name !== "fetch") return value;
          return async (...all) => {
            seen.usages += 1;
            await scheduler.wait(world.usageMs);
            return value.apply(object, all);
          };
        },
      });
    },
  });

  export const TenantRegistry = objects(built.TenantRegistry);
  export const TenantDirectory = objects(built.TenantDirectory);
  export const TenantUsage = distant(objects(built.TenantUsage));
  export default new Proxy(Built, {
    construct: (target, [context, env], newTarget) => Reflect.construct(target, [context, shimmed(env)], newTarget),
  });

  export class World extends WorkerEntrypoint {
    async fetch(request) {
      const { clock = {}, kv = {}, restart = world.restart, usageMs = world.usageMs } = await request.json();
      if (Object.keys(clock).length > 0) seen.steps += 1;
      Object.assign(world, clock, { restart, usageMs });
      Object.assign(world.kv, kv);
      return Response.json({ ...seen, now: Date.now(), holdsBack: held !== undefined });
    }
  }
`;
