// The package's types, from the packed tarball: what users write compiles, what must not does not, and every way of resolving finds them.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const bin = (name) => join(ROOT, "node_modules/.bin", name);

describe("the package's types", () => {
  let folder, tarball;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "wardkey-types-"));
    const packed = execFileSync("npm", ["pack", join(ROOT, "crates/js"), "--json", "--silent"], { cwd: folder, encoding: "utf8" });
    tarball = JSON.parse(packed)[0].filename;
    mkdirSync(join(folder, "node_modules/wardkey"), { recursive: true });
    execFileSync("tar", ["-xzf", tarball, "-C", "node_modules/wardkey", "--strip-components=1"], { cwd: folder });
    symlinkSync(join(ROOT, "node_modules/@types"), join(folder, "node_modules/@types"));
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    copyFileSync(join(ROOT, "tests/sdk/types/uses.mts"), join(folder, "uses.mts"));
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  /** What the compiler says; nothing if all is well. */
  function compiled(...options) {
    const args = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "es2024", "--lib", "es2024,dom,dom.iterable", "--types", "node", ...options, "uses.mts"];
    try {
      execFileSync(bin("tsc"), args, { cwd: folder, encoding: "utf8", stdio: "pipe" });
      return "";
    } catch (error) {
      return error.stdout;
    }
  }

  for (const [module, resolution] of [["nodenext", "nodenext"], ["esnext", "bundler"]]) {
    it(`compile what users write, and nothing that must not compile: ${resolution}`, () => {
      assert.equal(compiled("--module", module, "--moduleResolution", resolution), "");
    });
  }

  it("are looked at by this test", () => {
    const path = join(folder, "node_modules/wardkey/js/index.d.mts");
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replace("readonly outcome:", "outcome:"));
    assert.match(compiled("--module", "nodenext", "--moduleResolution", "nodenext"), /TS2578/);
    writeFileSync(path, text);
  });

  it("are found by whoever imports them, and the package is as it should be", () => {
    const publint = execFileSync(bin("publint"), [tarball, "--strict"], { cwd: folder, encoding: "utf8" });
    assert.match(publint, /All good/);
    execFileSync(bin("attw"), [tarball, "--profile", "esm-only"], { cwd: folder, stdio: "pipe" });
  });
});
