// A text as whoever undoes its escapes reads it, and bytes that were printed as a list: what the scanner, which reads texts as they
// stand, does not see.

/**
 * The text with its escapes undone, its lists of bytes written as characters and the lines of its strings joined; nothing if it has none of
 * them. `spend` is told of about how many microseconds each part takes, before there are more: it throws where that is too long.
 */
export function unspelt(text, spend) {
  const parts = [];
  for (const each of [escapes, breaks, lists]) {
    for (const part of each(text, () => spend(PART_US))) parts.push(part);
  }
  if (parts.length === 0) return undefined;
  return new Unspelt(text, parts.sort((one, other) => one.from - other.from));
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
      // An escape or a break in a list, whose items are written already.
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

function* escapes(text, spend) {
  if (!/[\\%&]/.test(text)) return;
  for (const match of matches(text, ESCAPE)) {
    spend();
    const [escape, hex, braced, byte, percent, entity, decimal] = match;
    const code = decimal === undefined ? Number.parseInt(hex ?? braced ?? byte ?? percent ?? entity, 16) : Number(decimal);
    const character = String.fromCharCode(code);
    // All else is no part of a key, nor of base64: a blank in a URL is no reason to read it twice.
    if (OF_KEYS.test(character)) yield { from: match.index, until: match.index + escape.length, character };
  }
}

/** Escaped line breaks that the scanner does not read on behind: each line in quotes of its own, as `util.inspect` writes it, or behind a tab. */
function* breaks(text, spend) {
  if (!text.includes("\\")) return;
  for (const { 0: escape, index: from } of matches(text, BREAK)) {
    const end = from + escape.length;
    const line = pastJoint(text, end);
    const until = pastBlanks(text, line, "t");
    if (line === end && !text.slice(end, until).includes("\\")) continue;
    spend();
    yield { from, until, character: "\n" };
  }
}

/** As `matchAll`. WHY not by it: it makes a pattern anew, and V8 ends the process where it compiles one at the end of the stack. */
function* matches(text, pattern) {
  pattern.lastIndex = 0;
  for (let match; (match = pattern.exec(text)) !== null; ) yield match;
}

/** The items of lists that are as long as a key's beginning; what parts them is nothing. */
function* lists(text, spend) {
  ITEM_BEGIN.lastIndex = 0;
  for (let begin; (begin = ITEM_BEGIN.exec(text)) !== null; ) {
    const items = [];
    let at = begin.index;
    while (at !== undefined) {
      ITEM.lastIndex = at;
      const item = ITEM.exec(text);
      if (item === null) break;
      spend();
      const [whole, number, character] = item;
      const from = items.length === 0 ? at : items.at(-1).until;
      items.push({ from, until: at + whole.length, character: character === undefined ? String.fromCharCode(Number(number)) : unescaped(character) });
      at = pastComma(text, at + whole.length);
    }
    if (items.length >= LEAST_ITEMS) yield* items;
    if (items.length > 0) ITEM_BEGIN.lastIndex = items.at(-1).until;
  }
}

/** A character in quotes: one as it is, or a blank behind its backslashes. */
function unescaped(character) {
  return character.length === 1 ? character : { n: "\n", r: "\r", t: "\t" }[character.at(-1)];
}

/** Where the next item would begin. */
function pastComma(text, at) {
  const comma = pastBlanks(text, at, "nrt");
  if (text[comma] !== ",") return undefined;
  return pastBlanks(text, pastJoint(text, pastBlanks(text, comma + 1, "nrt")), "nrt");
}

/** Behind what joins two strings, `' +` and a line that begins with `'`, if that is what stands there. */
function pastJoint(text, at) {
  const closed = pastQuote(text, at);
  const plus = closed === undefined ? text.length : pastBlanks(text, closed, "nrt");
  return text[plus] === "+" ? (pastQuote(text, pastBlanks(text, plus + 1, "nrt")) ?? at) : at;
}

function pastQuote(text, at) {
  const end = pastSlashes(text, at);
  return QUOTES.includes(text[end]) ? end + 1 : undefined;
}

/** Behind blanks, and those that are escaped by one of `letters`. WHY no pattern: V8 has no stack for one that goes over megabytes of them. */
function pastBlanks(text, at, letters) {
  let next = at;
  for (;;) {
    const unit = text.charCodeAt(next);
    if (unit === 0x20 || (unit >= 0x09 && unit <= 0x0d)) next += 1;
    else if (unit === BACKSLASH) {
      const end = pastSlashes(text, next);
      if (end === text.length || !letters.includes(text[end])) return next;
      next = end + 1;
    } else return next;
  }
}

/** As many backslashes as escaping three times makes of one. */
function pastSlashes(text, at) {
  let end = at;
  while (end < at + 8 && text.charCodeAt(end) === BACKSLASH) end += 1;
  return end;
}

/** About how many microseconds a part takes until it is read. */
const PART_US = 0.4;
const QUOTES = ["\"", "'", "`"];
const BACKSLASH = 0x5c;
/** What keys and base64 are made of, and what may stand between their characters: line breaks and colours. */
const OF_KEYS = /^[\w+/=\t\n\r\x1b-]$/;
/**
 * Printable ASCII as `\u0041`, `\u{41}`, `\x41`, `%41`, `&#x41;`, `&#65;`, also escaped once more; and line breaks and what colours begin with.
 * A run of backslashes is begun once.
 */
const ESCAPE = /(?<!\\)\\{1,8}u00(0[9ad]|1b|[2-7][0-9a-f])|(?<!\\)\\{1,8}u\{0{0,4}([9ad]|1b|[2-7][0-9a-f])\}|(?<!\\)\\{1,8}x(0[9ad]|1b|[2-7][0-9a-f])|%(?:25){0,4}(0[9ad]|1b|[2-7][0-9a-f])|&#x0{0,4}([9ad]|1b|[2-7][0-9a-f]);|&#0{0,4}(9|\d{2,3});/gi;
const BREAK = /(?<!\\)(?:\\{1,8}r)?\\{1,8}n(?=\\{0,8}["'`][\s\\]|\s*\\{1,8}t)/g;
// WHY no bounds where a run cannot begin twice: V8 unrolls them, and may run out of memory over a pattern.
/** A byte as a number, or one character in quotes; with its place before it where a list was printed as an object. */
const ITEM = /(?:\\{0,8}["']?\d{1,7}\\{0,8}["']?\s*:\s*)?(?:(25[0-5]|2[0-4]\d|1?\d?\d)(?![\w.])|\\{0,8}["']([ -~]|\\{1,8}[nrt])\\{0,8}["'])/y;
/** What can be the first of several: nearly nothing is, in what else is written. */
const ITEM_BEGIN = /(?<![\w.])(?:\d{1,7}(?=\s*[,:\\])|\\{0,8}["'](?:\d{1,7}\\{0,8}["']\s*:|[!-~]\\{0,8}["'](?=[\s,\\])))/g;
const LEAST_ITEMS = 24;
