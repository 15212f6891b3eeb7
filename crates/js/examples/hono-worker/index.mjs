// A Worker that answers with Hono. The registry is another Worker of the account, reached by a service binding: a Worker's fetch to
// its own zone would not reach it.

import { Hono } from "hono";
import { wardkey } from "wardkey/hono";

const app = new Hono();
const registry = ({ env }) => ({ binding: env.WARDKEY, credential: env.WARDKEY_CREDENTIAL });

app.get("/reports", wardkey(registry, "reports:read"), (c) => c.json({ hello: c.get("subject"), key: c.get("keyId") }));
// What cannot be undone: the registry is asked each time, so that a key that was revoked a moment ago does it no more.
app.delete("/reports", wardkey(registry, "reports:write", { strict: true }), (c) => c.json({ purged: true }));

export default app;
