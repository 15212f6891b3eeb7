//! What has the shape of a credential, judged around one anchor.

use super::Brands;
use core::ops::RangeInclusive;

use super::anchor::Mark;
use super::confirmed_end::{MIN_PAYLOAD_DIGITS, confirm};
use super::digits::run_len;
use super::finding::{Finding, FindingKind};
use crate::base64url::sextet;
use crate::key::MAX_KEY_LEN;
use crate::prefix::{Environment, Prefix};

/// A credential before it is settled where it ends.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) start: usize,
    /// Where the prefix ends.
    pub(super) payload: usize,
    pub(super) end: usize,
    pub(super) kind: FindingKind,
    pub(super) prefix: Option<Prefix>,
    pub(super) base64: bool,
}

impl Shape {
    /// Whether its end is only as far as it could reach.
    pub(super) const fn is_loose(&self) -> bool {
        !matches!(self.kind, FindingKind::Key(_))
    }

    /// Whether no doubt is left about where it begins.
    pub(super) const fn begins_for_sure(&self) -> bool {
        self.prefix.is_some() || matches!(self.kind, FindingKind::BootstrapToken)
    }

    /// Whether what is left of it, now that another begins within it, gives nothing away.
    pub(super) const fn is_spent(&self) -> bool {
        let least = match self.kind {
            FindingKind::Key(_) => 0,
            FindingKind::DamagedKey => LEAST_LEN,
            FindingKind::BootstrapToken => LEAST_BOOTSTRAP_LEN,
        };
        self.start >= self.end || self.end.saturating_sub(self.payload) < least
    }

    pub(super) const fn finding(self) -> Finding {
        let Self { start, end, kind, prefix, base64, .. } = self;
        Finding { range: start..end, kind, prefix, base64 }
    }
}

/// Judges what stands at an anchor. What comes out may begin in the key before: a cut one may have been made
/// whole by chance, by the first character of this one.
pub(super) fn judge(text: &[u8], mark: Mark, at: usize, brands: Brands<'_>) -> Option<Shape> {
    match mark {
        Mark::Environment(environment) => {
            key(text, environment, at, brands).or_else(|| {
                // Its first half is whole, so that what is wrong is in the second.
                let brand = brands.ending(text.get(..at)?)?;
                (at + 5..=at + 10)
                    .find_map(|payload| prefix_damaged(text, at - brand.len(), payload))
            })
        }
        Mark::EnvironmentEnd => {
            let payload = at + 3;
            let earliest = |brand: &str| at.saturating_sub(brand.len() + 7);
            let start = brands.iter().find_map(|brand| {
                let window = text.get(earliest(brand)..at)?;
                let place =
                    window.windows(brand.len()).position(|part| part == brand.as_bytes())?;
                Some(earliest(brand) + place)
            })?;
            prefix_damaged(text, start, payload)
        }
        Mark::Bootstrap => bootstrap(text, at),
    }
}

/// A key whose prefix ends with the six characters at `at`.
fn key(text: &[u8], environment: Environment, at: usize, brands: Brands<'_>) -> Option<Shape> {
    let (_, after) = text.get(at..)?.split_at_checked(6)?;
    if !text.get(at + 1..at + 6)?.starts_with(environment.as_str().as_bytes())
        || text.get(at + 5) != Some(&b'_')
    {
        return None;
    }
    let payload = at + 6;
    let run = run_len(after, 0, MAX_KEY_LEN);
    let version = version(after);
    let before = text.get(..at)?;
    let known = brands.ending(before);
    if version == Some(1) && run >= MIN_PAYLOAD_DIGITS {
        // A brand that is no more than the end of a known one would only add chances to fit by accident.
        let least = known.map_or(0, str::len);
        let starts = brand_lens(before).filter(|len| *len >= least).map(|len| at - len);
        if let Some(found) = confirm(text, starts, payload, run) {
            let (prefix, _) = Prefix::split(text.get(found.start..payload)?)?;
            return Some(Shape {
                start: found.start,
                payload,
                end: found.end,
                kind: FindingKind::Key(found.key_id),
                prefix: Some(prefix),
                base64: false,
            });
        }
    }
    if known.is_none() && version.is_none() {
        return None;
    }
    let end = loose_end(text, payload, run)?;
    let brand_len = known.map(str::len).or_else(|| brand_lens(before).last()).unwrap_or_default();
    Some(Shape {
        start: at - brand_len,
        payload,
        end,
        kind: FindingKind::DamagedKey,
        prefix: known.and_then(|brand| Prefix::new(brand, environment).ok()),
        base64: false,
    })
}

/// A key of a known brand with one wrong, missing or spare character in its prefix.
fn prefix_damaged(text: &[u8], start: usize, payload: usize) -> Option<Shape> {
    let after = text.get(payload..)?;
    version(after)?;
    let run = run_len(after, 0, MAX_KEY_LEN);
    (run >= LEAST_LEN).then_some(Shape {
        start,
        payload,
        end: payload + run,
        kind: FindingKind::DamagedKey,
        prefix: None,
        base64: false,
    })
}

