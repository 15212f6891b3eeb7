//! Something that one call of an instance does for all of them: one at a time, and not again at once.

use std::cell::Cell;
use std::rc::Rc;

use crate::clock::{now_ms, wait_ms};

/// Whether it is under way, and when it may be tried again.
#[derive(Default)]
pub(crate) struct Effort {
    begun_ms: Cell<Option<u64>>,
    rests_until_ms: Cell<u64>,
}

/// The right to do it; to let go of it is to have failed.
pub(crate) struct Turn {
    effort: Rc<Effort>,
    rest_ms: u64,
}

impl Effort {
    /// The turn, unless it is somebody else's, or was had just now.
    pub(crate) fn turn(self: &Rc<Self>) -> Option<Turn> {
        let now = now_ms();
        // A clock that was set back lets nobody rest longer than usual.
        let rests =
            (now..=now.saturating_add(LONGEST_REST_MS)).contains(&self.rests_until_ms.get());
        if rests || self.is_under_way() {
            return None;
        }
        self.begun_ms.set(Some(now));
        Some(Turn { effort: Rc::clone(self), rest_ms: FAILED_FOR_MS })
    }

    /// Waits until whoever has the turn is done, and no longer than this.
    pub(crate) async fn done(&self, at_most_ms: u64) {
        // WHY: one call of an instance cannot wake another, so that each looks for itself.
        for _ in 0..at_most_ms / LOOK_EVERY_MS {
            if !self.is_under_way() {
                break;
            }
            wait_ms(LOOK_EVERY_MS).await;
        }
    }

    fn is_under_way(&self) -> bool {
        // A call that the host broke off may have taken its turn with it.
        self.begun_ms.get().is_some_and(|begun| now_ms().abs_diff(begun) < LONGEST_TURN_MS)
    }
}

impl Turn {
    /// It was done, and need not be again for so long.
    pub(crate) fn succeeded(mut self, rest_ms: u64) {
        self.rest_ms = rest_ms.min(LONGEST_REST_MS);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.effort.rests_until_ms.set(now_ms().saturating_add(self.rest_ms));
        self.effort.begun_ms.set(None);
    }
}

const LOOK_EVERY_MS: u64 = 5;
/// One that failed counts as failed for so long.
const FAILED_FOR_MS: u64 = 1_000;
const LONGEST_REST_MS: u64 = 2_000;
/// Longer than the registry is waited for.
const LONGEST_TURN_MS: u64 = 6_000;
