// What holders of keys write, as the compiler sees it: each line that must not compile says so, and the compiler fails where it does.

import pino from "pino";
import {
  findCredentials, inspect, KeyTextError, ModuleError, narrow, NarrowingError, OptionError, pinoRedact, ready, redact, redactingConsole, RequestError, wardkeyFetch, WardkeyError,
  type Catalog, type FoundCredential, type NarrowOptions, type RedactOptions, type UnprovenKey, type UnprovenStep, type WardkeyFetchOptions,
} from "wardkey/holder";
// @ts-expect-error a verifier is not for holders
import { createVerifier } from "wardkey/holder";

ready satisfies Promise<void>;
await ready;

const options: NarrowOptions = { scopes: [0, "a:b"], catalog: { "a:b": 1 }, expiresIn: 600, notBefore: new Date(), cidr: ["192.0.2.0/24"], now: Date.now() };
narrow("…", options) satisfies string;
narrow("…", { expiresAt: 1_800_000_000 });
narrow("…", { expiresAt: new Date() });
const policy = { audiences: [{ number: 1, name: "api", scopes: [{ number: 1, name: "a:b", risk: "low" }] }] } as const;
for (const catalog of [new Map([["a:b", 1]]), policy.audiences[0].scopes] satisfies Catalog[]) narrow("…", { scopes: ["a:b"], catalog });

const { unproven } = inspect("…");
unproven satisfies UnprovenKey;
unproven.expiresAt satisfies number;
unproven.notBefore satisfies number | undefined;
unproven.networks satisfies string[][];
unproven.issued.scopes satisfies number[];
unproven.narrowings satisfies UnprovenStep[];

const looking: RedactOptions = { brands: ["acme"], deep: false };
redact("…", looking) satisfies string;
const kindOf = ({ kind, keyId, start, end }: FoundCredential): string => {
  switch (kind) {
    case "key":
    case "damaged_key":
    case "bootstrap_token":
      return `${kind} ${keyId ?? ""} ${end - start}`;
    default:
      return kind satisfies never;
  }
};
findCredentials("…").map(kindOf) satisfies string[];
redactingConsole().error(new Error("…"));
redactingConsole(console, looking).log("…");
pinoRedact("{}", looking) satisfies string;
pino({ hooks: { streamWrite: pinoRedact } }).info("…");

const asking: WardkeyFetchOptions = { key: async () => "…", origins: ["https://api.example"], header: "X-API-Key", onRotateBy: (date) => date.getTime(), fetch: globalThis.fetch };
const ask: typeof globalThis.fetch = wardkeyFetch(asking);
(await ask("https://api.example", { method: "POST" })) satisfies Response;

try {
  narrow("…", options);
} catch (error) {
  for (const kind of [KeyTextError, ModuleError, NarrowingError, OptionError, RequestError]) if (error instanceof kind) error.code satisfies string;
  if (error instanceof WardkeyError) error.code.toUpperCase();
}

// @ts-expect-error something is taken away
narrow("…");
// @ts-expect-error a misspelt option would hand on more than was meant
narrow("…", { scope: [0] });
// @ts-expect-error several scopes
narrow("…", { scopes: "a:b" });
// @ts-expect-error a number of seconds
narrow("…", { expiresIn: "600" });
// @ts-expect-error a point in time
narrow("…", { expiresAt: "2027-01-01" });
// @ts-expect-error several networks
narrow("…", { cidr: "192.0.2.0/24" });
// @ts-expect-error numbers by names
narrow("…", { scopes: ["a:b"], catalog: { "a:b": "1" } });
// @ts-expect-error a key is text
narrow(new URL("https://api.example"), options);
// @ts-expect-error nothing that a key says is proven
inspect("…").subject;
// @ts-expect-error what may not be there
unproven.notBefore.toFixed();
// @ts-expect-error a key goes nowhere unless it is said
wardkeyFetch({ key: "…" });
// @ts-expect-error several origins
wardkeyFetch({ key: "…", origins: "https://api.example" });
// @ts-expect-error no key
wardkeyFetch({ origins: ["https://api.example"] });
// @ts-expect-error a date
wardkeyFetch({ key: "…", origins: ["https://api.example"], onRotateBy: (date: string) => date });
// @ts-expect-error text
redact({ key: "…" });
// @ts-expect-error several brands
redact("…", { brands: "acme" });
// @ts-expect-error a console
redactingConsole({});
// @ts-expect-error a line
pinoRedact({ level: 30 });
