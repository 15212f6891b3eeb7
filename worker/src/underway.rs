//! What is under way, by what it concerns, and how much of it.
//!
//! Why it exists: whoever asked may have gone, and then what was done for them is perhaps never run to its end nor dropped. It
//! must not count for ever.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;

use wardkey::UnixMillis;

/// What is under way.
pub(crate) struct Underway<K: Hash + Eq>(Rc<RefCell<Begun<K>>>);

struct Begun<K> {
    last: u64,
    all: HashMap<K, Vec<(u64, UnixMillis)>>,
}

/// One of it, until it is dropped or [`GIVEN_UP_MS`] are over.
pub(crate) struct OneUnderway<K: Hash + Eq> {
    begun: Rc<RefCell<Begun<K>>>,
    key: Option<K>,
    number: u64,
}

impl<K: Hash + Eq> Default for Underway<K> {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(Begun { last: 0, all: HashMap::new() })))
    }
}

impl<K: Hash + Eq + Clone> Underway<K> {
    /// Counts one more.
    pub(crate) fn begin(&self, key: K, now: UnixMillis) -> OneUnderway<K> {
        let mut begun = self.0.borrow_mut();
        begun.last = begun.last.wrapping_add(1);
        let number = begun.last;
        if begun.all.len() >= MANY {
            begun.all.retain(|_, ones| is_any_left(ones, now));
        }
        begun.all.entry(key.clone()).or_default().push((number, now.plus(GIVEN_UP_MS)));
        OneUnderway { begun: Rc::clone(&self.0), key: Some(key), number }
    }

    /// How many there are.
    pub(crate) fn count(&self, key: &K, now: UnixMillis) -> usize {
        let mut begun = self.0.borrow_mut();
        begun.all.get_mut(key).map_or(0, |ones| if is_any_left(ones, now) { ones.len() } else { 0 })
    }
}

impl<K: Hash + Eq> OneUnderway<K> {
    /// Ends, and counts for some milliseconds more.
    pub(crate) fn linger(mut self, now: UnixMillis, ms: u64) {
        let Some(key) = self.key.take() else { return };
        let mut begun = self.begun.borrow_mut();
        let ones = begun.all.get_mut(&key).into_iter().flatten();
        ones.filter(|(number, _)| *number == self.number).for_each(|one| one.1 = now.plus(ms));
    }
}

impl<K: Hash + Eq> Drop for OneUnderway<K> {
    fn drop(&mut self) {
        let Some(key) = self.key.take() else { return };
        let mut begun = self.begun.borrow_mut();
        let Some(ones) = begun.all.get_mut(&key) else { return };
        ones.retain(|(number, _)| *number != self.number);
        if ones.is_empty() {
            begun.all.remove(&key);
        }
    }
}

/// Takes out what must have been given up by now.
fn is_any_left(ones: &mut Vec<(u64, UnixMillis)>, now: UnixMillis) -> bool {
    ones.retain_mut(|(_, until)| {
        // Where the clock has stepped back since, it was not begun in the future.
        *until = (*until).min(now.plus(GIVEN_UP_MS));
        now < *until
    });
    !ones.is_empty()
}

/// The Worker has told its caller before then that there was no answer.
pub(crate) const GIVEN_UP_MS: u64 = 10_000;
/// From how many things on it is looked whether all of them are still under way.
const MANY: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    #[test]
    fn each_counts_until_it_ends_and_for_nothing_else() {
        let underway = Underway::default();
        let ones: Vec<_> = (0..3).map(|_| underway.begin("a", NOW)).collect();
        let other = underway.begin("b", NOW);
        assert_eq!((underway.count(&"a", NOW), underway.count(&"b", NOW)), (3, 1));
        drop(ones);
        assert_eq!((underway.count(&"a", NOW), underway.count(&"b", NOW)), (0, 1));
        drop(other);
        assert!(underway.0.borrow().all.is_empty());
    }

    #[test]
    fn what_lingers_counts_for_as_long_as_was_said() {
        let underway = Underway::default();
        underway.begin("a", NOW).linger(NOW.plus(5), 1_000);
        assert_eq!(underway.count(&"a", NOW.plus(1_004)), 1);
        assert_eq!(underway.count(&"a", NOW.plus(1_005)), 0);
    }

    #[test]
    fn what_was_never_ended_is_given_up_also_where_the_clock_steps_back() {
        let underway = Underway::default();
        // As where a caller goes and what it waited for is never run again.
        std::mem::forget(underway.begin("a", NOW));
        assert_eq!(underway.count(&"a", NOW.plus(GIVEN_UP_MS - 1)), 1);
        assert_eq!(underway.count(&"a", NOW.plus(GIVEN_UP_MS)), 0);
        let ahead = NOW.plus(3_600_000);
        std::mem::forget(underway.begin("a", ahead));
        assert_eq!(underway.count(&"a", NOW), 1);
        assert_eq!(underway.count(&"a", NOW.plus(GIVEN_UP_MS)), 0);
    }

    #[test]
    fn what_nobody_asks_about_again_is_not_kept_for_ever() {
        let underway = Underway::default();
        for key in 0..MANY {
            std::mem::forget(underway.begin(key, NOW));
        }
        let _one = underway.begin(MANY, NOW.plus(GIVEN_UP_MS));
        assert_eq!(underway.0.borrow().all.len(), 1);
    }
}
