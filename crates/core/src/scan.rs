//! Finds every credential of ours in a text, whatever surrounds it.

mod anchor;
mod brand_before;
mod character;
mod confirmed_end;
mod digits;
mod finding;
mod joint;
mod reach;
mod redacted;
mod shape;
mod work;
mod wrapped;

pub use finding::{Finding, FindingKind};
pub use redacted::{Piece, Pieces, Redacted};

use crate::prefix::{Environment, Prefix, PrefixError};
use anchor::{Anchor, Anchors};
use shape::Shape;

/// Lists or replaces every key and bootstrap token in texts, in one pass.
///
/// Prevents that a credential stays in a log, a ticket, a repository or a prompt, where whoever reads it can
/// use it. It errs on the side of taking away: nothing that it finds has to be a working credential.
///
/// What counts:
///
/// - **A whole key of any brand**: its checksum fits. Where it begins and ends is known exactly, even if it
///   is glued to other characters or to another key.
/// - **Anything of a known brand**, by prefix and length alone: `wk` and `wkadmin` always, and the brands
///   given to [`Scanner::new`]. Cut short or mistyped makes no difference; one wrong character, of whatever
///   script, may stand in the prefix or split the rest.
/// - **A damaged key of any other brand**, if what follows the prefix starts like a key of version 1 or 2.
/// - **A bootstrap token**, by its prefix and length.
/// - All these **as texts spell them**: with `\_`, `%5F`, `&#95;` or `\u005f` for `_`, the like for `-`, also where a
///   backslash or `%` of those was escaped once more. And with joints between any two characters: line breaks (also
///   `\n`, or with `\` or `=` before them) with up to 64 bytes of indentation and of the marks `>`, `#`, `*` and `//`,
///   strings joined by `+`, `.`, `&` or a line break, and ANSI colours.
/// - With [`Scanner::deep`], all these (with an undamaged prefix) **inside base64**, and base64 with such joints.
///
/// A finding covers all of a whole key (but for its brand, where an `\n` is in there). Of a damaged one, fewer
/// than eight characters may stay behind what interrupts it.
///
/// Not found, or not always:
///
/// - The tail of a key that has lost its prefix, or that foreign characters interrupt twice before it is as long
///   as counts.
/// - A key in other letters: a prefix such as `WK_LIVE_` is none, whatever follows it.
/// - What was escaped or encoded in other ways (`&lowbar;`, every letter as a code, UTF-16, compressed), or broken
///   in others (an empty line between, a column of line numbers): undo that first. In base64, an escaped prefix,
///   or one that colours or joined strings on one line part; and what stands further behind a prefix than twice the
///   longest key's length.
/// - A key with a wrong character in its prefix, if that was escaped or broken as well, or if the 32 characters
///   behind it are not in one piece.
/// - A damaged key of a brand that the scanner was not told, if the first 32 characters behind its prefix are not
///   in one piece, and its first two pieces together are shorter than a whole key.
///
/// # Constraints
/// Texts are bytes of any length and any encoding that keeps ASCII. The work is linear in the text, with a
/// bounded look-ahead of one key's length for each place where a prefix could end.
///
/// # Example
/// ```
/// use wardkey::Scanner;
/// let scanner = Scanner::new(&["acme"])?;
/// let cut_short = "AQAHAgEAAQIDBAUG_wAAAyhlU";
/// let text = format!("curl -H 'X-API-Key: acme_live_{cut_short}{cut_short}' …");
/// assert_eq!(scanner.redact(&text).to_string(), "curl -H 'X-API-Key: acme_live_[redacted]' …");
/// # Ok::<(), wardkey::PrefixError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Scanner<'b> {
    brands: Brands<'b>,
    deep: bool,
}

impl Default for Scanner<'_> {
    fn default() -> Self {
        Self { brands: Brands { named: &[] }, deep: false }
    }
}

