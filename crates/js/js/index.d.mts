export * from "./errors.mjs";

/** Bytes, or a promise of them. */
export type Bytes = Uint8Array | ArrayBuffer;

/** What a verification comes to: a value, never an exception. Nothing of the key's text is in it. */
export declare class Decision {
  private constructor();
  /** `allow` or `deny`; from `verifySync` also `needs_refresh` and `strict`, neither of which is an allow. */
  readonly outcome: "allow" | "deny" | "needs_refresh" | "strict";
  /** Whether the call may go on: `outcome` is `allow`. */
  readonly allowed: boolean;
  /** Why the key is denied, for logs: what a caller may be told is in `answer`. */
  readonly reason: Reason | undefined;
  /** Who calls. Like all that follows only where the key's tag was right, also of a key that is denied. */
  readonly subject: string | undefined;
  /** The key's stable name: `key_` and 16 hexadecimal digits. */
  readonly keyId: string | undefined;
  /** The generation's number in the revocation list. */
  readonly statusIndex: number | undefined;
  /** Every scope that the key has left, by name. Only those that were asked for were judged. */
  readonly scopes: string[] | undefined;
  /** The first Unix second in which the key is dead. */
  readonly expiresAt: number | undefined;
  /** Whether its holder narrowed it. */
  readonly narrowed: boolean | undefined;
  /**
   * The Unix second in which the key is retired: it was rotated, and its successor was seen. Known of an allow for which the registry was asked, so of
   * strict scopes. The middlewares tell its holder in the header `Wardkey-Rotate-By`.
   */
  readonly rotateBy: number | undefined;
  /** The knowledge that an allow rests on; age in milliseconds. */
  readonly list: { sequence: number; ageMs: number; zone: "fresh" | "must_ask" | "registry" } | undefined;
  /** The registry's request id, where it was asked and denied. */
  readonly requestId: string | undefined;
  /** What a caller may be told of a refusal; nothing for an allow. */
  readonly answer: HttpAnswer | undefined;
  /** The refusal as a Fetch response: problem details (RFC 9457). Throws `TypeError` for an allow. */
  response(): Response;
  /** The same as parts, for frameworks without `Response`. */
  problem(): { status: number; headers: Record<string, string>; body: string };
  /** For logs. */
  toJSON(): object;
}

/** Status, code, seconds for `Retry-After`, and what to do about it. */
export interface HttpAnswer {
  status: 400 | 401 | 403 | 429 | 503;
  /** The `error` of the `WWW-Authenticate` challenge (RFC 6750). */
  error?: "invalid_request" | "invalid_token" | "insufficient_scope";
  code: string;
  retryAfterS?: number;
  /** What the challenge says is needed, of `scope_missing` (RFC 6750): scopes parted by blanks. Not where one of several is enough. */
  scope?: string;
  /** A sentence for the caller, the same as the registry's own routes say. */
  detail: string;
}

/** Why a key is denied, in stable words. */
export type Reason =
  | "malformed" | "bad_checksum" | "unknown_signing_key" | "prefix_mismatch" | "bad_tag" | "outside_window" | "wrong_audience"
  | "requirement_outdated" | "never_issued" | "tenant_gone" | "expired" | "not_yet_valid" | "inactive" | "revoked" | "suspended"
  | "retired" | "scope_missing" | "narrowed" | "address_not_allowed" | "list_stale" | "clock_behind" | "no_key_set"
  | "registry_unavailable" | "too_many_strict_calls" | "credential_missing" | "invalid_request";

/** A line of the log: no key is in it. */
export interface DecisionEntry {
  /** When it was decided, in Unix milliseconds by the verifier's clock. */
  readonly at: number;
  readonly outcome: "allow" | "deny";
  readonly reason?: Reason;
  readonly subject?: string;
  readonly keyId?: string;
  readonly scopes: string | string[];
  readonly sequence?: number;
  /** Milliseconds. */
  readonly ageMs?: number;
  readonly requestId?: string;
  /** How many entries were dropped since the last that said so, because 10,000 were waiting or in the hook's hands. */
  readonly lost?: number;
}

