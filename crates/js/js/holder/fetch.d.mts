export interface WardkeyFetchOptions {
  /** The key, or a function that gives the one of the moment, such as after a rotation. */
  key: string | (() => string | Promise<string>);
  /** Where the key may go: exact origins (scheme, host and port), such as `https://api.example.com`; http on loopback only. At least one. */
  origins: readonly string[];
  /** The header that carries it, as `Bearer` in `Authorization` and by itself in any other, such as `X-API-Key`. Default: `Authorization`. */
  header?: string;
  /**
   * Told when an answer says in `Wardkey-Rotate-By` (an HTTP date) by when to have the next key: once for each date. What it throws, the call
   * throws. In browsers the API must expose that header (CORS). Default: nothing.
   */
  onRotateBy?: (date: Date) => void;
  /** What sends the requests. Default: the global `fetch`. */
  fetch?: typeof globalThis.fetch;
}

/**
 * A function like `fetch` that attaches the key to requests to its origins. A request to any other is sent as it is.
 *
 * A redirect is followed with the key only as long as all of its way lies within the origins; without it to any other origin over https, or
 * refused if it would send a body there. On each change of origin, also between two of the key's own, the request leaves behind what else is
 * for whom it was sent to: `Authorization`, `Cookie`, `Proxy-Authorization`, `X-API-Key`, `X-Auth-Token`, `X-CSRF-Token` and the like. In browsers, which do not tell where a redirect
 * leads, it is refused. `response.redirected` is false.
 *
 * The function throws, beside what `fetch` does:
 * `RequestError` `redirect_refused`, or `two_credentials` where the request has that header already; `KeyTextError` where `key` gives no key.
 *
 * @throws {OptionError} an option is none, or an origin is none; `unknown_option` for one that there is not.
 * @throws {KeyTextError} the key is none.
 */
export function wardkeyFetch(options: WardkeyFetchOptions): (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
