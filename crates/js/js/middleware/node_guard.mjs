// What stands before a handler of Node's requests, whichever framework hands them on: the decision is `req.auth`.

import { problem } from "../verifier/answers.mjs";
import { LazyVerifier } from "./lazy_verifier.mjs";
import { OperatorLine } from "../operator_line.mjs";
import { fixed } from "./middleware_options.mjs";
import { ROTATE_BY, rotateByDate } from "./rotate_by.mjs";

/** Judges requests of Node's, and answers those that may not go on. */
export class NodeGuard {
  #verifier;
  #scopes;
  #options;
  #line;

  /** `options`: `MiddlewareOptions`. */
  constructor(given, scopes, options) {
    this.#verifier = LazyVerifier.of(given);
    this.#scopes = fixed(scopes);
    this.#verifier.requires(this.#scopes, options.constant);
    this.#line = new OperatorLine(`verifier_failed for ${[scopes].flat().join(" ")}`);
    this.#options = options;
  }

  /** Whether a request may go on. Whoever may not has been answered, and so has whoever could not be judged, unless `failed` takes the error. */
  async admits(req, res, failed) {
    let decision;
    try {
      decision = await this.#decision(req);
    } catch (error) {
      if (failed !== undefined) {
        // To Express nothing, and some words, are no error: it would go on.
        failed(error instanceof Error ? error : new Error("the credential could not be judged", { cause: error }));
        return false;
      }
      this.#line.say(error);
      // Nothing of the error: it is the operator's, and not the caller's.
      return answered(res, problem({ status: 500, code: "verifier_failed", detail: "The log of whoever runs this says why." }));
    }
    if (!decision.allowed) return answered(res, decision.problem());
    const date = rotateByDate(decision);
    if (date !== undefined && !res.headersSent) res.setHeader(ROTATE_BY, date);
    req.auth = decision;
    return true;
  }

  #decision(req) {
    const options = this.#options.of(undefined, req);
    return this.#verifier.decision(undefined, (verifier) => verifier.authorizeHeaders(
      req.originalUrl ?? req.url,
      (name) => header(req, name),
      this.#scopes,
      { ...options, address: options.address ?? verifier.addressOf?.(req) },
    ), options.waitUntil);
  }
}

/** Answers, and says that the request may not go on. */
function answered(res, { status, headers, body }) {
  // Where somebody has answered already, as on a time-out of the server's, nothing is left to say.
  if (!res.headersSent) {
    res.writeHead(status, headers);
    res.end(body);
  }
  return false;
}

/** All values of a header, as they came: `req.headers` drops a second `Authorization`. */
function header({ rawHeaders, headers }, name) {
  const wanted = name.toLowerCase();
  // Adapters for functions bring no raw headers: what became of a second one there is theirs.
  const values = rawHeaders?.length > 0
    ? rawHeaders.filter((_, place) => place % 2 === 1 && rawHeaders[place - 1].toLowerCase() === wanted)
    : Object.entries(headers ?? {}).flatMap(([given, value]) => (given.toLowerCase() === wanted && value !== undefined ? value : []));
  return values.length === 0 ? undefined : values.join(", ");
}
