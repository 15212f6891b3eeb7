// The component that verifies, as crates/hosts/jco compiles it, and the vector that its suites begin with.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

import { compiled } from "../../crates/hosts/jco/component.mjs";
import { transpile } from "../../crates/hosts/jco/transpile.mjs";
import { vectors } from "./vectors.mjs";

const COMPONENT = fileURLToPath(new URL("../../target/wardkey.verifying.component.wasm", import.meta.url));

/** The folder with the component's files, until the tests are over, and what makes its instances. */
export async function transpiled() {
  const folder = mkdtempSync(join(tmpdir(), "wardkey-jco-"));
  after(() => rmSync(folder, { recursive: true }));
  await transpile(COMPONENT, folder);
  return { folder, instantiate: await compiled(folder) };
}

export const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));
/** When a head was made, in Unix milliseconds. */
export const issuedAt = (head) => Number(Buffer.from(head).readBigUInt64BE(43));

/** A case that is allowed by a fresh list, for one scope, and what is known of its key. */
export const { case: usual, expect: { allow: known } } = vectors("verify").find(({ expect, case: { list, required, caller } }) => expect.allow?.zone === "fresh" && list && required.scopes.length === 1 && caller === undefined);

/** A request with the usual case's key. */
export const request = (url = "/") => ({ url, rawHeaders: ["Authorization", `Bearer ${usual.key}`] });
