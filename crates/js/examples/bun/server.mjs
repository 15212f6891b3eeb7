// A server for Bun.

import { createVerifier } from "wardkey";
import { protect } from "wardkey/fetch";

const verifier = await createVerifier({ url: process.env.WARDKEY_URL, credential: process.env.WARDKEY_CREDENTIAL });
const answer = protect(verifier, "reports:read", (_request, { subject, keyId }) => Response.json({ hello: subject, key: keyId }));

const { url } = Bun.serve({ port: process.env.PORT ?? 3000, hostname: "127.0.0.1", fetch: (request) => answer(request) });
console.log(url.origin);
