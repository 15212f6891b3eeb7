//! The last state of a list that this isolate has compressed: whoever follows a list asks for the same one.
//!
//! Why it exists: a state of many megabytes would be read, hashed and compressed anew for each caller.

use std::cell::RefCell;

use wardkey::UnixMillis;
use wardkey_registry::StateName;

thread_local! {
    // INVARIANT: never borrowed across an await.
    static LAST: RefCell<Option<CompressedState>> = const { RefCell::new(None) };
}

/// A state as it is sent to whoever takes gzip.
#[derive(Clone)]
pub(crate) struct CompressedState {
    pub(crate) name: StateName,
    pub(crate) gzipped: Vec<u8>,
    /// Where the state itself came from.
    pub(crate) source: &'static str,
    /// When it was compressed.
    pub(crate) at: UnixMillis,
}

impl CompressedState {
    /// The last one, if it is the one of this name.
    pub(crate) fn last(name: &StateName, now: UnixMillis) -> Option<Self> {
        LAST.with_borrow(|last| last.as_ref().filter(|last| last.answers(name, now)).cloned())
    }

    /// Keeps it in place of the one before, unless it is too long to be kept.
    pub(crate) fn keep(&self) {
        if self.is_kept() {
            LAST.set(Some(self.clone()));
        }
    }

    fn is_kept(&self) -> bool {
        self.gzipped.len() <= LONGEST
    }

    /// WHY only for a while, though a state never changes: where it came from says when there is none any more.
    fn answers(&self, name: &StateName, now: UnixMillis) -> bool {
        self.name == *name && self.at <= now && now.since(self.at) < KEPT_MS
    }
}

/// Longest that is kept, in bytes.
const LONGEST: usize = 4 * 1_024 * 1_024;
const KEPT_MS: u64 = 60_000;

#[cfg(test)]
mod tests {
    use wardkey::TenantId;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn name(tenant: u16, sequence: u64, digest: u8) -> StateName {
        StateName { tenant: TenantId(tenant), sequence, digest: [digest; 32] }
    }

    fn state(name: StateName, len: usize) -> CompressedState {
        CompressedState { name, gzipped: vec![0; len], source: "kv", at: NOW }
    }

    #[test]
    fn the_last_one_answers_for_its_name_and_for_a_minute() {
        let mine = name(1, 7, 1);
        state(mine, 3).keep();
        assert_eq!(CompressedState::last(&mine, NOW).map(|last| last.gzipped), Some(vec![0; 3]));
        for other in [name(2, 7, 1), name(1, 8, 1), name(1, 7, 2)] {
            assert!(CompressedState::last(&other, NOW).is_none());
        }
        assert!(CompressedState::last(&mine, NOW.plus(KEPT_MS - 1)).is_some());
        assert!(CompressedState::last(&mine, NOW.plus(KEPT_MS)).is_none());
        assert!(CompressedState::last(&mine, UnixMillis(NOW.0 - 1)).is_none(), "the clock is back");
        state(name(1, 8, 1), 3).keep();
        assert!(CompressedState::last(&mine, NOW).is_none());
    }

    #[test]
    fn one_that_is_too_long_is_not_kept_and_takes_no_place() {
        let (first, second) = (name(1, 7, 1), name(1, 8, 1));
        state(first, LONGEST).keep();
        state(second, LONGEST + 1).keep();
        assert!(CompressedState::last(&first, NOW).is_some());
        assert!(CompressedState::last(&second, NOW).is_none());
    }
}
