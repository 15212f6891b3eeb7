// The package's types, from the packed tarball: what users write compiles, what must not does not, and every way of resolving finds them.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** What users of the verifier write, and what holders of keys do. */
const USES = ["uses.mts", "holds.mts"];
const bin = (name) => join(ROOT, "node_modules/.bin", name);

describe("the package's types", () => {
  let folder, tarball;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "wardkey-types-"));
    const packed = execFileSync("npm", ["pack", join(ROOT, "crates/js"), "--json", "--silent"], { cwd: folder, encoding: "utf8" });
    tarball = JSON.parse(packed)[0].filename;
    mkdirSync(join(folder, "node_modules/wardkey"), { recursive: true });
    execFileSync("tar", ["-xzf", tarball, "-C", "node_modules/wardkey", "--strip-components=1"], { cwd: folder });
    for (const others of ["@types", "pino"]) symlinkSync(join(ROOT, "node_modules", others), join(folder, "node_modules", others));
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    for (const file of USES) copyFileSync(join(ROOT, "tests/sdk/types", file), join(folder, file));
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  /** What the compiler says; nothing if all is well. */
  function compiled(...options) {
    const args = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "es2024", "--lib", "es2024,dom,dom.iterable", "--types", "node", ...options, ...USES];
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

  for (const [file, written, changed] of [["index.d.mts", "readonly outcome:", "outcome:"], ["holder/narrow.d.mts", "options: NarrowOptions", "options?: NarrowOptions"]]) {
    it(`are looked at by this test: ${file}`, () => {
      const path = join(folder, "node_modules/wardkey/js", file);
      const text = readFileSync(path, "utf8");
      assert.ok(text.includes(written));
      writeFileSync(path, text.replace(written, changed));
      assert.match(compiled("--module", "nodenext", "--moduleResolution", "nodenext"), /TS2578/);
      writeFileSync(path, text);
    });
  }

  it("are found by whoever imports them, each way in, and the package is as it should be", () => {
    const publint = execFileSync(bin("publint"), [tarball, "--strict"], { cwd: folder, encoding: "utf8" });
    assert.match(publint, /All good/);
    const attw = JSON.parse(execFileSync(bin("attw"), [tarball, "--profile", "esm-only", "--format", "json"], { cwd: folder, encoding: "utf8", stdio: "pipe" }));
    const { exports } = JSON.parse(readFileSync(join(folder, "node_modules/wardkey/package.json"), "utf8"));
    const ways = Object.entries(exports).filter(([, target]) => typeof target === "object");
    for (const [way] of ways) {
      const { resolutions } = attw.analysis.entrypoints[way];
      for (const mode of ["node16-esm", "bundler"]) assert.match(resolutions[mode].resolution.fileName, /\.d\.mts$/, `${way} ${mode}`);
    }
    assert.ok(ways.some(([way]) => way === "./holder") && ways.length >= 6);
  });
});
