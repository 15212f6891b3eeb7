// Between two origins that the key may go to, all else that was meant for one of them stays there.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, it } from "node:test";

import { wardkeyFetch } from "../../crates/js/js/holder/index.mjs";
import { vectors } from "../harness/vectors.mjs";

const key = vectors("key")[0].case.key;

describe("a redirect from one of the key's origins to another", () => {
  const asked = [];
  const servers = [];
  let first, second;

  before(async () => {
    const serve = (answer) => new Promise((ready) => {
      const server = createServer((request, response) => {
        asked.push({ url: request.url, ...request.headers });
        answer(request, response);
      });
      servers.push(server.listen(0, "127.0.0.1", () => ready(`http://127.0.0.1:${server.address().port}`)));
    });
    second = await serve(({ url }, response) => (url === "/back" ? response.writeHead(302, { location: `${first}/end` }).end() : response.end("second")));
    first = await serve(({ url }, response) => (url === "/end" ? response.end("first") : response.writeHead(url === "/307" ? 307 : 302, { location: url === "/own" ? "/end" : second + (url === "/round" ? "/back" : "/x") }).end()));
  });
  after(() => servers.forEach((server) => (server.close(), server.closeAllConnections())));

  const OWN = { Authorization: "Basic Zm9yLWZpcnN0", Cookie: "for=first", "Proxy-Authorization": "Basic eA", "X-Auth-Token": "first", Accept: "text/plain" };
  const of = ({ authorization, cookie, accept, "x-api-key": apiKey, "proxy-authorization": proxy, "x-auth-token": token }) => ({ authorization, cookie, accept, apiKey, proxy, token });
  const stripped = { authorization: undefined, cookie: undefined, accept: "text/plain", apiKey: key, proxy: undefined, token: undefined };
  const whole = { authorization: OWN.Authorization, cookie: OWN.Cookie, accept: "text/plain", apiKey: key, proxy: "Basic eA", token: "first" };
  const calling = async (path, init) => {
    asked.length = 0;
    await (await wardkeyFetch({ key, origins: [first, second], header: "X-API-Key" })(first + path, { headers: OWN, ...init })).text();
    return asked.map(of);
  };

  it("takes the key, and no other credential of the caller's", async () => {
    assert.deepEqual(await calling("/other"), [whole, stripped]);
    assert.deepEqual(await calling("/307", { method: "POST", body: "x" }), [whole, stripped]);
  });

  it("gives them back to nobody, not even to the first", async () => {
    assert.deepEqual(await calling("/round"), [whole, stripped, stripped]);
  });

  it("leaves them on the way within one origin", async () => {
    assert.deepEqual(await calling("/own"), [whole, whole]);
  });

  it("takes a bearer key, too", async () => {
    asked.length = 0;
    await (await wardkeyFetch({ key, origins: [first, second] })(`${first}/other`, { headers: { Cookie: "for=first", "X-API-Key": "first" } })).text();
    assert.deepEqual(asked.map(({ authorization, cookie, "x-api-key": apiKey }) => [authorization, cookie, apiKey]), [[`Bearer ${key}`, "for=first", "first"], [`Bearer ${key}`, undefined, undefined]]);
  });
});
