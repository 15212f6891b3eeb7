// What a key says of itself is told as the vectors say it, and nothing secret is.

import assert from "node:assert/strict";
import { it } from "node:test";

import { inspect, KeyTextError, narrow } from "../../crates/js/js/holder/index.mjs";
import { vectors } from "../harness/vectors.mjs";

const cases = vectors("key").filter((each) => each.case.do === "read_key");

const step = ({ scopes, expires_at: expiresAt, not_before: notBefore, networks }) => Object.fromEntries(Object.entries({ scopes, expiresAt, notBefore, networks }).filter(([, value]) => value !== undefined));

it("tells of every vector what it says, or why it is no key", () => {
  let [told, refused] = [0, 0];
  for (const { name, expect, case: { key } } of cases) {
    if (expect.deny !== undefined) {
      assert.throws(() => inspect(key), (error) => error instanceof KeyTextError && error.code === expect.deny, name);
      refused += 1;
      continue;
    }
    const { tag, ok = expect.ok } = expect;
    const { unproven } = inspect(key);
    const { prefix, keyId, subject, tenant, audience, epoch, statusIndex, issuedAt, issued, narrowings } = unproven;
    assert.deepEqual(
      { prefix, key_id: keyId, subject, tenant, audience, epoch, status_index: statusIndex, issued_at: issuedAt, issued, narrowings },
      {
        prefix: ok.prefix, key_id: ok.key_id, subject: ok.subject, tenant: ok.tenant, audience: ok.audience, epoch: ok.epoch, status_index: ok.status_index, issued_at: ok.issued_at,
        issued: step(ok), narrowings: ok.blocks.map(step),
      },
      name,
    );
    // What is left, by the rules of the format: the vectors do not state it.
    const steps = [ok, ...ok.blocks];
    const sets = steps.flatMap(({ scopes }) => (scopes ? [scopes] : []));
    assert.deepEqual(unproven.scopes, ok.scopes.filter((number) => sets.every((set) => set.includes(number))), name);
    assert.equal(unproven.expiresAt, Math.min(...steps.map(({ expires_at }) => expires_at ?? Infinity)), name);
    assert.equal(unproven.notBefore ?? 0, Math.max(0, ...steps.map(({ not_before }) => not_before ?? 0)), name);
    assert.deepEqual(unproven.networks, steps.flatMap(({ networks }) => (networks ? [networks] : [])), name);
    const shown = JSON.stringify(unproven);
    assert.ok(!shown.includes(ok.tag) && !shown.includes(key) && !shown.includes(key.slice(-22)), `${name} ${tag}`);
    told += 1;
  }
  console.log(`${told} told, ${refused} refused`);
  assert.deepEqual([told, refused], [131, 473]);
});

it("says at each use that nothing is proven", () => {
  assert.deepEqual(Object.keys(inspect(cases[0].case.key)), ["unproven"]);
});

it("tells the latest of several not-befores, and every set of networks", () => {
  let { key } = cases.find(({ name }) => name === "the worked example, with constraints").case;
  for (const options of [{ notBefore: 1_800_000_100, cidr: ["10.1.0.0/16"] }, { notBefore: 5, cidr: ["2001:db8::/33", "0.0.0.0/0"] }]) key = narrow(key, options);
  const { notBefore, networks, narrowings } = inspect(key).unproven;
  assert.equal(notBefore, 1_800_000_100);
  assert.deepEqual(networks, [["10.0.0.0/8", "2001:db8::/32"], ["10.1.0.0/16"], ["0.0.0.0/0", "2001:db8::/33"]]);
  assert.deepEqual(narrowings.map(({ notBefore }) => notBefore), [1_800_000_100, 5]);
});

it("refuses what is no text", () => {
  for (const other of [undefined, null, 7, {}, [], new String(cases[0].case.key), Symbol("key")]) {
    assert.throws(() => inspect(other), (error) => error instanceof KeyTextError && error.code === "malformed");
  }
});
