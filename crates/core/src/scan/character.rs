//! A credential's characters as they are spelt in texts: as they are, or escaped, with joints between them.

use super::joint::{joint_len, joint_len_before, slashes};
use super::work;
use crate::base64url::sextet;

/// A digit of base64url, of which prefixes are made, too, and where it is spelt.
#[derive(Clone, Copy)]
pub(super) struct Character {
    pub(super) byte: u8,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The characters from `at` on, over joints, up to what is none.
pub(super) fn characters(text: &[u8], at: usize) -> impl Iterator<Item = Character> {
    let mut next = at;
    core::iter::from_fn(move || {
        let mut found = spelt(text.get(next..)?);
        if found.is_none() {
            next += joint_len(text.get(next..)?);
            found = spelt(text.get(next..)?);
        }
        let (byte, len) = found?;
        let start = next;
        next += len;
        Some(Character { byte, start, end: next })
    })
}

/// The characters before `at`, backwards, over joints.
pub(super) fn characters_before(
    text: &[u8],
    at: usize,
    breaks: EscapedBreaks,
) -> impl Iterator<Item = Character> {
    let mut end = at;
    core::iter::from_fn(move || {
        let front = text.get(..end)?;
        if breaks == EscapedBreaks::AreJoints || !front.ends_with(b"n") {
            end -= joint_len_before(front).unwrap_or(0);
        }
        let (byte, len) = spelt_before(text.get(..end)?)?;
        let start = end - len;
        Some(Character { byte, start, end: core::mem::replace(&mut end, start) })
    })
}

/// What a `\n` is to one who reads backwards.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum EscapedBreaks {
    /// A line break: what is read holds no `n`.
    AreJoints,
    /// A backslash and a letter: it may stand before a brand that begins with it.
    AreLetters,
}

/// The character that `text` begins with, and the bytes that it takes up.
///
/// Of its characters only the two that are neither letters nor numbers are ever escaped: Markdown writes `\_`,
/// and URLs, HTML and JSON their codes.
pub(super) fn spelt(text: &[u8]) -> Option<(u8, usize)> {
    work::spend(1);
    let first = *text.first()?;
    if sextet(first).is_some() {
        return Some((first, 1));
    }
    if !matches!(first, b'\\' | b'%' | b'&') {
        return None;
    }
    let slashes = slashes(text.iter());
    if let (1.., Some(byte @ (b'_' | b'-'))) = (slashes, text.get(slashes)) {
        return Some((*byte, slashes + 1));
    }
    for (byte, codes) in CODES {
        for code in codes {
            let front = if code.starts_with(b"u") { slashes } else { 0 };
            if (front > 0) == code.starts_with(b"u")
                && text.get(front..).is_some_and(|rest| rest.starts_with(code))
            {
                return Some((byte, front + code.len()));
            }
        }
    }
    None
}

/// The character that `text` ends with, and the bytes that it takes up.
pub(super) fn spelt_before(text: &[u8]) -> Option<(u8, usize)> {
    work::spend(1);
    let last = *text.last()?;
    if matches!(last, b'_' | b'-') {
        return Some((last, 1 + slashes(text.iter().rev().skip(1))));
    }
    if matches!(last, b'f' | b'F' | b'd' | b'D' | b';') {
        for (byte, codes) in CODES {
            for code in codes {
                let Some(front) = text.strip_suffix(code) else { continue };
                let slashes = if code.starts_with(b"u") { slashes(front.iter().rev()) } else { 0 };
                if (slashes > 0) == code.starts_with(b"u") {
                    return Some((byte, slashes + code.len()));
                }
            }
        }
    }
    sextet(last).map(|_| (last, 1))
}

/// Codes of the two, of which those that begin with `u` stand behind backslashes. URLs may be escaped twice.
const CODES: [(u8, [&[u8]; 7]); 2] = [
    (b'_', [b"%5F", b"%5f", b"%255F", b"%255f", b"&#95;", b"u005f", b"u005F"]),
    (b'-', [b"%2D", b"%2d", b"%252D", b"%252d", b"&#45;", b"u002d", b"u002D"]),
];
