// A server with Express.

import express from "express";
import { createVerifier } from "wardkey";
import { wardkey } from "wardkey/express";

const verifier = await createVerifier({ url: process.env.WARDKEY_URL, credential: process.env.WARDKEY_CREDENTIAL });
const app = express();

app.get("/reports", wardkey(verifier, "reports:read"), (req, res) => res.json({ hello: req.auth.subject, key: req.auth.keyId }));
app.get("/healthz", (_req, res) => res.json(verifier.status()));

const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
