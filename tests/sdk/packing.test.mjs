// `npm pack` makes no tarball without the modules, which nothing of Git's has.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const PACKAGE = fileURLToPath(new URL("../../crates/js", import.meta.url));

describe("packing the package", () => {
  let folder;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "wardkey-packing-"));
    for (const part of ["package.json", "prepack.mjs", "js"]) cpSync(join(PACKAGE, part), join(folder, part), { recursive: true });
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("lists what is in it as JSON, where the modules are there", () => {
    const [{ files }] = JSON.parse(execFileSync("npm", ["pack", "--dry-run", "--json", "--silent"], { cwd: folder, encoding: "utf8" }));
    const paths = files.map(({ path }) => path);
    assert.ok(["verifier", "holder"].every((name) => paths.includes(`js/wasm/wardkey.${name}.wasm`)));
    assert.ok(!paths.includes("prepack.mjs"));
  });

  it("fails, and says by which command they are built, where one is not there or is none", () => {
    for (const spoil of [(path) => writeFileSync(path, "<html>"), (path) => rmSync(path)]) {
      spoil(join(folder, "js/wasm/wardkey.holder.wasm"));
      const { status, stderr } = spawnSync("npm", ["pack", "--dry-run"], { cwd: folder, encoding: "utf8" });
      assert.notEqual(status, 0);
      assert.match(stderr, /^wardkey: js\/wasm\/wardkey\.holder\.wasm not built: cargo xtask js$/m);
    }
  });
});
