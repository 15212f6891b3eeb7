// The key reaches its origins, and nobody else: not by a redirect, not by way of another, not by an error.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";

import { KeyTextError, OptionError, RequestError, wardkeyFetch } from "../../crates/js/js/holder/index.mjs";
import { Listener } from "../harness/listener.mjs";
import { vectors } from "../harness/vectors.mjs";

const key = vectors("key")[0].case.key;
const other = vectors("key")[1].case.key;

const refused = (code) => (error) => error instanceof RequestError && error.code === code && !`${error.stack}`.includes(key.slice(20));

describe("a fetch with a key", () => {
  const [home, second, stranger] = [new Listener(), new Listener(), new Listener()];
  before(() => Promise.all([home, second, stranger].map((server) => server.listen())));
  after(() => [home, second, stranger].forEach((server) => server.close()));
  beforeEach(() => [home, second, stranger].forEach((server) => server.heard.splice(0)));
  const usual = (options) => wardkeyFetch({ key, origins: [home.origin, second.origin], ...options });
  const to = (url, status = 302) => `${home.origin}/${status}?to=${encodeURIComponent(url)}`;

  it("sends it to its origins, as Bearer or in the header that is named", async () => {
    const response = await usual()(`${home.origin}/`, { method: "POST", body: "hello", headers: { accept: "text/plain" } });
    assert.equal(await response.text(), "body");
    const [{ method, headers, body }] = home.heard;
    assert.deepEqual([method, headers.authorization, headers.accept, body], ["POST", `Bearer ${key}`, "text/plain", "hello"]);
    await usual({ header: "X-API-Key" })(new Request(`${home.origin}/`, { headers: { authorization: "Basic eDp5" } }));
    assert.deepEqual([home.heard[1].headers["x-api-key"], home.heard[1].headers.authorization], [key, "Basic eDp5"]);
    await usual()(new Request(`${home.origin}/`, { method: "PUT", body: "of a request" }));
    assert.deepEqual([home.heard[2].headers.authorization, home.heard[2].body], [`Bearer ${key}`, "of a request"]);
    let turn = 0;
    const turning = usual({ key: async () => [key, other][turn++] });
    await turning(`${home.origin}/`);
    await turning(new URL(home.origin));
    assert.deepEqual(home.heard.slice(3).map(({ headers }) => headers.authorization), [`Bearer ${key}`, `Bearer ${other}`]);
  });

  it("sends what goes elsewhere as it is, without the key", async () => {
    for (const url of [stranger.origin, stranger.origin.replace("127.0.0.1", "localhost"), home.origin.replace("127.0.0.1", "localhost"), home.origin.replace("http://", "http://127.0.0.1@")]) {
      await usual()(url, { headers: { authorization: "Bearer of-another" } }).catch((error) => assert.ok(!`${error.stack}`.includes(key)));
    }
    assert.ok(stranger.heard.length > 0);
    assert.ok(!(stranger.said + home.said).includes(key));
    assert.equal(stranger.heard[0].headers.authorization, "Bearer of-another");
    await usual({ origins: [second.origin] })(to(`${second.origin}/`));
    assert.equal(second.heard.length, 1);
    assert.ok(!second.said.includes(key), "who was asked first chose this request, and may not choose the key for it");
  });

  it("follows a redirect with the key within its origins alone", async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      assert.equal(await (await usual()(to(`${second.origin}/200`, status))).text(), "body");
      assert.equal(await (await usual()(to("/200", status))).text(), "body");
    }
    assert.equal(second.said.split(`Bearer ${key}`).length - 1, 5, "as a control: it is seen where it may go");
    assert.equal(home.said.split(`Bearer ${key}`).length - 1, 15);
    for (const header of ["authorization", "x-api-key"]) {
      for (const status of [301, 302, 303, 307, 308]) {
        const sent = { cookie: "a=b", "proxy-authorization": "c", accept: "text/plain", ...(header !== "authorization" && { authorization: "Basic eDp5" }) };
        const response = await usual({ header })(to(`${stranger.origin}/200`, status), { headers: sent });
        assert.equal(await response.text(), "body");
        const { headers } = stranger.heard.pop();
        for (const name of ["authorization", "x-api-key", "cookie", "proxy-authorization"]) assert.equal(headers[name], undefined, `${name} ${status}`);
        assert.equal(headers.accept, "text/plain");
      }
    }
    assert.ok(home.said.includes(key) && !stranger.said.includes(key));
  });

  it("does not take it up again once its way has led elsewhere", async () => {
    const back = `${stranger.origin}/302?to=${encodeURIComponent(`${second.origin}/200`)}`;
    assert.equal(await (await usual()(to(back))).text(), "body");
    assert.equal(second.heard.length, 1);
    assert.ok(!(second.said + stranger.said).includes(key));
  });

  it("repeats a body within its origins as HTTP says, and sends none elsewhere", async () => {
    const post = (url, body = "hello", more = {}) => usual()(url, { method: "POST", body, headers: { "content-type": "text/x-y" }, ...more });
    await post(to(`${second.origin}/`, 307));
    await post(to(`${second.origin}/`, 303));
    await post(to(`${second.origin}/`, 302));
    assert.deepEqual(second.heard.map(({ method, body, headers }) => [method, body, headers["content-type"]]), [["POST", "hello", "text/x-y"], ["GET", "", undefined], ["GET", "", undefined]]);
    const form = new FormData();
    form.set("a", "b");
    await usual()(to(`${second.origin}/`, 308), { method: "PUT", body: form });
    const { headers, body } = second.heard.pop();
    const [, boundary] = /boundary=(.*)$/.exec(headers["content-type"]);
    assert.ok(body.includes(boundary), "a form's boundary is its own");
    await assert.rejects(post(to(`${stranger.origin}/`, 307)), refused("redirect_refused"));
    await assert.rejects(post(to(`${second.origin}/`, 307), new Blob(["x"]).stream(), { duplex: "half" }), refused("redirect_refused"));
    await assert.rejects(usual()(new Request(to(`${second.origin}/`, 307), { method: "POST", body: "x" })), refused("redirect_refused"));
    await post(to(`${stranger.origin}/`, 303));
    assert.deepEqual(stranger.heard.map(({ method, body }) => [method, body]), [["GET", ""]]);
    assert.ok(!stranger.said.includes(key));
  });

  it("refuses redirects that leave https, lead nowhere or do not end, and leaves those alone that it is told to", async () => {
    for (const url of ["http://example.com/", "ftp://127.0.0.1/", "javascript:alert(1)", "data:,x", "http://[", "file:///etc/hostname"]) {
      await assert.rejects(usual()(to(url)), refused("redirect_refused"), url);
    }
    const circle = usual({ fetch: async (request) => new Response(null, { status: 302, headers: { location: typeof request === "string" ? request : request.url } }) });
    await assert.rejects(circle(home.origin), refused("redirect_refused"));
    const left = await usual()(to(`${stranger.origin}/`), { redirect: "manual" });
    assert.equal(left.status, 302);
    await assert.rejects(usual()(to(`${stranger.origin}/`), { redirect: "error" }));
    assert.equal(stranger.heard.length, 0);
    assert.equal((await usual()(`${home.origin}/302`)).status, 302, "without a place to go");
    // As browsers answer `redirect: "manual"`.
    const opaque = usual({ fetch: async () => Object.defineProperty(new Response(), "type", { value: "opaqueredirect" }) });
    await assert.rejects(opaque(home.origin), refused("redirect_refused"));
  });

  it("tells by when to rotate, once for each date, and believes only who it has sent the key to", async () => {
    const told = [];
    const fetch = usual({ onRotateBy: (date) => told.push(date.getTime()) });
    const by = (origin, date) => `${origin}/?wardkey-rotate-by=${encodeURIComponent(date)}`;
    const [one, two] = ["Fri, 15 Jan 2027 08:00:00 GMT", "Sat, 16 Jan 2027 08:00:00 GMT"];
    for (const url of [by(home.origin, one), by(home.origin, one), by(second.origin, two), by(stranger.origin, one), to(by(stranger.origin, one)), home.origin]) await fetch(url);
    assert.deepEqual(told, [Date.parse(one), Date.parse(two)]);
    for (const date of ["soon", "1800000000", "2027-01-15T08:00:00Z", "Fri, 99 Jan 2027 08:00:00 GMT", ""]) await fetch(by(home.origin, date));
    assert.equal(told.length, 2);
    await fetch(to(by(second.origin, one)));
    assert.equal(told.length, 3, "also behind a redirect");
    await assert.rejects(usual({ onRotateBy: () => { throw new Error("full"); } })(by(home.origin, one)), /full/);
    assert.equal((await usual()(by(home.origin, one))).status, 200, "nobody has to listen");
  });

  it("refuses a second credential, what is no origin and what is no key, and shows nothing of it", async () => {
    await assert.rejects(usual()(home.origin, { headers: { Authorization: "Bearer x" } }), refused("two_credentials"));
    for (const origins of [undefined, [], "https://a.test", [7], ["a.test"], ["https://a.test/"], ["https://a.test/path"], ["https://A.test"], ["https://a.test:443"], ["http://a.test"], ["http://127.0.0.1.a.test"], ["http://localhost.a.test"], ["https://*.a.test"], ["https://u@a.test"], ["null"], ["file:///"], ["wss://a.test"]]) {
      assert.throws(() => usual({ origins }), (error) => error instanceof OptionError, JSON.stringify(origins));
    }
    assert.throws(() => wardkeyFetch(), OptionError);
    for (const origins of [["https://a.test"], ["https://a.test:8443"], ["http://localhost"], ["http://127.0.0.1:8080"], ["http://[::1]:8080"]]) usual({ origins });
    for (const header of ["", "a b", "a\n", 7, "é"]) assert.throws(() => usual({ header }), OptionError);
    for (const wrong of [undefined, 7, "", `${key}\n`, `${key} `, `${key}é`, `Bearer ${key}`, key.repeat(9)]) {
      const isTold = (error) => error instanceof KeyTextError && !`${error.stack}`.includes(key.slice(20));
      assert.throws(() => usual({ key: wrong }), isTold);
      await assert.rejects(usual({ key: () => wrong })(home.origin), isTold);
    }
    assert.equal(home.heard.length, 0, "nothing was sent");
  });
});
