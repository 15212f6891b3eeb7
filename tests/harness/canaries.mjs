// Looks for secrets in whatever form they could have got out: what is searched for, and where.

/** Each form by its name: the texts or bytes, one of which is there where the secret is there in that form. */
export function forms(secret) {
  const bytes = Buffer.from(secret);
  const each = (spell) => Array.from(bytes, spell).join("");
  const hex = bytes.toString("hex");
  const latin = bytes.toString("latin1");
  const base64 = [0, 1, 2].map((offset) => inBase64(bytes, offset));
  return {
    raw: [bytes],
    ...Object.fromEntries(base64.map((text, offset) => [`base64 at offset ${offset}`, [text]])),
    ...Object.fromEntries(base64.map((text, offset) => [`base64url at offset ${offset}`, [text.replaceAll("+", "-").replaceAll("/", "_")]])),
    hex: [hex],
    "hex in capitals": [hex.toUpperCase()],
    "percent-encoded": [each((byte) => `%${pair(byte).toUpperCase()}`), each((byte) => `%${pair(byte)}`), each(percent)],
    "JSON-escaped": [each((byte) => `\\u00${pair(byte)}`), each((byte) => `\\u00${pair(byte).toUpperCase()}`), JSON.stringify(latin).slice(1, -1)],
    // As a byte string is printed for debugging, and as serde writes one.
    "decimal list": [Array.from(bytes).join(", "), Array.from(bytes).join(",")],
  };
}

const pair = (byte) => byte.toString(16).padStart(2, "0");
/** As URLs have it: unreserved characters stay. */
const percent = (byte) => (/[\w.~-]/.test(String.fromCharCode(byte)) && byte < 128 ? String.fromCharCode(byte) : `%${pair(byte).toUpperCase()}`);

/** The letters of base64 that depend on nothing but these bytes, where `offset` bytes stand before them. */
export function inBase64(bytes, offset) {
  const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64").replace(/=+$/, "");
  const first = Math.ceil((offset * 8) / 6);
  const end = Math.floor(((offset + bytes.length) * 8) / 6);
  return text.slice(first, end);
}

/** Secrets by name; where they may stand, and what was found elsewhere. */
export class Canaries {
  #needles = [];
  names = new Set();

  /** `essences`: texts or bytes of 12 or more, each of which alone would be enough to have it out. */
  add(name, ...essences) {
    this.names.add(name);
    for (const essence of essences) {
      if (Buffer.from(essence).length < 12) throw new Error(`${name} has an essence that may stand anywhere by chance`);
      for (const [form, spellings] of Object.entries(forms(essence))) {
        for (const spelling of new Set(spellings.map((one) => Buffer.from(one).toString("latin1")))) {
          this.#needles.push({ name, form, bytes: Buffer.from(spelling, "latin1") });
        }
      }
    }
  }

  get needles() {
    return this.#needles.length;
  }

  /**
   * What stands in a channel's sources: `{ name, form, source }` of each secret that is found where it may not be.
   *
   * `sources`: each `{ source, bytes }`, with the names of the secrets that `may` stand in it.
   */
  search(sources) {
    // In one piece, so that each needle goes over it once; between two sources stands what no needle holds.
    const gap = Buffer.alloc(8);
    const ends = [];
    const parts = [];
    let end = 0;
    for (const { bytes } of sources) {
      parts.push(bytes, gap);
      end += bytes.length + gap.length;
      ends.push(end);
    }
    const all = Buffer.concat(parts);
    const found = [];
    for (const { name, form, bytes } of this.#needles) {
      for (let at = all.indexOf(bytes); at !== -1; at = all.indexOf(bytes, at + 1)) {
        const { source, may } = sources[ends.findIndex((end) => at < end)];
        if (!may?.has(name)) found.push({ name, form, source });
      }
    }
    return found;
  }
}

/** What a text says beside itself: the strings of the JSON that it is, or that its lines are. */
export function spoken(text) {
  const strings = [text];
  const collect = (value) => {
    if (typeof value === "string") strings.push(value);
    else if (value && typeof value === "object") Object.entries(value).forEach(([name, inner]) => (collect(name), collect(inner)));
  };
  for (const part of text.startsWith("{") && !text.includes("\n") ? [text] : text.split("\n")) {
    try {
      collect(JSON.parse(part));
    } catch {
      // A line that is no JSON has been taken as it is.
    }
  }
  return Buffer.from(strings.join("\n"));
}