impl<'b> Scanner<'b> {
    /// A scanner that knows `brands` beside Wardkey's own.
    ///
    /// # Errors
    /// [`PrefixError`] for a brand outside the grammar.
    pub fn new(brands: &'b [&'b str]) -> Result<Self, PrefixError> {
        for brand in brands {
            Prefix::new(brand, Environment::Live)?;
        }
        Ok(Self { brands: Brands { named: brands }, deep: false })
    }

    /// Looks into base64, too: standard or url alphabet, at any alignment, padded or not, also broken into
    /// lines and indented. One level: base64 of base64 is not undone.
    #[must_use]
    pub const fn deep(self) -> Self {
        Self { deep: true, ..self }
    }

    /// The credentials in a text, in order, none overlapping another.
    pub fn scan<'t>(&self, text: &'t [u8]) -> Findings<'t, 'b> {
        Findings {
            text,
            brands: self.brands,
            anchors: Anchors::new(text, self.deep),
            pending: None,
            taken: 0,
        }
    }

    /// Whether there is any credential in a text.
    pub fn finds_any(&self, text: &[u8]) -> bool {
        self.scan(text).next().is_some()
    }

    /// The text, cut where credentials begin and end.
    pub fn pieces<'t>(&self, text: &'t [u8]) -> Pieces<'t, 'b> {
        Pieces::new(text, self.scan(text))
    }

    /// The text, displayed with every credential replaced.
    pub const fn redact<'t>(&self, text: &'t str) -> Redacted<'t, 'b> {
        Redacted::new(text, *self)
    }
}

/// What [`Scanner::scan`] answers.
pub struct Findings<'t, 'b> {
    text: &'t [u8],
    brands: Brands<'b>,
    anchors: Anchors<'t>,
    pending: Option<Shape>,
    /// Where the last whole finding ended: nothing before it is looked at again.
    taken: usize,
}

impl core::fmt::Debug for Findings<'_, '_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Findings").field("taken", &self.taken).finish_non_exhaustive()
    }
}

impl Iterator for Findings<'_, '_> {
    type Item = Finding;

    fn next(&mut self) -> Option<Finding> {
        loop {
            let mut shape = self.pending.take().or_else(|| self.search())?;
            if shape.is_loose() {
                self.settle(&mut shape);
            }
            if shape.is_spent() {
                continue;
            }
            self.taken = shape.end;
            return Some(shape.finding());
        }
    }
}

impl Findings<'_, '_> {
    /// Decides where a shape without a known end stops: before the next one that is sure to begin.
    fn settle(&mut self, shape: &mut Shape) {
        while let Some(next) = self.search() {
            if next.start >= shape.end {
                self.pending = Some(next);
                return;
            }
            // The same one again, by another anchor, which may know more of it.
            if next.payload <= shape.payload {
                if next.payload == shape.payload && next.begins_for_sure() {
                    *shape = next;
                    if !shape.is_loose() {
                        return;
                    }
                } else {
                    shape.end = shape.end.max(next.end);
                }
                continue;
            }
            if next.begins_for_sure() {
                shape.end = next.start;
                self.pending = Some(next);
                return;
            }
            shape.end = shape.end.max(next.end);
        }
    }

    /// The next place that holds a credential. Each anchor is looked at once, with bounded work.
    fn search(&mut self) -> Option<Shape> {
        loop {
            let (anchor, at) = self.anchors.next(self.taken)?;
            let found = match anchor {
                Anchor::Wrapped(needle) => wrapped::judge(self.text, needle, at, self.brands),
                Anchor::Plain(mark) => shape::judge(self.text, mark, at, self.brands),
            };
            if let Some(shape) = found {
                return Some(Shape { start: shape.start.max(self.taken), ..shape });
            }
        }
    }
}

/// The brands whose keys are known by prefix and length alone.
#[derive(Clone, Copy, Debug)]
struct Brands<'b> {
    named: &'b [&'b str],
}

impl Brands<'_> {
    fn iter(&self) -> impl Iterator<Item = &str> {
        OWN_BRANDS.iter().chain(self.named).copied()
    }

    /// The longest known brand that `text` ends with.
    fn ending(&self, text: &[u8]) -> Option<&str> {
        self.iter().filter(|brand| text.ends_with(brand.as_bytes())).max_by_key(|brand| brand.len())
    }
}

/// The default brand and the administration's.
const OWN_BRANDS: [&str; 2] = ["wk", "wkadmin"];

/// What a key looks like to a scanner without this code, as a regular expression that RE2, Rust, PCRE and
/// JavaScript understand alike. Whatever brand the keys are of, it matches each whole key, also with base64url
/// characters glued to it, and damaged ones as long as prefix, version and 32 characters are left. With a
/// known brand in place of the group `brand`, `A[Q-Za-v]` may be left out, so that keys with a wrong first
/// character match as well.
///
/// Its first match of a glued text may begin too early and end too late; [`Scanner`] confirms by checksum.
pub const KEY_PATTERN: &str =
    "(?:[a-z][a-z0-9]{1,11})_(?:live|test)_A[Q-Za-v][A-Za-z0-9_-]{30,502}";

/// As [`KEY_PATTERN`], for bootstrap tokens.
pub const BOOTSTRAP_PATTERN: &str = "wkboot_[0-9]{1,5}_[0-9]{1,10}_[A-Za-z0-9_-]{8,43}";
