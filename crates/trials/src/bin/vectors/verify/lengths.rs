//! Row 6 at the lengths that a tag is made over, and row 1 at those of the longest base.

use super::{Question, Row, about, allow_fresh, deny, forgery, presenting};
use crate::file::VectorFile;
use crate::key_bytes::{Key, filling, key, long_base};

pub(super) fn add(file: &mut VectorFile) {
    longest(&mut Row::new(file, 1));
    bases(&mut Row::new(file, 6));
}

/// From where the networks of long keys let it be used.
fn from(key: &Key) -> Question {
    Question { caller: Some("1.2.3.4"), ..about(key) }
}

/// 251 bytes of base leave 103 for blocks.
fn longest(row: &mut Row<'_>) {
    let filled = |len| long_base(251).narrowed(filling(64)).narrowed(filling(len));
    let good = |key: Key| allow_fresh(&key, from(&key));
    row.around(
        "the longest base, narrowed to 512 characters",
        [good(filled(34)), good(filled(35)), deny("malformed", from(&filled(36)))],
    );
}

/// Bases of the shortest and the longest length, and where a block of SHA-256 ends, with and without room for
/// its padding.
fn bases(row: &mut Row<'_>) {
    for len in [29, 30, 55, 56, 63, 64, 119, 120, 183, 184, 247, 248, 250, 251] {
        let key = if len < 123 { short_base(len) } else { long_base(len) };
        row.add(format!("a base of {len} bytes"), allow_fresh(&key, from(&key)));
        let question = Question { key: forgery(&key), ..from(&key) };
        row.add(format!("a base of {len} bytes, forged"), deny("bad_tag", question));
        // Whoever leaves the last byte out of the tag believes this one.
        let mut last = key.base();
        let spare = last.pop();
        let tag = crate::spelling::tag(&key.signing, &last);
        last.extend(spare);
        let question = presenting(key.text_with(&last, &tag));
        row.add(
            format!("a base of {len} bytes, under a tag over all but the last"),
            deny("bad_tag", question),
        );
    }
}

/// A key whose base is exactly so many bytes, 29 to 122, without constraints.
fn short_base(len: usize) -> Key {
    let rest = len.saturating_sub(27);
    let subject_len = rest.saturating_sub(1).clamp(1, 63);
    let last = u8::try_from((rest - subject_len) * 8 - 1).unwrap_or(u8::MAX);
    let subject = "a".repeat(subject_len);
    Key { subject, scopes: vec![0, last], ..key() }
}
