//! Credentials inside base64, one level deep.

use core::mem;

use memchr::memchr2_iter;
use zeroize::Zeroizing;

use super::Brands;
use super::anchor::Mark;
use super::digits::sextet_of_either;
use super::joint::{joint_len, joint_len_before};
use super::shape::{self, Shape};
use super::work;
use crate::key::MAX_KEY_LEN;
use crate::prefix::Environment;

/// The digits that a part of a prefix always gives at one of three alignments, in both alphabets alike.
#[derive(Clone, Copy, Debug)]
pub(super) struct Needle {
    pub(super) text: &'static [u8],
    part: Part,
    /// Bytes before the part, modulo 3.
    alignment: usize,
    /// Which of its digits is rare, and what is looked for first.
    rare: usize,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Live,
    Test,
    Bootstrap,
}

/// Judges what is wrapped around a needle whose first digit stands at `at`.
pub(super) fn judge(text: &[u8], needle: Needle, at: usize, brands: Brands<'_>) -> Option<Shape> {
    // The needle's first digit within its group of four, and the bits from the part's start to it.
    let (phase, into) = match needle.alignment {
        0 => (0, 0),
        1 => (2, 4),
        _ => (3, 2),
    };
    let (mut first, mut before) = (at, 0);
    for place in digits_before(text, at).take(LOOK_BACK + phase) {
        (first, before) = (place, before + 1);
    }
    // Bits of a byte whose other bits stand before the first digit: two for each digit of its group before it.
    let spare = 2 * ((phase + 3 * before) % 4);
    let mut decoded = Zeroizing::new([0; DECODED_LEN]);
    let len = decode(text, first, spare, decoded.as_mut_slice());
    let decoded = decoded.get(..len)?;
    let part = (6 * before).checked_sub(into + spare)? / 8;
    let inner = match needle.part {
        Part::Live => Mark::Environment(Environment::Live),
        Part::Test => Mark::Environment(Environment::Test),
        Part::Bootstrap => Mark::Bootstrap,
    };
    let shape = shape::judge(decoded, inner, part, brands)?;
    let digit = |bit: usize| digits(text, first).nth((spare + bit) / 6).map(|(place, _)| place);
    Some(Shape {
        start: digit(8 * shape.start)?,
        payload: digit(8 * shape.payload)?,
        end: digit((8 * shape.end).checked_sub(1)?)? + 1,
        base64: true,
        ..shape
    })
}

/// Decodes from the digit at `first` on, leaving out `spare` bits; answers how many bytes came out.
fn decode(text: &[u8], first: usize, spare: usize, out: &mut [u8]) -> usize {
    let (mut bits, mut bit_count, mut skip) = (0_u32, 0, spare);
    let mut slots = out.iter_mut();
    let mut len = 0;
    for (_, value) in digits(text, first) {
        bits = bits << 6 | u32::from(value);
        // `spare` is at most 6.
        bit_count += 6 - mem::take(&mut skip);
        if bit_count >= 8 {
            bit_count -= 8;
            let [.., byte] = (bits >> bit_count).to_be_bytes();
            let Some(slot) = slots.next() else { break };
            *slot = byte;
            len += 1;
        }
    }
    len
}

/// The digits from `at` on with their values, across joints but no empty lines.
fn digits(text: &[u8], at: usize) -> impl Iterator<Item = (usize, u8)> {
    let mut next = at;
    core::iter::from_fn(move || {
        work::spend(1);
        let rest = text.get(next..)?;
        let gap = match sextet_of_either(*rest.first()?) {
            Some(_) => 0,
            // Padding ends what was encoded.
            None if rest.starts_with(b"=") => return None,
            None => joint_len(rest),
        };
        let value = sextet_of_either(*rest.get(gap)?)?;
        let place = next + gap;
        next = place + 1;
        Some((place, value))
    })
}

/// The places of the digits before `at`, backwards, across joints but no empty lines.
fn digits_before(text: &[u8], at: usize) -> impl Iterator<Item = usize> {
    let mut end = at;
    core::iter::from_fn(move || {
        work::spend(1);
        let mut front = text.get(..end)?;
        // Before a digit, too: base64 holds no backslash, so that this is what ends `\n`.
        if let Some(joint) = joint_len_before(front) {
            let (before, joint) = front.split_at_checked(front.len().checked_sub(joint)?)?;
            // Padding ends what was encoded.
            if joint.starts_with(b"=") {
                return None;
            }
            front = before;
        }
        sextet_of_either(*front.last()?)?;
        end = front.len() - 1;
        Some(end)
    })
}

