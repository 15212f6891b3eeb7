// A caller's address as the module takes it: four numbers, the first byte the highest.

/** `{ kind, words }`, where kind is 0 not known, 1 IPv4, 2 IPv6; what is no address is not known. */
export function callerAddress(text) {
  if (typeof text !== "string") return UNKNOWN;
  return ipv4(text) ?? ipv6(text) ?? UNKNOWN;
}

/** WHY by hand: a pattern takes as long as the rest of a verification. */
function ipv4(text) {
  let [word, byte, digits, dots] = [0, 0, 0, 0];
  for (let place = 0; place < text.length; place++) {
    const digit = text.charCodeAt(place) - ZERO;
    if (digit >= 0 && digit <= 9) {
      // Some take a number that begins with 0 for octal.
      if (digits === 1 && byte === 0) return undefined;
      byte = byte * 10 + digit;
      digits += 1;
      if (byte > 255) return undefined;
    } else if (digit === DOT && digits > 0 && dots < 3) {
      word = (word << 8) | byte;
      [byte, digits, dots] = [0, 0, dots + 1];
    } else {
      return undefined;
    }
  }
  return dots === 3 && digits > 0 ? { kind: 1, words: [((word << 8) | byte) >>> 0, 0, 0, 0] } : undefined;
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

const ZERO = 48;
/** A dot, counted from the digit 0. */
const DOT = 46 - ZERO;
const UNKNOWN = { kind: 0, words: [0, 0, 0, 0] };
