//! How far a credential reaches that no checksum bounds.

use super::character::spelt;
use super::joint::{colours_len, joint_len};

/// Characters from some place on.
#[derive(Clone, Copy)]
pub(super) struct Run {
    pub(super) count: usize,
    /// Where the last of them ends in the text.
    pub(super) end: usize,
}

/// Characters of a credential: up to the first interruption, and over all that may be bridged.
pub(super) struct Reach {
    pub(super) first: Run,
    pub(super) all: Run,
    /// Whether it took a single interruption, at most, to get there.
    pub(super) bridged_once: Run,
}

/// Reads up to `most` characters from `at` on: over joints, and over one foreign character, as long as what
/// stands behind each is worth taking away.
pub(super) fn reach(text: &[u8], at: usize, most: usize) -> Reach {
    let first = run(text, at, most);
    let (mut all, mut once, mut bridges) = (first, first, 0);
    let mut foreign = false;
    while let Some(rest) = text.get(all.end..) {
        let onward = |len| run(text, all.end + len, most.saturating_sub(all.count));
        let worth = |more: &Run| more.count >= LEAST_REST_LEN;
        let mut more = Some(onward(joint_len(rest))).filter(worth);
        if more.is_none() && !foreign {
            foreign = true;
            more = foreign_len(rest).map(onward).filter(worth);
        }
        let Some(more) = more else { break };
        all = Run { count: all.count + more.count, end: more.end };
        bridges += 1;
        if bridges == 1 {
            once = all;
        }
    }
    Reach { first, all, bridged_once: once }
}

/// Characters without an interruption; colours are none.
fn run(text: &[u8], at: usize, most: usize) -> Run {
    let mut run = Run { count: 0, end: at };
    while run.count < most {
        let at = run.end + text.get(run.end..).map_or(0, colours_len);
        let Some((_, len)) = text.get(at..).and_then(spelt) else { break };
        run = Run { count: run.count + 1, end: at + len };
    }
    run
}

/// Bytes of the one character that `text` begins with.
fn foreign_len(text: &[u8]) -> Option<usize> {
    let (first, rest) = text.split_first()?;
    if first.is_ascii() {
        return Some(1);
    }
    Some(1 + rest.iter().take(3).take_while(|byte| (0x80..0xc0).contains(*byte)).count())
}

/// Characters behind an interruption that are worth taking away: fewer are no use to anybody.
const LEAST_REST_LEN: usize = 8;
