// The guard of crates/hosts/jco towards a registry that is made up: which words and lists of it count, and how long it is waited for.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, it } from "node:test";

import { Guard } from "../../crates/hosts/jco/guard.mjs";
import { Registry } from "../../crates/hosts/jco/registry.mjs";
import { Verifier } from "../../crates/hosts/jco/verifier.mjs";
import { bytes, issuedAt, known, request, transpiled, usual } from "../harness/jco.mjs";

const { instantiate } = await transpiled();
/** What `/v1/verify` says of the usual key. */
const ALIVE = {
  decision: "allow", status: 200, subject: known.subject, key_id: known.key_id, status_index: known.status_index, tenant: known.signing_key[0], audience: known.signing_key[1],
  scopes: [], expires_at: known.expires_at, narrowed: false, list: { sequence: 41, age_ms: 0, zone: "registry" },
};

/** The usual head, but so many numbers and milliseconds later. */
function later(sequence, ms) {
  const head = Buffer.from(bytes(usual.list.head));
  head.writeBigUInt64BE(head.readBigUInt64BE(3) + BigInt(sequence), 3);
  head.writeBigUInt64BE(head.readBigUInt64BE(43) + BigInt(ms), 43);
  const body = head.subarray(0, -16);
  createHmac("sha256", bytes(usual.key_set).subarray(28, 60)).update(body).digest().copy(head, body.length, 0, 16);
  return Uint8Array.from(head);
}

const outcomeOf = ({ allow, deny }) => (allow ? "allow" : deny.reason);

/** A registry that answers from the usual case. `hangs`: it answers nothing; `trap`: the component does not come back. */
class FakeRegistry {
  now = usual.now;
  theKeySet = bytes(usual.key_set);
  theHead = bytes(usual.list.head);
  answer = ALIVE;
  hangs = false;
  trap = false;
  #asked = [];

  keySet = () => this.#given("keySet", () => ({ bytes: Uint8Array.from(this.theKeySet) }));
  head = () => this.#given("head", () => this.theHead);
  state = () => this.#given("state", () => bytes(usual.list.state));
  confirm = () => this.#given("confirm", () => this.answer);

  guard() {
    const instantiated = () => {
      const real = instantiate();
      const made = (keySet) => {
        const verifier = real.Verifier.new(keySet);
        const { verify } = verifier;
        verifier.verify = (...given) => {
          if (this.trap) throw new RangeError("the end of the stack");
          return verify.apply(verifier, given);
        };
        return verifier;
      };
      return { Verifier: { new: made }, RegistryQuestion: real.RegistryQuestion };
    };
    return new Guard(instantiated, this, { now: () => this.now });
  }

  count(what) {
    return this.#asked.filter((each) => each === what).length;
  }

  async #given(what, answer) {
    this.#asked.push(what);
    return this.hangs ? new Promise(() => {}) : answer();
  }
}

