// What the package's documents say: their code compiles against the package as a user gets it, their tables have every option, and their links lead somewhere.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { anchors, blocks, links, table } from "../harness/markdown.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PACKAGE = join(ROOT, "crates/js");
const read = (path) => readFileSync(join(ROOT, path), "utf8");
const README = read("crates/js/README.md");

describe("the package's README", () => {
  let folder, packed;

  const npm = (cwd, ...args) => execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "wardkey-readme-"));
    [packed] = JSON.parse(npm(folder, "pack", PACKAGE, "--json", "--silent"));
    writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
    npm(folder, "install", `./${packed.filename}`, "hono@4", "express@5", "@types/express@5", "--no-audit", "--no-fund", "--silent", "--prefer-offline");
    rmSync(join(folder, "node_modules/@types/node"), { recursive: true });
    symlinkSync(join(ROOT, "node_modules/@types/node"), join(folder, "node_modules/@types/node"));
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  /** What the compiler says of these files; nothing if all is well. */
  function compiled(files, ...options) {
    try {
      const args = ["--noEmit", "--skipLibCheck", "--target", "es2024", "--lib", "es2024,dom,dom.iterable", "--module", "nodenext", "--moduleDetection", "force", "--types", "node"];
      execFileSync(join(ROOT, "node_modules/.bin/tsc"), [...args, ...options, ...files], { cwd: folder, encoding: "utf8", stdio: "pipe" });
      return "";
    } catch (error) {
      return error.stdout;
    }
  }

  function written(codes, ending) {
    return codes.map((code, at) => {
      const name = `block-${at}.${ending}`;
      writeFileSync(join(folder, name), code);
      return name;
    });
  }

  it("shows JavaScript that compiles, with imports that there are and options that are known", () => {
    const codes = [README, read("README.md")].flatMap((text) => blocks(text, "js"));
    assert.ok(codes.length >= 12, `${codes.length} blocks`);
    writeFileSync(join(folder, "given.d.ts"), GIVEN);
    assert.equal(compiled([...written(codes, "mjs"), "given.d.ts"], "--allowJs", "--checkJs", "--strict", "false"), "");
    // As a control: a name that the package does not have, and an option that it does not know.
    const wrong = written([`import { createVerifer } from "wardkey"; createVerifer();`, "createVerifier({ url, credential, adress: 1 });"], "mjs");
    assert.match(compiled([...wrong, "given.d.ts"], "--allowJs", "--checkJs", "--strict", "false"), /createVerifer[^]*adress/);
  });

  it("shows TypeScript that compiles under strict, with the frameworks' own types", () => {
    const codes = blocks(README, "ts");
    assert.equal(codes.length, 1);
    const strict = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"];
    assert.equal(compiled(written(codes, "mts"), ...strict), "");
    // As a control: without what it says, none of the three compiles.
    const without = codes.map((code) => code.replace("(req as Authorized<Request>)", "req").replace("new Hono<Env>", "new Hono").replace(/^if \(url.*$/m, ""));
    const said = compiled(written(without, "mts"), ...strict);
    for (const wanted of [/'auth' does not exist/, /"subject"/, /undefined/]) assert.match(said, wanted);
  });

  it("shows commands that a shell can read, as every example does", () => {
    const examples = readdirSync(join(PACKAGE, "examples")).map((name) => `crates/js/examples/${name}/README.md`);
    for (const path of ["README.md", "crates/js/README.md", ...examples]) {
      const commands = blocks(read(path), "sh");
      assert.ok(commands.length >= 2, path);
      for (const input of commands) execFileSync("bash", ["-n"], { input, stdio: ["pipe", "ignore", "pipe"] });
    }
    assert.throws(() => execFileSync("bash", ["-n"], { input: "(umask 077; if", stdio: ["pipe", "ignore", "pipe"] }));
  });

  it("has every option, with its default, and none that there is not", () => {
    const types = (path) => readFileSync(join(folder, "node_modules/wardkey/js", path), "utf8");
    const [verifier, middleware, express] = [types("index.d.mts"), types("middleware/fetch.d.mts"), types("middleware/express.d.mts")];
    const claims = /verifySync\(.*& \{ (claims)\?: boolean \}/.exec(verifier)[1];
    const tables = {
      "of a verifier": [...members(verifier, "CommonOptions"), ...members(verifier, "RegistryOptions"), ...ways(verifier)],
      "of a call, of a middleware": [...members(verifier, "VerifyOptions"), ...members(middleware, "MiddlewareOptions"), ...members(express, "ExpressOptions"), [claims]],
      "of a holder": [["wardkeyFetch", "fetch", "WardkeyFetchOptions"], ["narrow", "narrow", "NarrowOptions"], ["redact", "redact", "RedactOptions"]].flatMap(([name, file, options]) =>
        members(types(`holder/${file}.d.mts`), options).map(([member, fallback]) => [`${name} ${member}`, fallback])),
    };
    for (const [heading, options] of Object.entries(tables)) {
      const rows = new Map(table(README, heading).map(([name, ...cells]) => [name.replaceAll("`", ""), cells.at(-1)]));
      assert.deepEqual([...rows.keys()].sort(), [...new Set(options.map(([name]) => name))].sort(), heading);
      for (const [name, fallback] of options) assert.ok(fallback === undefined || rows.get(name).includes(fallback), `${name}: ${fallback}, but the README says ${rows.get(name)}`);
    }
    assert.ok(Object.values(tables).flat().filter(([, fallback]) => fallback !== undefined).length >= 12, "defaults are read");
  });

  it("has every member of an entry of the log", () => {
    const told = table(README, "of an entry").flatMap(([names]) => names.split(", ").map((name) => name.replaceAll("`", "")));
    for (const [name] of members(readFileSync(join(folder, "node_modules/wardkey/js/index.d.mts"), "utf8"), "DecisionEntry")) assert.ok(told.includes(name), name);
  });

  it("leads to nothing that is not in the tarball, and to no heading that is not there", () => {
    const files = packed.files.map(({ path }) => path);
    const targets = links(README);
    assert.ok(targets.length > 5);
    for (const target of targets) assert.ok(target.startsWith("#") ? anchors(README).includes(target) : files.includes(target), target);
  });

  it("names the tarball by the version that it has, as every example does", () => {
    const examples = readdirSync(join(PACKAGE, "examples")).map((name) => `crates/js/examples/${name}/README.md`);
    for (const path of ["README.md", "crates/js/README.md", ...examples]) {
      const text = read(path);
      const named = new Set([...text.matchAll(/wardkey-[\d.]+\.tgz/g)].map(([name]) => name));
      assert.deepEqual([...named], [packed.filename], path);
      assert.ok(text.includes("npm pack --silent ./crates/js --pack-destination ~"), path);
    }
  });
});

