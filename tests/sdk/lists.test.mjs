// Which lists and key sets a verifier takes, and when: it never steps back.

import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";

import { createVerifier } from "../../crates/js/js/index.mjs";
import { fromHex } from "../harness/bytes.mjs";
import { HOSTILE, MemoryRegistry } from "../harness/memory_registry.mjs";
import { FRESH_FOR_MS, IMPATIENT, SECOND_MS, holdProcess, soon, until } from "../harness/verifying.mjs";

let registry, key;
beforeEach(() => {
  registry = new MemoryRegistry();
  ({ key } = registry);
});
holdProcess();
const made = (more) => createVerifier(registry.options(more));

describe("a list", () => {
  it("that names a key is taken within fresh-for, and by one refresh however many wait", async () => {
    const verifier = await made();
    registry.revoke(registry.statusIndex);
    assert.equal((await verifier.verify(key, "invoice:read")).allowed, true, "fresh, and of before");
    registry.now += FRESH_FOR_MS + 1;
    registry.seen.length = 0;
    const decisions = await Promise.all(Array.from({ length: 200 }, () => verifier.verify(key, "invoice:read")));
    assert.ok(decisions.every(({ outcome, reason }) => outcome === "deny" && reason === "inactive"));
    assert.deepEqual([registry.asked("/head"), registry.asked("/verify")], [1, 0]);
    assert.equal(decisions[0].subject, "svc:billing", "who it was is known");
  });

  it("is refreshed before anybody waits, with what keeps a Worker alive", async () => {
    const verifier = await made();
    const kept = [];
    registry.now += 0.9 * FRESH_FOR_MS;
    registry.seen.length = 0;
    const decision = await verifier.verify(key, "invoice:read", { waitUntil: (promise) => kept.push(promise) });
    assert.deepEqual([decision.allowed, decision.list.ageMs, kept.length], [true, 0.9 * FRESH_FOR_MS, 1]);
    await Promise.all(kept);
    assert.equal((await verifier.verify(key, "invoice:read")).list.ageMs, 0);
    assert.equal(registry.asked("/head"), 1);
  });

  it("never steps back: not to an older head, nor by a state that is not its own, nor to a stranger's", async () => {
    const verifier = await made();
    const old = await registry.head();
    registry.revoke(registry.statusIndex);
    registry.now += FRESH_FOR_MS + 1;
    assert.equal((await verifier.verify(key, "invoice:read")).reason, "inactive");
    const { sequence } = verifier.status();
    const next = async () => {
      registry.now += FRESH_FOR_MS + SECOND_MS;
      const { reason } = await verifier.verify(key, "invoice:read");
      assert.deepEqual([reason, verifier.status().sequence], ["inactive", sequence]);
      return verifier.status().lastListError;
    };
    const heads = (head) => (path, init) => (path.endsWith("/head") ? head().then((bytes) => new Response(bytes)) : registry.pass(path, init));
    registry.between = heads(async () => old);
    assert.equal(await next(), "list_older");
    registry.between = heads(() => registry.head({ listKey: new Uint8Array(32) }));
    assert.equal(await next(), "list_forged");
    registry.between = heads(async () => (await registry.head()).subarray(0, 60));
    assert.equal(await next(), "list_malformed");
    registry.revoke();
    registry.revoke(771);
    const other = fromHex("0100000300000000100202");
    for (const state of [other, other.subarray(0, 5), new Uint8Array(), registry.state().subarray(0, -1)]) {
      registry.between = (path, init) => (path.includes("/state/") ? Promise.resolve(new Response(state)) : registry.pass(path, init));
      assert.match(await next(), /^list_(other_state|state_malformed)$/);
    }
    registry.between = undefined;
    registry.now += FRESH_FOR_MS + SECOND_MS;
    await verifier.verify(key, "invoice:read");
    assert.deepEqual([verifier.status().sequence, verifier.status().lastListError], [sequence + 2, undefined]);
  });

  it("is kept, where answers come out of order", async () => {
    const verifier = await made(IMPATIENT);
    const late = [];
    const slow = await registry.head();
    registry.between = (path, init) => (path.endsWith("/head") ? new Promise((answer) => late.push(() => answer(new Response(slow)))) : registry.pass(path, init));
    registry.now += FRESH_FOR_MS + 1;
    await verifier.verify(key, "invoice:list");
    assert.equal(late.length, 1);
    registry.between = undefined;
    registry.revoke(registry.statusIndex);
    registry.now += FRESH_FOR_MS + SECOND_MS;
    assert.equal((await verifier.verify(key, "invoice:read")).reason, "inactive");
    late[0]();
    await soon(20);
    assert.equal((await verifier.verify(key, "invoice:read")).reason, "inactive");
    assert.equal(verifier.status().sequence, registry.sequence);
  });

  it("of a clock that is behind it allows nothing, and is in force again when the clock is right", async () => {
    const verifier = await made();
    const { now } = registry;
    registry.now = now - 60 * SECOND_MS;
    const behind = await verifier.verify(key, "invoice:read");
    assert.deepEqual([behind.outcome, behind.answer.status], ["deny", 503]);
    registry.now = now;
    assert.equal((await verifier.verify(key, "invoice:read")).allowed, true);
    for (const absurd of [NaN, -1, -Infinity]) {
      registry.now = absurd;
      assert.equal(verifier.verifySync(key, "invoice:read").allowed, false, `${absurd}`);
    }
    registry.now = now + 7_200 * SECOND_MS;
    assert.equal((await verifier.verify(key, "invoice:read")).reason, "expired");
    await until(() => verifier.status().ageMs === 0);
    registry.now = now;
    const stepped = await verifier.verify(key, "invoice:read");
    assert.deepEqual([stepped.outcome, stepped.answer?.status], ["deny", 503], "the list is of two hours later");
  });

  it("that is not there at the beginning lets nobody in, and is asked for again", async () => {
    registry.between = (path, init) => (path.endsWith("/head") ? HOSTILE.fails() : registry.pass(path, init));
    const verifier = await made();
    const without = await verifier.verify(key, "invoice:read");
    assert.deepEqual([without.outcome, without.reason, without.answer.status, without.answer.retryAfterS], ["deny", "list_stale", 503, 1]);
    assert.deepEqual([verifier.status().zone, verifier.status().lastListError], ["none", "registry_refused"]);
    registry.between = undefined;
    registry.now += 2 * SECOND_MS;
    assert.equal((await verifier.verify(key, "invoice:read")).allowed, true);
  });
});

