//! What has the shape of a credential, judged around one anchor.

use core::ops::RangeInclusive;

use super::Brands;
use super::anchor::Mark;
use super::brand_before::BrandBefore;
use super::character::{Character, EscapedBreaks, characters, characters_before};
use super::confirmed_end::{MIN_PAYLOAD_DIGITS, confirm};
use super::finding::{Finding, FindingKind};
use super::reach::{Reach, reach};
use crate::base64url::sextet;
use crate::checksum::CRC;
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
            let damaged = || {
                // Its first half is whole, so that what is wrong is in the second.
                let before = BrandBefore::read(text, at);
                let start = before.start(before.known(&brands)?.len())?;
                (at + 5..=at + MAX_DAMAGED_LEN)
                    .find_map(|payload| prefix_damaged(text, start, payload))
            };
            let token = || bootstrap(text, middle_before(text, at).nth(5)?.start);
            key(text, environment, at, brands).or_else(damaged).or_else(token)
        }
        Mark::EnvironmentEnd { payload } => {
            // The first half may be there all the same, parted by a joint.
            if let Some(first) = middle_before(text, at).nth(4) {
                for environment in ENVIRONMENTS {
                    let found = key(text, environment, first.start, brands);
                    if found.is_some() {
                        return found;
                    }
                }
            }
            // The half that is whole is two characters and the underscore.
            let half = at.checked_sub(2)?;
            let start = brands.iter().find_map(|brand| {
                let mut places = half.saturating_sub(brand.len() + 7)..half;
                let begins = |place: &usize| {
                    text.get(*place..half).is_some_and(|rest| rest.starts_with(brand.as_bytes()))
                };
                places.find(begins)
            })?;
            prefix_damaged(text, start, payload)
        }
        Mark::Colour => coloured(text, at, brands),
        Mark::Bootstrap => bootstrap(text, at),
    }
}

/// What has a colour within its prefix, which begins at `at`.
fn coloured(text: &[u8], at: usize, brands: Brands<'_>) -> Option<Shape> {
    let after = characters(text, at).next()?.byte;
    if !MIDDLES.contains(&after) {
        return None;
    }
    // Of `_live_` or `_test_` five at most.
    let underscores = middle_before(text, at).take(5).filter(|character| character.byte == b'_');
    let keys = underscores.flat_map(|underscore| {
        ENVIRONMENTS.map(|environment| key(text, environment, underscore.start, brands))
    });
    keys.flatten().next()
}

/// A key whose prefix ends with the six characters from `at` on.
fn key(text: &[u8], environment: Environment, at: usize, brands: Brands<'_>) -> Option<Shape> {
    let payload = match environment {
        Environment::Live => end_of(text, at, b"_live_")?,
        Environment::Test => end_of(text, at, b"_test_")?,
    };
    let version = version_at(text, payload);
    let before = BrandBefore::read(text, at);
    let known = before.known(&brands);
    if version == Some(1) {
        // A brand that is no more than the end of a known one would only add chances to fit by accident.
        let least = known.map_or(0, str::len);
        let brands = before.lens().filter(|len| *len >= least).map(|len| {
            let mut digest = CRC.digest();
            for part in [before.last(len), b"_", environment.as_str().as_bytes(), b"_"] {
                digest.update(part);
            }
            (len, digest)
        });
        if let Some(found) = confirm(brands, characters(text, payload)) {
            return Some(Shape {
                start: before.start(found.brand_len)?,
                payload,
                end: found.end,
                kind: FindingKind::Key(found.key_id),
                prefix: Some(before.prefix(found.brand_len, environment)?),
                base64: false,
            });
        }
    }
    if known.is_none() && version.is_none() {
        return None;
    }
    let end = loose_end(text, payload, known.is_some(), version)?;
    let start = match known.map(str::len).or_else(|| before.longest()) {
        Some(brand_len) => before.start(brand_len)?,
        None => at,
    };
    Some(Shape {
        start,
        payload,
        end,
        kind: FindingKind::DamagedKey,
        prefix: known.and_then(|brand| Prefix::new(brand, environment).ok()),
        base64: false,
    })
}

/// A key of a known brand with one wrong, missing or spare character in its prefix.
fn prefix_damaged(text: &[u8], start: usize, payload: usize) -> Option<Shape> {
    version_at(text, payload)?;
    let reach = reach(text, payload, MAX_KEY_LEN);
    let whole = reach.all.count >= ABOUT_WHOLE_LEN;
    (reach.first.count >= LEAST_LEN).then_some(Shape {
        start,
        payload,
        end: if whole { reach.all.end } else { reach.first.end },
        kind: FindingKind::DamagedKey,
        prefix: None,
        base64: false,
    })
}