/** The members of an interface of options, nested ones as `usage.verifier`, with what their comment calls the default where that is a value. */
function members(types, name) {
  const body = new RegExp(`^export interface ${name}\\b.*?\\{\\n(.*?)^\\}`, "ms").exec(types)[1];
  const found = [];
  let [comment, outer] = ["", ""];
  for (const line of body.split("\n")) {
    const [, indent, member] = /^( {2,4})(?:readonly )?(\w+)\??:/.exec(line) ?? [];
    if (member === undefined) comment = line.includes("/**") ? line : comment + line;
    else {
      if (indent.length === 2) outer = member;
      found.push([indent.length === 2 ? member : `${outer}.${member}`, valueOf(comment)]);
      comment = "";
    }
  }
  assert.ok(found.length > 0, name);
  return found;
}

/** The members that `VerifierOptions` adds for each way to a registry. */
function ways(types) {
  const union = /^export type VerifierOptions =\n(.*?);$/ms.exec(types)[1];
  return [...union.matchAll(/[{;] (?:\/\*\*([^*]*)\*\/ )?(\w+)\??: /g)].map(([, comment = "", member]) => [member, valueOf(comment)]);
}

const valueOf = (comment) => /Default:? (\d[\d,]*|true|false|`[^`]+`)/.exec(comment)?.[1];

/** What the documents' code is given by what stands around it. The frameworks are anything here: that JavaScript has no types is its way. */
const GIVEN = `
declare module "hono";
declare module "express";
declare const verifier: import("wardkey").Verifier, createVerifier: typeof import("wardkey").createVerifier;
declare const forExpress: typeof import("wardkey/express").wardkey, forHono: typeof import("wardkey/hono").wardkey, forFetch: typeof import("wardkey/fetch").protect;
declare const url: string, credential: string, registry: (given: any) => any, app: any, handler: any, pino: any, plan: any;
declare const key: string, text: string, error: Error, catalog: Record<string, number>;
`;
