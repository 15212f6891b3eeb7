// A server for Deno.

import { createVerifier } from "wardkey";
import { protect } from "wardkey/fetch";

const verifier = await createVerifier({ url: Deno.env.get("WARDKEY_URL"), credential: Deno.env.get("WARDKEY_CREDENTIAL") });
const answer = protect(verifier, "reports:read", (_request, { subject, keyId }) => Response.json({ hello: subject, key: keyId }));

Deno.serve({ port: Number(Deno.env.get("PORT") ?? 3000), hostname: "127.0.0.1", onListen: ({ port }) => console.log(`http://127.0.0.1:${port}`) }, (request) => answer(request));