/** What every transport has in common. */
export interface CommonOptions {
  /** The header that callers bring their key in. Default `Authorization`, as a bearer token; any other holds the key alone. */
  header?: string;
  /**
   * Where a caller's address is known from, for keys that may be used from some networks only. Default: it is not known, and such keys
   * are denied. Name a header only if your own proxy sets it: callers can send any. `request`: a Fetch `Request`; behind `wardkey/express`
   * and `wardkey/node` theirs.
   */
  address?: (request: any) => string | null | undefined;
  /**
   * Is called with each decision once the call has been answered; what it throws or rejects with is dropped. No call of it waits for
   * another: up to 1,000 promises of its own are open at once, and those that do not settle within 3 s are waited for no longer. Default none.
   */
  onDecision?: (entry: DecisionEntry) => unknown;
  /** Keeps a Worker alive for what goes on beside a request. Default: `waitUntil` of `cloudflare:workers`, where the runtime has it. */
  waitUntil?: (promise: Promise<unknown>) => void;
  /** Milliseconds that a verification waits for a refresh of the list: 100 to 5,000. Default 500. */
  refreshTimeoutMs?: number;
  /** Milliseconds that a strict verification waits for the registry: 100 to 30,000. Default 2,000. */
  strictTimeoutMs?: number;
  /**
   * Reports what is decided about which key to the registry, counted by UTC day. What cannot be told is declared lost: a decision about more than
   * 16 scopes, one that the registry denied by a word of its own (such as `too_many_strict_calls`), what there was no room for (8,192 kinds),
   * and what the registry refuses. Default: nothing is reported.
   */
  usage?: {
    /** What this verifier calls itself: 1 to 63 of `a-z 0-9 : . _ / -`, and not `forward-auth`, which is the registry's own. */
    verifier: string;
    /**
     * Milliseconds between reports: 1,000 to 86,400,000. Default 60,000. In Node, Deno and Bun a report needs no further call, and keeps no process
     * alive: `reportUsage()` before one ends. In Workers, where nothing goes on without a request, a report begins with a call: what is
     * counted after an isolate's last one stays.
     */
    everyMs?: number;
  };
  /** The clock, in Unix milliseconds. Default `Date.now`. */
  now?: () => number;
}

/** What a registry wants to know of a verifier. */
export interface RegistryOptions extends CommonOptions {
  /**
   * A key with `verifier:key-set`, for strict scopes also `verifier:verify`; or what gives one whenever it is needed, such as after a renewal. One that
   * is refused is said on the console once a minute, and in `status().outages`.
   */
  credential: string | (() => string | Promise<string>);
  /** The audience's name. Default: the only one that the credential is for. */
  audience?: string;
  /** Longest state of the list that is taken, in bytes: 1 to 1,073,741,824. Default 67,108,864: half a billion keys. */
  maxStateBytes?: number;
}

/** One of `binding`, `url`, `files` and `transport`. */
export type VerifierOptions =
  | (RegistryOptions & { /** A service binding to the registry's Worker. */ binding: { fetch(input: string, init?: RequestInit): Promise<Response> } })
  | (RegistryOptions & { /** The registry's address; https, but for one on this machine. */ url: string; /** Default `globalThis.fetch`. */ fetch?: typeof fetch })
  | (CommonOptions & { files: Files })
  | (CommonOptions & { transport: Transport });

/** Key set and list that something else keeps renewing. Strict scopes are answered with 503: there is nobody to ask. */
export interface Files {
  keySet(): Bytes | Promise<Bytes>;
  head(): Bytes | Promise<Bytes>;
  /** The state of this name, `sequence-digest`. */
  state(name: string): Bytes | Promise<Bytes>;
}

/** A way of your own to key set, list and registry. What it throws is a failure of the moment. The bytes of a key set are wiped once they were read. */
export interface Transport {
  keySet(etag: string | undefined, signal: AbortSignal): Promise<{ bytes: Uint8Array; etag?: string } | undefined>;
  head(tenant: number, signal: AbortSignal): Promise<Uint8Array>;
  state(tenant: number, name: string, signal: AbortSignal): Promise<Uint8Array>;
  /** Takes a report of usage; without it the option `usage` is refused. */
  report?(report: object, signal: AbortSignal): Promise<void>;
  confirm(asked: { key: string; scopes: string[]; any?: boolean; address?: string }, signal: AbortSignal): Promise<object>;
}