describe("a key set", () => {
  it("that is newer is fetched as soon as the list names it, and an older one is not taken", async () => {
    const verifier = await made();
    registry.edition = 4;
    registry.revoke();
    registry.now += FRESH_FOR_MS + 1;
    assert.equal((await verifier.verify(key, "invoice:read")).allowed, true);
    await until(() => verifier.status().keySetVersion === 4);
    registry.edition = 3;
    registry.revoke();
    const stepsBack = (path, init) => (path.endsWith("/head") ? (registry.edition = 5, registry.head().then((head) => new Response(head))) : (registry.edition = 3, registry.pass(path, init)));
    registry.between = stepsBack;
    registry.now += FRESH_FOR_MS + SECOND_MS;
    assert.equal((await verifier.verify(key, "invoice:read")).allowed, true);
    await until(() => verifier.status().lastKeySetError !== undefined);
    assert.equal(verifier.status().keySetVersion, 4);
    assert.equal((await verifier.verify(key, "invoice:read")).allowed, true);
  });

  it("that is none makes no verifier, and says why by a code", async () => {
    for (const [answer, code] of [
      [async () => new Response(new Uint8Array(700)), "key_set_malformed"], [HOSTILE["answers nothing"], "key_set_malformed"], [HOSTILE.fails, "registry_refused"],
      [HOSTILE["cannot be reached"], "registry_unreachable"], [HOSTILE["answers without end"], "answer_too_long"], [async () => new Response(null, { status: 401 }), "credential_refused"],
    ]) {
      registry.between = answer;
      await assert.rejects(made(), (error) => error.code === code && !`${error.stack}`.includes("credential\""), code);
    }
  });
});
