// What users write, as the compiler sees it: each line that must not compile says so, and the compiler fails where it does.

import { createVerifier, Decision, KeySetError, Verifier, WardkeyError, type DecisionEntry, type Reason, type VerifierOptions } from "wardkey";
import { wardkey as forExpress } from "wardkey/express";
import { protect } from "wardkey/fetch";
import { wardkey as forHono } from "wardkey/hono";
import { protect as protectNode, type Authorized } from "wardkey/node";
import { createServer, type IncomingMessage } from "node:http";
import { createServer as createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";

const verifier: Verifier = await createVerifier({ url: "https://keys.example.com", credential: async () => "…", audience: "api" });
const options: VerifierOptions = { files: { keySet: () => new Uint8Array(), head: async () => new ArrayBuffer(1), state: (name: string) => new Uint8Array(name.length) } };
await createVerifier(options);

const decision: Decision = await verifier.authorize(new Request("https://api.example"), ["a:b", "a:c"], { any: true, address: "192.0.2.1" });
if (decision.allowed) decision.subject satisfies string | undefined;
else decision.response() satisfies Response;
switch (decision.outcome) {
  case "allow":
  case "deny":
  case "needs_refresh":
  case "strict":
    break;
  default:
    decision.outcome satisfies never;
}
decision.reason satisfies Reason | undefined;
verifier.verifySync("…", "a:b", { claims: false }).allowed satisfies boolean;
verifier.status().ageMs satisfies number | undefined;
verifier.status().outages.list?.since satisfies number | undefined;
decision.rotateBy satisfies number | undefined;
decision.answer?.detail satisfies string | undefined;

forExpress(verifier, "a:b", { address: (req) => req.ip });
await createVerifier({ url: "https://keys.example.com", credential: "…", address: (request: Request) => request.headers.get("CF-Connecting-IP") });
forHono(({ env }) => ({ binding: env.WARDKEY, credential: env.CREDENTIAL }), "a:b");
forExpress(verifier, "a:b", { errorsToNext: true, any: true, requestId: (req) => req.id });
forHono(verifier, "a:b", { address: (c) => c.req.header("CF-Connecting-IP") });
protect(verifier, "a:b", (_request, { keyId }) => new Response(keyId));
const answer: (request: Request, info: { address: string }) => Promise<Response> = protect(verifier, "a:b", (_request, { keyId }) => new Response(keyId), { address: (_request, info: { address: string }) => info.address });
await answer(new Request("https://api.example"), { address: "192.0.2.1" });
protect(verifier, "a:b", (_request, { keyId }, info: { address: string }) => new Response(`${keyId} ${info.address}`)) satisfies typeof answer;
createServer(protectNode(verifier, "a:b", (req, res) => void res.end(req.auth.keyId ?? ""), { address: (req) => req.socket.remoteAddress }));
createSecureServer(protectNode(verifier, "a:b", (req: Authorized<Http2ServerRequest>, res: Http2ServerResponse) => void res.end(req.auth.keyId ?? "")));
const handle = (req: Authorized<IncomingMessage>) => req.auth.keyId;
protectNode({ url: "https://keys.example.com", credential: "…" }, "a:b", async (req) => handle(req));
verifier.requires(["a:b", "a:c"], { any: true });
protect(
  (env: { CREDENTIAL: string }) => ({ url: "https://keys.example.com", credential: env.CREDENTIAL }),
  "a:b",
  (_request, { subject }, env: { CREDENTIAL: string }, context: { waitUntil(promise: Promise<unknown>): void }) => new Response(`${env.CREDENTIAL.length} ${subject} ${typeof context}`),
);
protect((env: { CREDENTIAL: string }) => ({ url: "https://keys.example.com", credential: env.CREDENTIAL }), "a:b", (_request, { subject }) => new Response(subject)) satisfies (request: Request, env: { CREDENTIAL: string }, context: object) => Promise<Response>;
const log = (entry: DecisionEntry) => console.log(new Date(entry.at), entry.keyId, entry.ageMs);
await createVerifier({ url: "https://keys.example.com", credential: "…", onDecision: log });
try {
  await verifier.verify("…", "a:b");
} catch (error) {
  if (error instanceof KeySetError || error instanceof WardkeyError) error.code satisfies string;
}

// @ts-expect-error a registry wants a credential
await createVerifier({ url: "https://keys.example.com" });
// @ts-expect-error one transport
await createVerifier({});
// @ts-expect-error one address would be every caller's
protect(verifier, "a:b", () => new Response(), { address: "192.0.2.1" });
// @ts-expect-error nor is one number every request's
forExpress(verifier, "a:b", { requestId: "r-1" });
// @ts-expect-error no such option
forHono(verifier, "a:b", { adress: () => "192.0.2.1" });
// @ts-expect-error nobody makes a decision
new Decision();
// @ts-expect-error nor a verifier
new Verifier();
// @ts-expect-error scopes are text
await verifier.verify("…", 5);
// @ts-expect-error what is decided stays decided
decision.outcome = "allow";
// @ts-expect-error only without waiting
await verifier.verify("…", "a:b", { claims: false });
