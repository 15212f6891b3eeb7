// A client of the worker: sends what it is told to, keeps every answer.

import http from "node:http";

export class Client {
  constructor(worker, credential) {
    this.worker = worker;
    this.credential = credential;
  }

  get(path, options) {
    return this.request("GET", path, options);
  }

  post(path, body, options) {
    return this.request("POST", path, { ...options, body });
  }

  /**
   * Sends a request. A body that is neither text nor bytes is sent as JSON.
   *
   * `headers`: over those that are usual; undefined leaves one out. `host`: in place of the worker's own.
   */
  async request(method, path, { body, headers = {}, host } = {}) {
    const raw = typeof body === "string" || body instanceof Uint8Array;
    const bytes = body === undefined ? undefined : raw ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
    const { hostname, port } = new URL(this.worker.url);
    const all = {
      ...(this.credential && { Authorization: `Bearer ${this.credential}` }),
      ...(bytes && { "Content-Type": "application/json", "Content-Length": bytes.length }),
      ...(host && { Host: host }),
      ...headers,
    };
    for (const [name, value] of Object.entries(all)) if (value === undefined) delete all[name];
    const answer = await new Promise((resolve, reject) => {
      // WHY not fetch: it corrects what is odd, and odd input is what is to be sent.
      const request = http.request({ hostname, port, method, path, headers: all, agent: false }, (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => resolve(new Answer(response, Buffer.concat(chunks))));
      });
      request.on("error", reject);
      request.end(bytes);
    });
    this.worker.exchanges.push({ method, path, answer, at: Date.now() });
    return answer;
  }

  // The routes, as a caller thinks of them.

  create(request, { idempotencyKey, plant } = {}) {
    const body = { subject: "svc:billing", audience: "api", scopes: ["reports:read"], expires_in: 3600, ...request };
    return this.post("/v1/keys", body, { headers: acts(idempotencyKey, plant) });
  }

  /** An administration key made by this one; answers its client. */
  async deputy(scopes, forAudiences, request) {
    const made = await this.create({
      subject: "svc:deputy",
      audience: "wardkey",
      scopes,
      for_audiences: forAudiences,
      ...request,
    });
    if (made.status !== 201) throw new Error(`create: ${made.status} ${made.text}`);
    return Object.assign(this.worker.client(made.json.key), { keyId: made.json.key_id });
  }

  read(keyId) {
    return this.get(`/v1/keys/${keyId}`);
  }

  revoke(keyId, body, { idempotencyKey, plant } = {}) {
    return this.post(`/v1/keys/${keyId}/revoke`, body, { headers: acts(idempotencyKey, plant) });
  }

  verify(key, request) {
    return this.post("/v1/verify", { key, scopes: ["reports:read"], audience: "api", ...request });
  }

  /** The whole audit log that this credential may read. */
  async audit() {
    const entries = [];
    for (let after = 0; after !== undefined; ) {
      const page = await this.get(`/v1/audit?limit=200&after=${after}`);
      if (page.status !== 200) throw new Error(`audit: ${page.status} ${page.text}`);
      entries.push(...page.json.entries);
      after = page.json.next_after ?? undefined;
    }
    return entries;
  }
}

const acts = (idempotencyKey, plant) => ({ "Idempotency-Key": idempotencyKey, "Wardkey-Plant-Fault": plant });

/** What came back. */
export class Answer {
  constructor(response, bytes) {
    this.status = response.statusCode;
    this.headers = response.headers;
    this.rawHeaders = response.rawHeaders;
    this.bytes = bytes;
  }

  get text() {
    return this.bytes.toString("utf8");
  }

  get json() {
    return JSON.parse(this.text);
  }

  get requestId() {
    return this.headers["wardkey-request-id"];
  }

  /** Everything but what is different in each answer by its nature. */
  get likeness() {
    const headers = [];
    for (let at = 0; at < this.rawHeaders.length; at += 2) {
      const name = this.rawHeaders[at];
      if (!["wardkey-request-id", "date"].includes(name.toLowerCase())) headers.push(`${name}: ${this.rawHeaders[at + 1]}`);
    }
    return [this.status, ...headers, "", this.bytes.toString("latin1")].join("\n");
  }
}

/** Waits until something holds, and says what did not. */
export async function eventually(what, holds, withinMs = 5_000) {
  const end = Date.now() + withinMs;
  for (;;) {
    const found = await holds();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((later) => setTimeout(later, 50));
  }
}