describe("a guard by jco, towards its registry", () => {
  it("takes no word of the registry's that is none, and asks once about a call", async () => {
    const alive = ALIVE;
    const listed = (changes) => ({ ...ALIVE, list: { ...ALIVE.list, ...changes } });
    const told = [[alive, "allow"], [{ decision: "deny", reason: "revoked", status: 401 }, "revoked"], [{ decision: "deny", reason: "too_many_strict_calls", status: 429 }, "too_many_strict_calls"]];
    const none = [
      null, [], 5, {}, { ...alive, key_id: "key_1111111111111111" }, { ...alive, key_id: 5 }, { ...alive, tenant: 7 + 2 ** 16 }, { ...alive, audience: 258 },
      listed({ sequence: 2 ** 64 }), listed({ sequence: undefined }), listed({ sequence: "41" }), listed({ sequence: 1.5 }), listed({ zone: "fresh" }), listed({ zone: undefined }), { ...alive, list: undefined }, { ...alive, list: null },
      { ...alive, status: 201 }, { ...alive, status: "200" }, { ...alive, status: undefined }, { ...alive, narrowed: 0 }, { ...alive, narrowed: undefined }, { ...alive, subject: 5 }, { ...alive, status_index: undefined },
      { ...alive, status_index: alive.status_index + 1 }, { ...alive, status_index: alive.status_index + 2 ** 32 }, { ...alive, subject: "svc:other" }, { ...alive, expires_at: alive.expires_at - 1 }, { ...alive, narrowed: true },
      { ...alive, decision: "perhaps" }, { decision: "deny", reason: "odd", status: "429" }, { decision: "deny", reason: "odd", status: 200 }, { decision: "deny", reason: 5, status: 401 },
    ];
    let asked = 0;
    for (const [answer, outcome] of [...told, ...none.map((answer) => [answer, "registry_unavailable"])]) {
      const registry = {
        keySet: async () => ({ bytes: bytes(usual.key_set) }), head: async () => bytes(usual.list.head), state: async () => bytes(usual.list.state),
        confirm: async () => ((asked += 1), answer),
      };
      const verifier = await Verifier.of(instantiate, registry, { now: () => usual.now });
      const judged = await verifier.decide(usual.key, ["invoice:void"]);
      assert.equal(judged.allow ? "allow" : judged.deny.reason, outcome, JSON.stringify(answer));
    }
    assert.equal(asked, told.length + none.length);
  });

  it("takes no answer that is not of status 200", async () => {
    let status = 200;
    const peer = http.createServer((request, response) => response.writeHead(status).end(JSON.stringify(ALIVE)));
    await new Promise((listens) => peer.listen(0, "127.0.0.1", listens));
    const registry = new Registry({ url: `http://127.0.0.1:${peer.address().port}`, credential: "x" });
    assert.deepEqual(await registry.confirm({ key: usual.key, scopes: ["invoice:void"] }), ALIVE);
    for (status of [201, 203, 302, 500]) await assert.rejects(registry.confirm({ key: usual.key, scopes: ["invoice:void"] }), { code: "registry_refused" });
    peer.closeAllConnections();
    peer.close();
  });

  it("hands on how long the registry says to wait", async () => {
    for (const [said, told] of [[17, 17], [undefined, 60], ["5", 60], [-1, 60]]) {
      const registry = new FakeRegistry();
      registry.answer = { decision: "deny", reason: "too_many_strict_calls", status: 429, retry_after_s: said };
      const { deny } = await registry.guard().judge(request(), ["invoice:void"]);
      assert.deepEqual(deny.answer, { status: 429, code: "too_many_strict_calls", error: undefined, retryAfterS: told });
    }
  });

  it("takes no list from the next instance on that is older than one before it had", async () => {
    for (const [newest, older] of [[later(1, 500), later(0, 0)], [later(1, 700), later(1, 500)]]) {
      const registry = new FakeRegistry();
      registry.theHead = newest;
      const guard = registry.guard();
      const outcome = async () => (registry.now += 1_100, outcomeOf(await guard.judge(request(), usual.required.scopes)));
      assert.equal(await outcome(), "allow");
      // An edge that is behind: its list is fresh by the clock, and knows nothing of what was revoked since.
      registry.theHead = older;
      registry.trap = true;
      assert.equal(await outcome(), "no_key_set");
      registry.trap = false;
      assert.equal(await outcome(), "list_stale");
      assert.equal(await outcome(), "list_stale");
      assert.equal(registry.count("keySet"), 2);
      registry.theHead = newest;
      assert.equal(await outcome(), "allow");
    }
  });

  it("takes no key set from the next instance on that is older, or another audience's", async () => {
    const registry = new FakeRegistry();
    const guard = registry.guard();
    const outcome = async () => outcomeOf(await guard.judge(request(), usual.required.scopes));
    assert.equal(await outcome(), "allow");
    registry.trap = true;
    assert.equal(await outcome(), "no_key_set");
    registry.trap = false;
    for (const [at, change] of [[7, 1], [2, 8]]) {
      registry.theKeySet = bytes(usual.key_set);
      registry.theKeySet[at] ^= change;
      if (at === 7) registry.theKeySet[at] = 2;
      assert.equal(await outcome(), "no_key_set");
      await sleep(1_050);
    }
    assert.deepEqual([registry.count("keySet"), registry.count("head")], [3, 1]);
    registry.theKeySet = bytes(usual.key_set);
    assert.equal(await outcome(), "allow");
  });

  it("waits once a second for a registry that hangs, and asks again beside it", async () => {
    const registry = new FakeRegistry();
    const guard = registry.guard();
    const waited = async () => {
      const start = performance.now();
      assert.equal(outcomeOf(await guard.judge(request(), usual.required.scopes)), "allow");
      return performance.now() - start;
    };
    await waited();
    registry.now = issuedAt(bytes(usual.list.head)) + 20_000;
    registry.hangs = true;
    const first = await waited();
    assert.ok(first > 400 && first < 3_000, `${first}`);
    // The wait that has ended counts as failed, whatever is still under way.
    for (let call = 0; call < 20; call++) assert.ok((await waited()) < 400);
    registry.now += 1_100;
    const second = await waited();
    assert.ok(second > 400 && second < 3_000, `${second}`);
    assert.equal(registry.count("head"), 2, "the same is still awaited");
    registry.hangs = false;
    registry.now += 1_100;
    registry.theHead = later(1, registry.now - issuedAt(bytes(usual.list.head)));
    assert.ok((await waited()) < 400);
    assert.equal(registry.count("head"), 3);
  });

  it("holds nobody up for long where the registry hangs at the start", async () => {
    const registry = new FakeRegistry();
    registry.hangs = true;
    const guard = registry.guard();
    const start = performance.now();
    for (let call = 0; call < 20; call++) assert.equal(outcomeOf(await guard.judge(request(), usual.required.scopes)), "no_key_set");
    assert.ok(performance.now() - start < 6_000);
  });
});
