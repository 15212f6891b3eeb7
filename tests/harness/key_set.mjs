// A key set read by a stranger: from crates/core/FORMAT.md 3 alone.

const RISKS = ["low", "standard", "high", "strict"];

/** The fields of a key set; it must end with its last scope. Its keys are secrets. */
export function parseKeySet(bytes) {
  let at = 0;
  const take = (length) => bytes.subarray(at, (at += length));
  const number = (length) => Number(BigInt(`0x${take(length).toString("hex")}`));
  const text = () => take(number(1)).toString("latin1");
  const set = {
    format: number(1),
    tenant: number(2),
    audience: number(1),
    version: number(4),
    bounds: Object.fromEntries(["freshFor", "high", "standard", "low", "maxSkew"].map((name) => [name, number(4)])),
    listKey: Buffer.from(take(32)),
  };
  set.signingKeys = Array.from({ length: number(1) }, () => ({
    epoch: number(1),
    key: Buffer.from(take(32)),
    prefix: text(),
    mintFrom: number(4),
    mintUntil: number(4),
    verifyUntil: number(4),
  }));
  set.scopes = Array.from({ length: number(2) }, () => ({ number: number(1), risk: RISKS[number(1)], name: text() }));
  if (at !== bytes.length) throw new Error(`the key set has ${bytes.length} bytes and ends after ${at}`);
  return set;
}
