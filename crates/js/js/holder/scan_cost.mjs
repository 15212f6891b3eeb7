// How long the scanner would take, so that a text that was made to be dear is not read by who has no time: a log.

/**
 * About how many microseconds a scan takes. Each place where a key could begin is looked at over a key's length, and there are texts with
 * nothing else.
 */
export function scanCost(text, brands) {
  const own = brands.length === 0 ? OWN : new RegExp(`(?:wk|wkadmin${brands.map((brand) => `|${brand.replace(/\W/g, "")}`).join("")})[_%&\\\\\\x1b]`, "g");
  return text.length / 50 + 35 * count(text, BEGINNING) + 25 * count(text, BASE64) + 5 * count(text, own) + count(text, MARK) + count(text, BROKEN) / 3 + count(text, ESCAPED) / 6;
}

function count(text, pattern) {
  let times = 0;
  pattern.lastIndex = 0;
  while (pattern.test(text)) times += 1;
  return times;
}

const OWN = /wk(?:admin)?[_%&\\\x1b]/g;
/** What ends a prefix, and a payload's first characters: `_` after a small letter, also escaped or coloured, and what version 1 begins with. */
const BEGINNING = /(?:(?<![A-Z0-9])_|5[fF]|95;|lowbar;)(?:\x1b\[[0-9;]*[mK]|[\\\s"'+]|\\[nr])*A[Q-Za-v]/g;
/** What `_live_`, `_test_` and `wkboot_` are in base64, by three characters that each alignment has; also broken over lines. */
const BASE64 = /X2x|pdm|9sa|XZl|fbG|l2Z|X3R|lc3|90Z|XN0|fdG|VzdF|d2tib|drYm|3a2J/g;
const MARK = /[_fF;\\](?:li|te)|wkboot/g;
const BROKEN = /[\\\n]/g;
/** What may be an escape: of those that are, each costs more (spelt.mjs). */
const ESCAPED = /[%&]/g;
