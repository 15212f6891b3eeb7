//! The places in a text that are worth a closer look, found at memory speed.

use memchr::memmem::Finder;

use super::shape::version;
use super::work;
use super::wrapped::{self, NEEDLES, Needle};
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
    /// `_li` or `_te`, with which `_live_` and `_test_` begin; or an escape's last bytes in place of `_`.
    Environment {
        environment: Environment,
        /// Bytes of the underscore.
        underscore: usize,
    },
    /// `ve_` or `st_`, but not at the end of `_live_` or `_test_`, and with a payload's beginning after it.
    EnvironmentEnd,
    /// `wkb`, with which `wkboot_` begins.
    Bootstrap,
    /// `oot_`, with which it ends, unless all of it stands there.
    BootstrapEnd,
    /// What begins a colour, between two characters of a prefix.
    Colour,
}

/// All places in order.
pub(super) struct Anchors<'t> {
    text: &'t [u8],
    plain: [Stream; PLAIN.len()],
    wrapped: [Stream; NEEDLES.len()],
    /// The next place where base64 was broken into lines within a part of a prefix.
    broken: Option<(Needle, usize)>,
}

/// All places of one kind, in order.
struct Stream {
    anchor: Anchor,
    finder: Finder<'static>,
    next: Option<usize>,
}

impl<'t> Anchors<'t> {
    pub(super) fn new(text: &'t [u8], deep: bool) -> Self {
        let stream = |anchor, bytes| {
            let mut stream = Stream { anchor, finder: Finder::new(bytes), next: None };
            if deep || matches!(anchor, Anchor::Plain(_)) {
                stream.advance(text, 0);
            }
            stream
        };
        let plain = PLAIN.map(|(mark, bytes)| stream(Anchor::Plain(mark), bytes));
        let wrapped = NEEDLES.map(|needle| stream(Anchor::Wrapped(needle), needle.text));
        let broken = if deep { wrapped::broken_needle(text, 0) } else { None };
        Self { text, plain, wrapped, broken }
    }

    /// The next place at or after `least`, and what stands there.
    pub(super) fn next(&mut self, least: usize) -> Option<(Anchor, usize)> {
        loop {
            let places = self.plain.iter_mut().chain(&mut self.wrapped);
            let places = places.filter_map(|stream| Some((stream.next?, stream)));
            let first = places.min_by_key(|(at, _)| *at);
            let found = match (self.broken, first) {
                (Some((needle, at)), first) if first.as_ref().is_none_or(|(of, _)| at < *of) => {
                    self.broken = wrapped::broken_needle(self.text, (at + 1).max(least));
                    (Anchor::Wrapped(needle), at)
                }
                (_, Some((at, stream))) => {
                    stream.advance(self.text, (at + 1).max(least));
                    (stream.anchor, at)
                }
                _ => return None,
            };
            if found.1 >= least {
                return Some(found);
            }
        }
    }
}

impl Stream {
    /// Goes to the first place from `at` on.
    fn advance(&mut self, text: &[u8], at: usize) {
        self.next = find(text, at, &self.finder, self.anchor);
    }
}

fn find(text: &[u8], mut at: usize, finder: &Finder<'_>, anchor: Anchor) -> Option<usize> {
    loop {
        let rest = text.get(at..)?;
        let skipped = finder.find(rest);
        work::spend(skipped.unwrap_or(rest.len()));
        at += skipped?;
        let worth = match anchor {
            Anchor::Plain(Mark::EnvironmentEnd) => is_lone_end(text, at),
            Anchor::Plain(Mark::BootstrapEnd) => {
                text.get(..at).is_some_and(|before| !before.ends_with(b"wkb"))
            }
            _ => true,
        };
        if worth {
            return Some(at);
        }
        at += 1;
    }
}

/// Whether a `ve_` or `st_` may end a damaged prefix. Turns most down at once: they are frequent.
fn is_lone_end(text: &[u8], at: usize) -> bool {
    let Some((before, after)) = text.split_at_checked(at) else { return false };
    let whole = before.ends_with(b"_li") && after.starts_with(b"ve_")
        || before.ends_with(b"_te") && after.starts_with(b"st_");
    !whole && after.get(3..).and_then(version).is_some()
}

const fn environment(environment: Environment, underscore: usize) -> Mark {
    Mark::Environment { environment, underscore }
}

const PLAIN: [(Mark, &[u8]); 13] = [
    (environment(Environment::Live, 1), b"_li"),
    (environment(Environment::Test, 1), b"_te"),
    // `%5F` and `\u005F`, then `&#95;`.
    (environment(Environment::Live, 2), b"5Fli"),
    (environment(Environment::Test, 2), b"5Fte"),
    (environment(Environment::Live, 2), b"5fli"),
    (environment(Environment::Test, 2), b"5fte"),
    (environment(Environment::Live, 3), b"95;li"),
    (environment(Environment::Test, 3), b"95;te"),
    (Mark::EnvironmentEnd, b"ve_"),
    (Mark::EnvironmentEnd, b"st_"),
    (Mark::Bootstrap, b"wkb"),
    (Mark::BootstrapEnd, b"oot_"),
    (Mark::Colour, b"\x1b["),
];