/// A bootstrap token, whose random part follows two numbers, unless those are damaged.
fn bootstrap(text: &[u8], at: usize) -> Option<Shape> {
    let payload = end_of(text, at, b"wkboot_")?;
    let number = |skipped: usize, digits: RangeInclusive<usize>| {
        let mut rest = characters(text, payload).skip(skipped).map(|character| character.byte);
        let len = rest.by_ref().take(*digits.end() + 1).position(|byte| !byte.is_ascii_digit())?;
        let underscore = characters(text, payload).nth(skipped + len)?.byte == b'_';
        (digits.contains(&len) && underscore).then_some(skipped + len + 1)
    };
    // Seconds have had ten digits since 2001 and will until 2286: with fewer, one may have been lost.
    let tenant = number(0, 1..=5);
    let random = tenant.and_then(|expiry| number(expiry, 10..=10));
    let after_short_expiry = tenant.and_then(|expiry| number(expiry, 1..=9));
    let whole_len = random.map_or(BOOTSTRAP_LEN, |random| random + RANDOM_LEN);
    let Reach { first, all, .. } = reach(text, payload, whole_len);
    let end = match random {
        Some(_) if all.count >= whole_len - 2 => all.end,
        Some(random) if first.count >= random + LEAST_RANDOM_LEN => first.end,
        _ if all.count >= BOOTSTRAP_LEN - 10 => all.end,
        _ if first.count >= LEAST_LEN => first.end,
        _ if after_short_expiry.is_some_and(|at| first.count >= at + LEAST_RANDOM_LEN) => first.end,
        _ => return None,
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

/// How far a key reaches whose checksum fits nowhere: over its digits, and over more of them behind what
/// interrupts them if all together are as long as a key.
///
/// Of a known brand, whose keys nobody else writes, they need not be that long, and interruptions may be many.
/// Of others they may not: a list of long names, one a line, is no key.
fn loose_end(text: &[u8], payload: usize, known: bool, version: Option<u8>) -> Option<usize> {
    let Reach { first, all, bridged_once } = reach(text, payload, MAX_KEY_LEN);
    let bridged = if known { all } else { bridged_once };
    let least = if known && version == Some(1) { LEAST_LEN } else { ABOUT_WHOLE_LEN };
    if bridged.count >= least {
        return Some(all.end);
    }
    (first.count >= LEAST_LEN).then_some(first.end)
}

/// What stands before a place within a prefix's middle or a token's front, of which no letter is an `n`.
fn middle_before(text: &[u8], at: usize) -> impl Iterator<Item = Character> {
    characters_before(text, at, EscapedBreaks::AreJoints)
}

/// Where `expected` ends whose characters are those from `at` on.
fn end_of(text: &[u8], at: usize, expected: &[u8]) -> Option<usize> {
    let mut found = characters(text, at);
    let mut end = at;
    for byte in expected {
        end = found.next().filter(|character| character.byte == *byte)?.end;
    }
    Some(end)
}

fn version_at(text: &[u8], payload: usize) -> Option<u8> {
    let mut digits = characters(text, payload);
    version(&[digits.next()?.byte, digits.next()?.byte])
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

const ENVIRONMENTS: [Environment; 2] = [Environment::Live, Environment::Test];
/// What a prefix's middle is made of.
const MIDDLES: &[u8] = b"_livets";
/// From a prefix's middle to a payload, of which one character is wrong and others may be escaped.
const MAX_DAMAGED_LEN: usize = 18;
/// Characters after a prefix from which on a text counts as a key, whatever its checksum.
///
/// The tag, all that is secret, starts at character 38 (byte 29 at the earliest), so that what is shorter
/// than 39 gives none of it away. Six less, so that this holds for a key that has lost characters before its
/// tag, too. Not fewer still: names such as `wk_test_…` in other people's source are mostly shorter.
const LEAST_LEN: usize = 32;
/// As [`LEAST_LEN`], of a bootstrap token's random part: all of it is secret, and its prefix is no word.
const LEAST_RANDOM_LEN: usize = 8;
/// A token that shows as little of its random part as counts, after its prefix.
const LEAST_BOOTSTRAP_LEN: usize = 1 + 1 + 1 + 1 + LEAST_RANDOM_LEN;
/// Characters from which on a payload may be a whole one that has lost two.
const ABOUT_WHOLE_LEN: usize = MIN_PAYLOAD_DIGITS - 2;
/// 32 bytes in base64url.
const RANDOM_LEN: usize = 43;
/// Longest bootstrap token, after its prefix.
const BOOTSTRAP_LEN: usize = 5 + 1 + 10 + 1 + RANDOM_LEN;
