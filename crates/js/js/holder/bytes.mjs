// Bytes in what is printed: how many they are is all that a log needs, and a key may be among them.

/** Whether a value holds bytes: an `ArrayBuffer`, a typed array, a `Buffer`. */
export function isBytes(value) {
  return ArrayBuffer.isView(value) || /^\[object (?:Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(value));
}

/** What is shown of it. */
export function sizeOf({ byteLength }) {
  return `[${byteLength} bytes]`;
}

/** A text without the bytes that `util.inspect` has printed in it: of what lies inside other values. */
export function withoutBytes(text) {
  return text
    .replace(IN_HEX, (_, buffer, digits, more) => {
      const size = `[${(digits.match(/[0-9a-f]{2}/g)?.length ?? 0) + Number(more ?? 0)} bytes]`;
      return buffer === undefined ? size : `<${buffer} ${size}>`;
    })
    .replace(AS_LIST, (list, name, len, type) => {
      const size = SIZES.get(type ?? name);
      return size === undefined ? list : `${name} [${Number(len) * size} bytes]`;
    });
}

const SIZES = new Map([
  ...["Buffer", "Int8Array", "Uint8Array", "Uint8ClampedArray"].map((type) => [type, 1]),
  ...["Int16Array", "Uint16Array", "Float16Array"].map((type) => [type, 2]),
  ...["Int32Array", "Uint32Array", "Float32Array"].map((type) => [type, 4]),
  ...["BigInt64Array", "BigUint64Array", "Float64Array"].map((type) => [type, 8]),
]);
/** `<Buffer 77 6b ... 41 more bytes>`, `[Uint8Contents]: <77 6b>`. */
const IN_HEX = /(?:<(\w*Buffer)|\[Uint8Contents\]: <)((?: ?[0-9a-f]{2})*)(?: ?\.\.\. (\d+) more bytes?)?>/g;
/** `Uint8Array(3) [ 1, 2, 3 ]`; of a class of one's own, `Own(3) [Uint8Array] [ 1, 2, 3 ]`. No letter that a type begins with is in the list. */
const AS_LIST = /(?<!\w)(\w+)\((\d+)\)(?: \[(\w+)\])? \[[\d\s,.+\-eNaInfity mors]*\]/g;
