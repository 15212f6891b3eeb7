//! Something that one call of an instance does for all of them: one at a time, and not again at once.

use std::cell::Cell;
use std::rc::Rc;

use crate::clock::{now_ms, wait_ms};

/// Whether it is under way, and when it may be tried again.
#[derive(Default)]
pub(crate) struct Effort {
    latest: Cell<Option<Begun>>,
    turns: Cell<u64>,
    rests_until_ms: Cell<u64>,
    /// Until then nobody waits: somebody has, in vain.
    late_until_ms: Cell<u64>,
}

#[derive(Clone, Copy)]
struct Begun {
    turn: u64,
    at_ms: u64,
}

/// The right to do it; to let go of it is to have failed.
pub(crate) struct Turn {
    effort: Rc<Effort>,
    number: u64,
    has_succeeded: bool,
    rest_ms: u64,
}

impl Effort {
    /// The turn, unless it is somebody else's, or was had just now. Beside one that takes long another begins, so that a
    /// registry's answer that never comes holds up nobody.
    pub(crate) fn turn(self: &Rc<Self>) -> Option<Turn> {
        let now = now_ms();
        if is_before(now, self.rests_until_ms.get()) {
            return None;
        }
        if self.latest.get().is_some_and(|begun| now.abs_diff(begun.at_ms) < SUPERSEDED_AFTER_MS) {
            return None;
        }
        let number = self.turns.get().wrapping_add(1);
        self.turns.set(number);
        self.latest.set(Some(Begun { turn: number, at_ms: now }));
        Some(Turn { effort: Rc::clone(self), number, has_succeeded: false, rest_ms: FAILED_FOR_MS })
    }

    /// Waits until whoever has the turn is done, and no longer than this. What takes longer counts as failed for a second, or
    /// a registry that hangs would cost every call its wait.
    pub(crate) async fn done(&self, at_most_ms: u64) {
        let begun = now_ms();
        while self.is_under_way() {
            if is_before(now_ms(), self.late_until_ms.get()) {
                return;
            }
            if now_ms().abs_diff(begun) >= at_most_ms {
                self.late_until_ms.set(now_ms().saturating_add(FAILED_FOR_MS));
                return;
            }
            // WHY: one call of an instance cannot wake another, so that each looks for itself.
            wait_ms(LOOK_EVERY_MS).await;
        }
    }

    fn is_under_way(&self) -> bool {
        // A call that the host broke off may have taken its turn with it.
        self.latest.get().is_some_and(|begun| now_ms().abs_diff(begun.at_ms) < LONGEST_TURN_MS)
    }
}

impl Turn {
    /// It was done, and need not be again for so long.
    pub(crate) fn succeeded(mut self, rest_ms: u64) {
        self.has_succeeded = true;
        self.rest_ms = rest_ms.min(LONGEST_REST_MS);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let is_latest = self.effort.latest.get().is_some_and(|begun| begun.turn == self.number);
        if is_latest {
            self.effort.latest.set(None);
        }
        // That one failed which another has superseded says nothing of the other.
        if is_latest || self.has_succeeded {
            self.effort.rests_until_ms.set(now_ms().saturating_add(self.rest_ms));
        }
    }
}

/// A clock that was set back lets nobody rest longer than usual.
fn is_before(now_ms: u64, end_ms: u64) -> bool {
    (now_ms.saturating_add(1)..=now_ms.saturating_add(LONGEST_REST_MS)).contains(&end_ms)
}

const LOOK_EVERY_MS: u64 = 5;
/// One that failed counts as failed for so long.
const FAILED_FOR_MS: u64 = 1_000;
const LONGEST_REST_MS: u64 = 2_000;
/// From then on another may begin beside it.
const SUPERSEDED_AFTER_MS: u64 = 1_500;
/// Longer than the registry is waited for.
const LONGEST_TURN_MS: u64 = 6_000;