/// A bootstrap token, whose random part follows two numbers, unless those are damaged.
fn bootstrap(text: &[u8], at: usize) -> Option<Shape> {
    let payload = at + 7;
    let number = |at: usize, digits: RangeInclusive<usize>| {
        let rest = text.get(at..)?;
        let len = rest.iter().take(*digits.end()).take_while(|b| b.is_ascii_digit()).count();
        (digits.contains(&len) && rest.get(len) == Some(&b'_')).then_some(at + len + 1)
    };
    // Seconds have had ten digits since 2001 and will until 2286.
    let random = number(payload, 1..=5).and_then(|at| number(at, 10..=10));
    let whole_len = random.map_or(BOOTSTRAP_LEN, |random| random - payload + RANDOM_LEN);
    let run = run_len(text, payload, whole_len);
    let end = match random {
        Some(random) if payload + run >= random + LEAST_RANDOM_LEN => {
            bridged_end(text, payload, run, whole_len - 2, whole_len).unwrap_or(payload + run)
        }
        _ => bridged_end(text, payload, run, BOOTSTRAP_LEN - 10, BOOTSTRAP_LEN)
            .or_else(|| (run >= LEAST_LEN).then_some(payload + run))?,
    };
    Some(Shape {
        start: at,
        payload,
        end,
        kind: FindingKind::BootstrapToken,
        prefix: None,
        base64: false,
    })
}

/// How far a key reaches whose checksum fits nowhere: over its digits, and over more of them behind one
/// wrong character or line break if both together are as long as a key.
fn loose_end(text: &[u8], payload: usize, run: usize) -> Option<usize> {
    bridged_end(text, payload, run, MIN_PAYLOAD_DIGITS - 2, MAX_KEY_LEN)
        .or_else(|| (run >= LEAST_LEN).then_some(payload + run))
}

fn bridged_end(
    text: &[u8],
    payload: usize,
    run: usize,
    least: usize,
    most: usize,
) -> Option<usize> {
    let gap = gap_len(text.get(payload + run..)?)?;
    let onward = payload + run + gap;
    let more = run_len(text, onward, most.checked_sub(run)?);
    (more >= LEAST_REST_LEN && run + more >= least).then_some(onward + more)
}

/// Bytes of one foreign character, or of a line break as it stands in texts and e-mails.
fn gap_len(text: &[u8]) -> Option<usize> {
    for line_break in [&b"\r\n"[..], b"=\r\n", b"=\n", b"\\\r\n", b"\\\n"] {
        if text.starts_with(line_break) {
            return Some(line_break.len());
        }
    }
    let (first, rest) = text.split_first()?;
    if first.is_ascii() {
        return Some(1);
    }
    Some(1 + rest.iter().take(3).take_while(|byte| (0x80..0xc0).contains(*byte)).count())
}

/// The version that a payload shows: its first byte is 1, or 2, which is reserved.
pub(super) fn version(payload: &[u8]) -> Option<u8> {
    match payload {
        [b'A', second, ..] => match sextet(*second)? >> 4 {
            version @ 1..=2 => Some(version),
            _ => None,
        },
        _ => None,
    }
}

/// Lengths of all brands that `text` ends with, shortest first.
fn brand_lens(text: &[u8]) -> impl Iterator<Item = usize> {
    let characters = text.iter().rev().take(12);
    characters
        .take_while(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        .zip(1..)
        .filter(|(first, len)| *len >= 2 && first.is_ascii_lowercase())
        .map(|(_, len)| len)
}

/// Characters after a prefix from which on a text counts as a key, whatever its checksum.
///
/// The tag, all that is secret, starts at character 38 (byte 29 at the earliest), so that what is shorter
/// than 39 gives none of it away. Six less, so that this holds for a key that has lost characters before its
/// tag, too. Not fewer still: names such as `wk_test_…` in other people's source are mostly shorter.
const LEAST_LEN: usize = 32;
/// As [`LEAST_LEN`], of a bootstrap token's random part: all of it is secret, and its prefix is no word.
const LEAST_RANDOM_LEN: usize = 8;
/// A token that shows as little of its random part as counts, after its prefix.
const LEAST_BOOTSTRAP_LEN: usize = 1 + 1 + 10 + 1 + LEAST_RANDOM_LEN;
/// Characters behind a gap that are worth taking away: fewer are no use to anybody.
const LEAST_REST_LEN: usize = 8;
/// 32 bytes in base64url.
const RANDOM_LEN: usize = 43;
/// Longest bootstrap token, after its prefix.
const BOOTSTRAP_LEN: usize = 5 + 1 + 10 + 1 + RANDOM_LEN;