/// The first needle from `from` on that a line break splits, and where it starts.
pub(super) fn broken_needle(text: &[u8], from: usize) -> Option<(Needle, usize)> {
    // A needle that starts at or after `from` may be broken no earlier.
    memchr2_iter(b'\n', b'\\', text.get(from..)?).find_map(|place| {
        work::spend(1);
        let (start, end) = joint_around(text, from + place)?;
        needle_around(text, from, start, end)
    })
}

/// The joint, between two digits, that holds what stands at `place`.
fn joint_around(text: &[u8], place: usize) -> Option<(usize, usize)> {
    let starts = (place.saturating_sub(MAX_BEFORE_BREAK)..=place).rev();
    starts.into_iter().find_map(|start| {
        let is_digit = |byte: &u8| sextet_of_either(*byte).is_some();
        let front = text.get(..start)?;
        if !front.last().is_some_and(is_digit) {
            return None;
        }
        let end = start + joint_len(text.get(start..)?);
        (end > place && text.get(end).is_some_and(is_digit)).then_some((start, end))
    })
}

/// The needle that a joint splits.
fn needle_around(text: &[u8], from: usize, start: usize, end: usize) -> Option<(Needle, usize)> {
    let (last, first) = (text.get(start.checked_sub(1)?)?, text.get(end)?);
    for needle in NEEDLES {
        for (split, pair) in (1..).zip(needle.text.windows(2)) {
            if pair != [*last, *first] {
                continue;
            }
            let Some(begin) = digits_before(text, start).nth(split - 1) else { continue };
            let digits = digits(text, begin).map(|(place, _)| text.get(place));
            if begin >= from && digits.take(needle.text.len()).eq(needle.text.iter().map(Some)) {
                return Some((needle, begin));
            }
        }
    }
    None
}

/// The needle whose rare digit stands at `at`, and where it starts.
pub(super) fn needle_at(text: &[u8], at: usize) -> Option<(Needle, usize)> {
    NEEDLES.iter().find_map(|needle| {
        let start = at.checked_sub(needle.rare)?;
        text.get(start..)?.starts_with(needle.text).then_some((*needle, start))
    })
}

const fn needle(part: Part, alignment: usize, text: &'static [u8], rare: usize) -> Needle {
    Needle { text, part, alignment, rare }
}

/// A token comes last: `wkboot` may be a brand, too.
const NEEDLES: [Needle; 9] = [
    needle(Part::Live, 0, b"X2xpdmVf", 0),
    needle(Part::Live, 1, b"9saXZlX", 3),
    needle(Part::Live, 2, b"fbGl2ZV", 2),
    needle(Part::Test, 0, b"X3Rlc3Rf", 0),
    needle(Part::Test, 1, b"90ZXN0X", 3),
    needle(Part::Test, 2, b"fdGVzdF", 2),
    needle(Part::Bootstrap, 0, b"d2tib290X", 8),
    needle(Part::Bootstrap, 1, b"drYm9vdF", 2),
    needle(Part::Bootstrap, 2, b"3a2Jvb3Rf", 3),
];
/// Digits that hold a brand.
const LOOK_BACK: usize = 16;
/// A brand, the middle of a prefix, and a key with as many bytes of joints and escapes as it has itself.
const DECODED_LEN: usize = 12 + 6 + 2 * MAX_KEY_LEN;
/// What may stand before a line break within a joint: a quote, a plus and blanks, or a backslash.
const MAX_BEFORE_BREAK: usize = 6;

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use std::vec::Vec;

    #[test]
    fn needles_are_what_all_encoders_write() {
        for needle in &NEEDLES {
            assert!(b"XGYJ".contains(&needle.text[needle.rare]), "what is looked for");
            let part: &[u8] = match needle.part {
                Part::Live => b"_live_",
                Part::Test => b"_test_",
                Part::Bootstrap => b"wkboot_",
            };
            for (front, back) in [(0_u8, 0_u8), (255, 255), (0x5a, 0xa5)] {
                let mut bytes: Vec<u8> = std::vec![front; needle.alignment];
                bytes.extend(part);
                bytes.extend([back; 3]);
                let place = [0, 2, 3][needle.alignment];
                for text in [STANDARD.encode(&bytes), URL_SAFE.encode(&bytes)] {
                    assert!(text.as_bytes()[place..].starts_with(needle.text), "{text}");
                }
            }
        }
    }
}
