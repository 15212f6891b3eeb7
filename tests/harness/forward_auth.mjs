// What the suites of forward auth have in common: the proxies, the route as they ask it, and a caller's key.

export const PROXIES = ["nginx", "caddy"];
export const ROUTE = "/v1/forward-auth/1/api?scope=reports:read";
export const CHALLENGE = 'Bearer realm="wardkey"';

export const bearer = (key) => ["Authorization", `Bearer ${key}`];

/** As a proxy asks. */
export const ask = (worker, key, { route = ROUTE, method = "GET", headers } = {}) =>
  worker.client(key).request(method, route, { headers });