/** Of one verification. */
export interface VerifyOptions {
  /** Whether one of the scopes is enough. Default false: all of them. */
  any?: boolean;
  /** Whether the registry is asked whatever the scopes' risk levels say. Default false. */
  strict?: boolean;
  /** The caller's IPv4 or IPv6 address. Default: what the option `address` of the verifier finds, or not known. */
  address?: string;
  /** Keeps a Worker alive for a refresh beside this request. */
  waitUntil?: (promise: Promise<unknown>) => void;
  /** For the log. */
  requestId?: string;
}

/** The verifier of one audience. */
export declare class Verifier {
  private constructor();
  /** Judges the key that a request brings: every scope of `scopes`, or one of them with `any`. */
  authorize(request: Request, scopes: string | string[], options?: VerifyOptions): Promise<Decision>;
  /** What `authorize` promises, at once where nothing has to be waited for. Throws what `authorize` rejects with. */
  decided(request: Request, scopes: string | string[], options?: VerifyOptions): Decision | Promise<Decision>;
  /** The same for requests of another kind: the URL, and what gives a header's value. */
  authorizeHeaders(url: string, values: (header: string) => string | null | undefined, scopes: string | string[], options?: VerifyOptions): Promise<Decision>;
  /** Throws `OptionError` for scopes that the audience does not have: at start-up, before anybody calls. The middlewares do. */
  requires(scopes: string | string[], options?: Pick<VerifyOptions, "any" | "strict">): void;
  /** What the option `address` says of a request, whichever framework's it is: for `authorizeHeaders`, which does not ask it. */
  addressOf(request: unknown): string | null | undefined;
  /** Judges a key. Rejects with `OptionError` for a scope that the audience does not have; a bad key is a decision. */
  verify(key: string, scopes: string | string[], options?: VerifyOptions): Promise<Decision>;
  /**
   * Judges a key by what is here, for hot loops. With `claims: false` the decision says nothing of the key, which is a third
   * cheaper.
   */
  verifySync(key: string, scopes: string | string[], options?: VerifyOptions & { claims?: boolean }): Decision;
  /** Sends what is counted now, before a process ends. Rejects with `OptionError` without the option `usage`. */
  reportUsage(): Promise<void>;
  /** What it rests on, for a health check. */
  status(): Status;
}

/** Times in milliseconds; what is not known is undefined. */
export interface Status {
  tenant: number;
  audience: number;
  keySetVersion: number;
  freshForMs: number;
  sequence: number | undefined;
  ageMs: number | undefined;
  /** Of what a list of this age is worth: "must_ask" serves some scopes while the registry is away, by their risk level; "stale" serves none. */
  zone: "none" | "fresh" | "must_ask" | "stale";
  /** The audience's signing keys that are known here, by number. */
  epochs: number[];
  currentKeySetVersion: number | undefined;
  leastKeySetVersion: number | undefined;
  /** Keys judged since the verifier was made, how many of these calls waited for a refresh of the list, and how many refreshes began. */
  verifications: number;
  waits: number;
  refreshes: number;
  /** What fails at present, and since when; nothing where the last attempt succeeded. */
  outages: Record<"list" | "keySet" | "strict" | "usage", Outage | undefined>;
  /** The codes of `outages`. */
  lastListError: string | undefined;
  lastKeySetError: string | undefined;
  /** Why the registry's last answer about a strict scope could not be used; nothing since one could. */
  lastStrictError: string | undefined;
  lastUsageError: string | undefined;
}

/** What does not work between a verifier and its registry. */
export interface Outage {
  /** Such as `registry_unreachable` or `credential_refused`. */
  code: string;
  /** What was asked and what came of it, where the package knows: never a part of a credential. */
  message: string | undefined;
  /** When the first of the attempts failed, in Unix milliseconds. */
  since: number;
}

/** Makes a verifier: fetches the key set, and the list if it can be had. Rejects with `TransportError`, `KeySetError`, `OptionError`. */
export declare function createVerifier(options: VerifierOptions): Promise<Verifier>;
