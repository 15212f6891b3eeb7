// What is printed of a decision where it is looked at, and of the key nothing.

import assert from "node:assert/strict";
import { it } from "node:test";
import { format } from "node:util";

import { createVerifier } from "../../crates/js/js/index.mjs";
import { MemoryRegistry } from "../harness/memory_registry.mjs";

it("prints who calls, with what, and by what list", async () => {
  const registry = new MemoryRegistry();
  const verifier = await createVerifier(registry.options());
  const printed = (decision) => (globalThis.Deno ?? globalThis.Bun)?.inspect(decision) ?? format("%o", decision);
  const { key } = registry;
  for (const print of [printed, (decision) => format(decision)]) {
    const text = print(await verifier.verify(key, "invoice:read"));
    assert.match(text, /^Decision \{/);
    for (const part of ["allow", "svc:billing", "key_0011223344556677", "invoice:void", "1800007200", "fresh"]) assert.ok(text.includes(part), `${part} in ${text}`);
    assert.ok(!text.includes("undefined") && !text.includes(key.slice(20, 40)), text);
    assert.match(print(await verifier.verify("nonsense", "invoice:read")), /^Decision \{\s+outcome: ['"]deny['"],\s+reason: ['"]malformed['"],?\s+\}$/);
  }
});
