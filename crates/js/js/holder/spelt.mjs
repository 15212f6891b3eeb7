// A text as whoever undoes its escapes reads it, and bytes that were printed as a list: what the scanner, which reads texts as they
// stand, does not see.

/** The text with its escapes undone and its lists of bytes written as characters; nothing if it has neither. */
export function unspelt(text) {
  const parts = [...escapes(text), ...lists(text)].sort((one, other) => one.from - other.from);
  return parts.length === 0 ? undefined : new Unspelt(text, parts);
}

/** A text with other characters in place of some parts, which knows where each of its characters stands in the first one. */
class Unspelt {
  text;
  #parts = [];

  constructor(text, parts) {
    const pieces = [];
    let at = 0;
    let len = 0;
    for (const { from, until, character } of parts) {
      // An escape that is an item of a list.
      if (from < at) continue;
      pieces.push(text.slice(at, from), character);
      len += from - at + 1;
      this.#parts.push({ place: len - 1, from, until });
      at = until;
    }
    pieces.push(text.slice(at));
    this.text = pieces.join("");
  }

  /** Where what was found in the one text stands in the other. */
  origin({ start, end }) {
    return { start: this.#stretch(start).from, end: this.#stretch(end - 1).until };
  }

  #stretch(place) {
    let [low, high] = [0, this.#parts.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#parts[middle].place <= place) low = middle + 1;
      else high = middle;
    }
    const part = this.#parts[low - 1];
    if (part?.place === place) return part;
    const from = part === undefined ? place : part.until + (place - part.place - 1);
    return { from, until: from + 1 };
  }
}

function* escapes(text) {
  if (!/[\\%&]/.test(text)) return;
  for (const match of text.matchAll(ESCAPE)) {
    const [escape, hex, braced, byte, percent, entity, decimal] = match;
    const code = decimal === undefined ? Number.parseInt(hex ?? braced ?? byte ?? percent ?? entity, 16) : Number(decimal);
    const character = String.fromCharCode(code);
    // All else is no part of a key, nor of base64: a blank in a URL is no reason to read it twice.
    if (OF_KEYS.test(character)) yield { from: match.index, until: match.index + escape.length, character };
  }
}

/** The items of lists that are as long as a key's beginning; what parts them is nothing. */
function lists(text) {
  const found = [];
  ITEM_BEGIN.lastIndex = 0;
  for (let begin; (begin = ITEM_BEGIN.exec(text)) !== null; ) {
    const items = [];
    let at = begin.index;
    for (;;) {
      ITEM.lastIndex = at;
      const item = ITEM.exec(text);
      if (item === null) break;
      const [whole, number, character] = item;
      const from = items.length === 0 ? at : items.at(-1).until;
      items.push({ from, until: at + whole.length, character: character ?? String.fromCharCode(Number(number)) });
      SEPARATOR.lastIndex = ITEM.lastIndex;
      if (!SEPARATOR.test(text)) break;
      at = SEPARATOR.lastIndex;
    }
    if (items.length >= LEAST_ITEMS) for (const item of items) found.push(item);
    if (items.length > 0) ITEM_BEGIN.lastIndex = items.at(-1).until;
  }
  return found;
}

const OF_KEYS = /^[\w+/=-]$/;
/** Printable ASCII as `\u0041`, `\u{41}`, `\x41`, `%41`, `&#x41;`, `&#65;`, also escaped once more. A run of backslashes is begun once. */
const ESCAPE = /(?<!\\)\\{1,8}u00([2-7][0-9a-f])|(?<!\\)\\{1,8}u\{0{0,4}([2-7][0-9a-f])\}|(?<!\\)\\{1,8}x([2-7][0-9a-f])|%(?:25){0,4}([2-7][0-9a-f])|&#x0{0,4}([2-7][0-9a-f]);|&#0{0,4}(\d{2,3});/gi;
// WHY no bounds where a run cannot begin twice: V8 unrolls them, and may run out of memory over a pattern.
/** A byte as a number, or one character in quotes; with its place before it where a list was printed as an object. */
const ITEM = /(?:\\{0,8}["']?\d{1,7}\\{0,8}["']?\s*:\s*)?(?:(25[0-5]|2[0-4]\d|1?\d?\d)(?![\w.])|\\{0,8}["']([!-~])\\{0,8}["'])/y;
/** What can be the first of several: nearly nothing is, in what else is written. */
const ITEM_BEGIN = /(?<![\w.])(?:\d{1,7}(?=\s*[,:\\])|\\{0,8}["'](?:\d{1,7}\\{0,8}["']\s*:|[!-~]\\{0,8}["'](?:\s|\\[nrt])*,))/g;
const SEPARATOR = /(?:\s|\\[nrt])*,(?:\s|\\[nrt])*/y;
const LEAST_ITEMS = 24;
