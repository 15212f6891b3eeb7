// The component of whoever holds a key narrows and reads every vector as the core does.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { address } from "../harness/address.mjs";
import { component, ipAddress, result } from "../harness/component.mjs";
import { vectors } from "../harness/vectors.mjs";

const { imports, instantiate } = await component("holding");
const { holder: { narrow, inspect }, memory } = instantiate();

/** A network as a vector writes it; nothing where no host could hand it over. */
function network(text) {
  const [front, length, ...more] = text.split("/");
  const bytes = address(front);
  if (bytes === undefined || more.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(length ?? "") || Number(length) > 255) return undefined;
  return { address: ipAddress(bytes), prefixLength: Number(length) };
}

/** The vectors have no word for why these are refused. */
const REFUSED = {
  "narrow to 4 blocks: above": "too-many", "narrow by 64 bytes: above": "too-much", "narrow to 10 networks, the most that fit a block: above": "too-much",
  "narrow to 512 characters: above": "key-too-long", "narrow to more than 512 characters": "key-too-long", "narrow by nothing": "empty", "narrow to no scope": "empty",
  "narrow to no networks": "empty",
};

/** What is said, in the vectors' words. */
const said = ({ scopes, expiresAtS, notBeforeS, networks }) => ({
  ...(scopes && { scopes: [...scopes] }), ...(expiresAtS !== undefined && { expires_at: expiresAtS }),
  ...(notBeforeS !== undefined && { not_before: notBeforeS }), ...(networks?.length > 0 && { networks }),
});
const inWit = ({ networks, ...fields }) => ({ ...fields, ...(networks?.length > 0 && { networks: networks.map(network) }) });

describe("the component of whoever holds a key", () => {
  it("needs nothing from its host", () => {
    assert.deepEqual(imports, []);
  });

  it("gives the text that each vector says, or refuses as it says", () => {
    const cases = vectors("mint_narrow").filter((each) => each.case.do === "narrow");
    let unaskable = 0;
    for (const { name, expect, case: { key, fields } } of cases) {
      const networks = fields.networks?.map(network);
      const seconds = [fields.expires_at ?? 0, fields.not_before ?? 0];
      // jco takes a number that is too large for another one, and says nothing: a host looks first.
      if (networks?.includes(undefined) || fields.scopes?.some((number) => number > 255) || seconds.some((second) => second >= 2 ** 32)) {
        assert.equal(expect.error, "refused", name);
        unaskable += 1;
        continue;
      }
      const scopes = fields.scopes && Uint8Array.from(fields.scopes);
      const { ok, error } = result(() => narrow(key, { scopes, expiresAtS: fields.expires_at, notBeforeS: fields.not_before, networks }));
      if (expect.ok !== undefined) assert.equal(ok, expect.ok, name);
      else assert.equal(error, expect.error === "refused" ? REFUSED[name] ?? "bad-network" : expect.error.replaceAll("_", "-"), name);
    }
    console.log(`${cases.length - unaskable} of ${cases.length} narrowings of mint_narrow.json`);
    assert.equal(cases.length, 48);
    assert.ok(unaskable <= 6, `${unaskable}`);
  });

  it("reads every key as its vector says, and nothing that is none", () => {
    const cases = vectors("key");
    for (const { name, expect, case: { key } } of cases) {
      const { ok, error } = result(() => inspect(key));
      if (expect.ok === undefined) {
        assert.equal(error, expect.deny.replaceAll("_", "-"), name);
        continue;
      }
      const { prefix, blocks, tenant, audience, epoch, key_id, status_index, issued_at, subject, ...base } = expect.ok;
      const { claims } = ok;
      assert.deepEqual([ok.prefix, claims.tenant, claims.audience, claims.epoch, claims.keyId, claims.statusIndex, claims.issuedAtS, claims.subject], [prefix, tenant, audience, epoch, key_id, status_index, issued_at, subject], name);
      const fields = Object.fromEntries(["scopes", "expires_at", "not_before", "networks"].filter((field) => field in base).map((field) => [field, base[field]]));
      assert.deepEqual(said(claims), inWit(fields), name);
      assert.deepEqual(ok.narrowings.map(said), blocks.map(inWit), name);
      const left = blocks.reduce((left, { scopes }) => (scopes ? left.filter((number) => scopes.includes(number)) : left), base.scopes);
      assert.deepEqual([[...ok.scopesLeft], ok.expiresAtS], [left, Math.min(base.expires_at, ...blocks.map((block) => block.expires_at ?? 2 ** 32))], name);
    }
    console.log(`${cases.length} cases of key.json`);
    assert.ok(cases.length >= 604);
  });

  it("keeps nothing of a key, neither of the one given nor of the one made", () => {
    const { case: { key, fields }, expect } = vectors("mint_narrow").find(({ name }) => name === "narrow the worked example");
    const traces = () => [key, expect.ok].flatMap((text) => {
      const payload = Buffer.from(text.slice(text.lastIndexOf("_live_") < 0 ? text.indexOf("_test_") + 6 : text.indexOf("_live_") + 6), "base64url");
      return [Buffer.from(text.slice(-30)), payload.subarray(-20, -4)];
    }).filter((trace) => Buffer.from(memory.buffer).includes(trace)).length;
    const scopes = Uint8Array.from(fields.scopes);
    assert.equal(narrow(key, { scopes, expiresAtS: fields.expires_at }), expect.ok);
    assert.equal(traces(), 0, "after narrowing");
    inspect(key);
    assert.equal(traces(), 0, "after inspecting");
    // Positive control: what is in memory is found there.
    new Uint8Array(memory.buffer).set(Buffer.from(key), 64);
    assert.ok(traces() > 0);
  });
});
