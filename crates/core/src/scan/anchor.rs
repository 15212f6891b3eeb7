//! The places in a text that are worth a closer look, found at memory speed.

use memchr::{memchr, memchr3};

use super::character::{EscapedBreaks, characters_before, spelt, spelt_before};
use super::shape::version;
use super::work;
use super::wrapped::{self, Needle};
use crate::prefix::Environment;

/// What stands at a place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    /// A part of a prefix.
    Plain(Mark),
    /// A part of a prefix in base64.
    Wrapped(Needle),
}

/// A part of a prefix.
///
/// One wrong character leaves one half of `_live_` or `_test_` whole, so that halves are what is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mark {
    /// `_li` or `_te`, with which `_live_` and `_test_` begin.
    Environment(Environment),
    /// The underscore of `ve_` or `st_`, with a payload's beginning after it.
    EnvironmentEnd {
        /// Where that is.
        payload: usize,
    },
    /// `wkboot_`.
    Bootstrap,
    /// What begins a colour, between two characters of a prefix.
    Colour,
}

/// All places in order.
pub(super) struct Anchors<'t> {
    text: &'t [u8],
    streams: [Stream; PROBES.len()],
    /// The next place where base64 was broken into lines within a part of a prefix.
    broken: Option<(Needle, usize)>,
}

/// A byte that all parts of a kind have, and nothing else often.
#[derive(Clone, Copy)]
enum Probe {
    Underscore,
    /// Of an underscore.
    Escape,
    Colour,
    /// Of [`wrapped::NEEDLES`].
    Digits([u8; 3]),
}

/// All places of one kind, in order.
struct Stream {
    probe: Probe,
    next: Option<Place>,
}

struct Place {
    probed: usize,
    at: usize,
    anchor: Anchor,
}

impl<'t> Anchors<'t> {
    pub(super) fn new(text: &'t [u8], deep: bool) -> Self {
        let streams = PROBES.map(|probe| {
            let looks = deep || !matches!(probe, Probe::Digits(_));
            Stream { probe, next: if looks { probe.next(text, 0) } else { None } }
        });
        let broken = if deep { wrapped::broken_needle(text, 0) } else { None };
        Self { text, streams, broken }
    }

    /// The next place at or after `least`, and what stands there.
    pub(super) fn next(&mut self, least: usize) -> Option<(Anchor, usize)> {
        loop {
            let mut first: Option<&mut Stream> = None;
            for stream in &mut self.streams {
                let Some(place) = &stream.next else { continue };
                let next = first.as_ref().and_then(|first| first.next.as_ref());
                if next.is_none_or(|next| place.probed < next.probed) {
                    first = Some(stream);
                }
            }
            let probed = first.as_ref().and_then(|first| Some(first.next.as_ref()?.probed));
            let (anchor, at) = match (self.broken, first) {
                (Some((needle, at)), _) if probed.is_none_or(|probed| at <= probed) => {
                    self.broken = wrapped::broken_needle(self.text, (at + 1).max(least));
                    (Anchor::Wrapped(needle), at)
                }
                (_, Some(stream)) => {
                    let Place { probed, at, anchor } = stream.next.take()?;
                    stream.next = stream.probe.next(self.text, (probed + 1).max(least));
                    (anchor, at)
                }
                _ => return None,
            };
            if at >= least {
                return Some((anchor, at));
            }
        }
    }
}

impl Probe {
    /// The first place from `from` on.
    fn next(self, text: &[u8], mut from: usize) -> Option<Place> {
        loop {
            let rest = text.get(from..)?;
            let skipped = match self {
                Self::Underscore => memchr(b'_', rest),
                Self::Escape => memchr3(b'%', b'&', b'\\', rest),
                Self::Colour => memchr(0x1b, rest),
                Self::Digits([first, second, third]) => memchr3(first, second, third, rest),
            };
            work::spend(skipped.unwrap_or(rest.len()));
            let probed = from + skipped?;
            let found = match self {
                Self::Underscore => underscore(text, probed),
                Self::Escape => escape(text, probed),
                Self::Colour => Some((Anchor::Plain(Mark::Colour), probed)),
                Self::Digits(_) => wrapped::needle_at(text, probed)
                    .map(|(needle, at)| (Anchor::Wrapped(needle), at)),
            };
            if let Some((anchor, at)) = found {
                return Some(Place { probed, at, anchor });
            }
            from = probed + 1;
        }
    }
}

/// What an underscore is a part of.
fn underscore(text: &[u8], at: usize) -> Option<(Anchor, usize)> {
    let front = text.get(..=at)?;
    let (_, len) = spelt_before(front)?;
    part(text, front.len() - len, front.len())
}

/// What an escape is a part of, if it is one of an underscore.
fn escape(text: &[u8], at: usize) -> Option<(Anchor, usize)> {
    let rest = text.get(at..)?;
    // Turns most down at once. What is spelt `\_` is found as an underscore.
    if !matches!(rest, [b'%', b'2' | b'5', ..] | [b'&', b'#', ..] | [b'\\', b'\\' | b'u', ..]) {
        return None;
    }
    match spelt(rest)? {
        (b'_', len) => part(text, at, at + len),
        _ => None,
    }
}

/// What an underscore, which is spelt from `start` to `end`, is a part of. Turns most down at once: they are frequent.
fn part(text: &[u8], start: usize, end: usize) -> Option<(Anchor, usize)> {
    let (before, after) = (text.get(..start)?, text.get(end..)?);
    let mark = match after {
        [b'l', b'i', ..] => Mark::Environment(Environment::Live),
        [b't', b'e', ..] => Mark::Environment(Environment::Test),
        _ if is_end(before, after) => Mark::EnvironmentEnd { payload: end },
        _ => {
            // After a `t`, or after the last letter of a joint.
            let last = *before.last()?;
            if last.is_ascii_alphanumeric() && !matches!(last, b't' | b'n' | b'm' | b'K') {
                return None;
            }
            let mut back = characters_before(text, start, EscapedBreaks::AreJoints);
            let mut first = start;
            for byte in b"wkboot".iter().rev() {
                first = back.next().filter(|character| character.byte == *byte)?.start;
            }
            return Some((Anchor::Plain(Mark::Bootstrap), first));
        }
    };
    Some((Anchor::Plain(mark), start))
}

/// Whether an underscore may end a prefix whose first half is damaged, or parted by a joint.
fn is_end(before: &[u8], after: &[u8]) -> bool {
    (before.ends_with(b"ve") || before.ends_with(b"st")) && version(after).is_some()
}

/// Each of [`wrapped::NEEDLES`] holds one of the last four bytes.
const PROBES: [Probe; 5] = [
    Probe::Underscore,
    Probe::Escape,
    Probe::Colour,
    Probe::Digits([b'X'; 3]),
    Probe::Digits([b'G', b'Y', b'J']),
];
