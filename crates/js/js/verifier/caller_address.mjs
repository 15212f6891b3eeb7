// A caller's address as the module takes it: four numbers, the first byte the highest.

/** `{ kind, words }`, where kind is 0 not known, 1 IPv4, 2 IPv6; what is no address is not known. */
export function callerAddress(text) {
  if (typeof text !== "string") return UNKNOWN;
  return ipv4(text) ?? ipv6(text) ?? UNKNOWN;
}

function ipv4(text) {
  const match = IPV4.exec(text);
  if (match === null) return undefined;
  const bytes = match.slice(1).map(Number);
  if (bytes.some((byte) => byte > 255)) return undefined;
  return { kind: 1, words: [word(bytes), 0, 0, 0] };
}

function ipv6(text) {
  let rest = text;
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(rest);
  if (dotted !== null) {
    const tail = ipv4(dotted[2]);
    if (tail === undefined) return undefined;
    rest = dotted[1] + (tail.words[0] >>> 16).toString(16) + ":" + (tail.words[0] & 0xffff).toString(16);
  }
  const halves = rest.split("::");
  if (halves.length > 2) return undefined;
  const [front, back = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const missing = 8 - front.length - back.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...front, ...Array(missing).fill("0"), ...back];
  if (groups.some((group) => !/^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  const numbers = groups.map((group) => Number.parseInt(group, 16));
  const words = [0, 2, 4, 6].map((place) => ((numbers[place] << 16) | numbers[place + 1]) >>> 0);
  return { kind: 2, words };
}

const word = ([a, b, c, d]) => ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
const IPV4 = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;
const UNKNOWN = { kind: 0, words: [0, 0, 0, 0] };
