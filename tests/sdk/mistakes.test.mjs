// Mistakes of whoever puts a verifier in: each is refused early, and says what to do about it.

import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";

import { createVerifier } from "../../crates/js/js/index.mjs";
import { protect } from "../../crates/js/js/middleware/fetch.mjs";
import { wardkey as forExpress } from "../../crates/js/js/middleware/express.mjs";
import { wardkey as forHono } from "../../crates/js/js/middleware/hono.mjs";
import { protect as protectNode } from "../../crates/js/js/middleware/node.mjs";
import { MemoryRegistry } from "../harness/memory_registry.mjs";

let registry, key;
beforeEach(() => {
  registry = new MemoryRegistry();
  ({ key } = registry);
});

const made = (more) => createVerifier(registry.options(more));
const refused = (promise, code, message) => assert.rejects(promise, (error) => (assert.equal(error.code, code), assert.match(error.message, message), error.cause === undefined));

describe("a mistake in the options", () => {
  it("names the option, and what it takes", async () => {
    for (const [more, code, message] of [
      [{ url: undefined }, "invalid_option", /^`url` is undefined: is your environment variable set\?$/],
      [{ credential: undefined }, "credential_missing", /^`credential` is undefined: is your environment variable set\?$/],
      [{ credential: new Uint8Array(9) }, "credential_malformed", /^`credential` is a string, and not of type object; readFileSync needs "utf8"$/],
      [{ url: "localhost:8787" }, "invalid_option", /^`url` begins with https:\/\//],
      [{ fetch: "x" }, "invalid_option", /^`fetch` is a function$/],
      [{ usage: { verifier: "forward-auth" } }, "invalid_option", /forward-auth is what the registry calls itself/],
    ]) {
      await refused(made(more), code, message);
    }
    await refused(createVerifier({ binding: "WARDKEY", credential: "x" }), "invalid_option", /^`binding.fetch` is a function$/);
    await refused(createVerifier({ files: {} }), "invalid_option", /^`files.keySet` is a function$/);
    await refused(createVerifier({ files: { keySet() {}, head: "x" } }), "invalid_option", /^`files.head` is a function$/);
  });

  it("shows when a middleware is made of them", () => {
    for (const options of [{ url: "https://registry.test", credental: "x" }, { url: undefined, credential: "x" }, { url: "http://registry.test", credential: "x" }, registry.options({ usage: { verifier: "No" } })]) {
      for (const make of [(each) => protect(each, "a:b", () => {}), (each) => forHono(each, "a:b"), (each) => forExpress(each, "a:b"), (each) => protectNode(each, "a:b", () => {})]) {
        assert.throws(() => make(options), { name: "OptionError" });
      }
    }
    // What is there later is looked at later.
    protect(made(), "a:b", () => {});
    protect(() => ({}), "a:b", () => {});
  });

  it("in scopes, or a handler that was left out, shows then, too", () => {
    const options = registry.options();
    for (const make of [(...told) => protect(...told, () => {}), forHono, forExpress, (...told) => protectNode(...told, () => {})]) {
      for (const scopes of [[], "nonsense", [undefined]]) assert.throws(() => make(options, scopes), { code: "scope_malformed" });
    }
    for (const make of [forHono, forExpress]) assert.throws(() => make(options), { code: "scope_malformed" });
    for (const each of [protect, protectNode]) assert.throws(() => each(options, "a:b"), { code: "invalid_option", message: "protect: the handler is a function" });
  });
});

describe("a mistake in a call", () => {
  it("names the scope that there is not, and those that there are", async () => {
    const verifier = await made();
    await refused(verifier.verify(key, ["invoice:read", "invoice:raed"]), "unknown_scope", /^"invoice:raed" is no scope of this audience; there are invoice:list, invoice:read, /);
    await refused(verifier.verify(key, `a:${"x".repeat(500)}`), "unknown_scope", /^.{1,400}$/);
  });

  it("of authorize says what else there is", async () => {
    const verifier = await made();
    for (const none of [key, undefined, null, { url: "/", headers: { authorization: `Bearer ${key}` } }]) {
      await assert.rejects(verifier.authorize(none, "invoice:read"), (error) => error.code === "invalid_option" && error.message.startsWith("authorize takes a Fetch Request") && !`${error.stack}`.includes(key.slice(20, 40)));
    }
  });

  it("to report usage that nobody counts is no silence", async () => {
    await refused((await made()).reportUsage(), "invalid_option", /the option `usage`/);
  });
});

describe("what answers at the address", () => {
  const answers = async (answer, code, message, more) => {
    registry.between = answer;
    await refused(made(more), code, message);
  };
  const text = (status) => async () => new Response("<html>", { status, headers: { "Content-Type": "text/html" } });

  it("and is no registry, is said to be none", async () => {
    await answers(text(200), "key_set_malformed", /^the registry at https:\/\/registry\.test is none: a page answers there$/);
    await answers(text(404), "not_found", /answers 404: is it one\?$/);
    await answers(async () => new Response(new Uint8Array(700)), "key_set_malformed", /^the registry at https:\/\/registry\.test: the key set is malformed$/);
  });

  it("to an address that is too long, is said to be a part of it", async () => {
    await answers(async () => Response.json({ code: "no_route" }, { status: 404 }), "not_found", /answers 404 no_route: `url` is without \/v1$/, { url: "https://registry.test/v1" });
  });

  it("is nobody: by the code of what the runtime says, and none of its words", async () => {
    const cause = Object.assign(new Error("Bearer credential"), { code: "ENOTFOUND" });
    for (const [thrown, word] of [
      [new TypeError("fetch failed", { cause }), "ENOTFOUND"], [new TypeError("Bearer credential"), "TypeError"], [Object.assign(new Error(), { code: "ECONNREFUSED" }), "ECONNREFUSED"],
      [new TypeError("fetch failed", { cause: new AggregateError([cause]) }), "ENOTFOUND"], [undefined, "failed"], [{ code: `wk_live_${"x".repeat(60)}` }, "failed"],
    ]) {
      await answers(async () => { throw thrown; }, "registry_unreachable", new RegExp(`^the registry at https://registry.test cannot be reached: ${word}$`));
    }
  });
});
