//! FORMAT.md's limits, in its own words, and the boundaries that try each: a section a file.

mod decision;
mod key;
mod key_set;
mod list;
mod scanner;

use decision::DECISION;
use key::KEY;
use key_set::KEY_SET;
use list::LIST;
use scanner::SCANNER;

/// A limit as FORMAT.md words it, a file, and its boundaries there: each has a case below, at and above it.
pub(crate) type Limit = (&'static str, &'static str, &'static [&'static str]);

/// Every boundary of every file stands here, and no other.
pub(crate) const LIMITS: [&[Limit]; 6] = [NUMBERS, KEY, KEY_SET, LIST, DECISION, SCANNER];

/// FORMAT.md, section 1: numbers.
const NUMBERS: &[Limit] = &[
    ("at most 2⁶⁴ − 1", "head.json", &["the last step"]),
    (
        "A sum of milliseconds that would pass 2⁶⁴ − 1 stays there",
        "verify.json",
        &["a list of the last millisecond but one, and a clock max-skew behind"],
    ),
    (
        "A sum of milliseconds that would pass 2⁶⁴ − 1 stays there",
        "adopt.json",
        &["a clock that is max-skew behind the last millisecond but one"],
    ),
];
