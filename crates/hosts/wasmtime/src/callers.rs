//! Who is connected: so many at most, and of those who ask for nothing, or read nothing, the oldest gives way.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// One thread's connections.
pub(crate) struct Callers {
    most: usize,
    /// So long nobody gives way: whoever has just connected is about to ask.
    grace: Duration,
    /// So long one who reads nothing of an answer counts as one who still does.
    longest_silence: Duration,
    /// Of all threads.
    count: Arc<AtomicUsize>,
    connected: RefCell<BTreeMap<u64, Arc<Caller>>>,
    next: Cell<u64>,
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Caller {
    calls: AtomicUsize,
    idle_since: Mutex<Instant>,
    /// While nothing more can be written.
    deaf_since: Mutex<Option<Instant>>,
    ended: Notify,
}

/// A call is under way on a connection for as long as this lives.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Caller>);

/// A place among the connections, free again when this is gone.
pub(crate) struct Place {
    callers: Rc<Callers>,
    number: u64,
    pub(crate) caller: Arc<Caller>,
}

impl Callers {
    pub(crate) fn new(
        most: usize,
        grace: Duration,
        longest_silence: Duration,
        count: Arc<AtomicUsize>,
    ) -> Rc<Self> {
        let (connected, next) = (RefCell::default(), Cell::new(0));
        Rc::new(Self { most, grace, longest_silence, count, connected, next })
    }

    /// Whether another one can have a place, if need be one of those who ask for nothing or read nothing.
    pub(crate) fn may_come(&self) -> bool {
        self.count.load(Ordering::Relaxed) < self.most || self.dispensable().is_some()
    }

    /// A place for another one; nothing where all are asking.
    pub(crate) fn place(self: &Rc<Self>) -> Option<Place> {
        if self.count.fetch_add(1, Ordering::Relaxed) >= self.most {
            let Some(number) = self.dispensable() else {
                self.count.fetch_sub(1, Ordering::Relaxed);
                return None;
            };
            // Taken out at once, so that the next one finds another to end.
            if let Some(oldest) = self.connected.borrow_mut().remove(&number) {
                self.count.fetch_sub(1, Ordering::Relaxed);
                oldest.ended.notify_one();
            }
        }
        let caller = Arc::new(Caller {
            calls: AtomicUsize::new(0),
            idle_since: Mutex::new(Instant::now()),
            deaf_since: Mutex::default(),
            ended: Notify::new(),
        });
        let number = self.next.replace(self.next.get() + 1);
        self.connected.borrow_mut().insert(number, Arc::clone(&caller));
        Some(Place { callers: Rc::clone(self), number, caller })
    }

    fn dispensable(&self) -> Option<u64> {
        self.oldest_idle().or_else(|| self.longest_deaf())
    }

    fn longest_deaf(&self) -> Option<u64> {
        let connected = self.connected.borrow();
        let deaf = connected.iter().filter_map(|(number, it)| Some((it.deaf_since()?, *number)));
        let (since, number) = deaf.min()?;
        (since.elapsed() >= self.longest_silence).then_some(number)
    }

    fn oldest_idle(&self) -> Option<u64> {
        let connected = self.connected.borrow();
        let idle = connected.iter().filter(|(_, caller)| caller.calls.load(Ordering::Relaxed) == 0);
        let oldest = idle.min_by_key(|(_, caller)| caller.idle_since())?;
        (oldest.1.idle_since().elapsed() >= self.grace).then_some(*oldest.0)
    }
}

impl Caller {
    pub(crate) fn call(self: &Arc<Self>) -> Busy {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    /// Comes when another one needs the place.
    pub(crate) async fn ended(&self) {
        self.ended.notified().await;
    }

    /// Whether a write to the caller goes on, or waits until he reads.
    pub(crate) fn writes(&self, goes_on: bool) {
        let mut since = self.deaf_since.lock().unwrap_or_else(PoisonError::into_inner);
        *since = if goes_on { None } else { since.or_else(|| Some(Instant::now())) };
    }

    fn idle_since(&self) -> Instant {
        *self.idle_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn deaf_since(&self) -> Option<Instant> {
        *self.deaf_since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        *self.0.idle_since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.0.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.callers.connected.borrow_mut().remove(&self.number).is_some() {
            self.callers.count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_that_asks_for_nothing_gives_way_and_nobody_else() {
        let count = Arc::new(AtomicUsize::new(0));
        let callers = Callers::new(3, Duration::ZERO, LONG, Arc::clone(&count));
        let [first, second, third] = [(); 3].map(|()| callers.place().unwrap());
        let busy = first.caller.call();
        let fourth = callers.place().unwrap();
        let open = || callers.connected.borrow().keys().copied().collect::<Vec<_>>();
        assert_eq!((open(), count.load(Ordering::Relaxed)), (vec![0, 2, 3], 3), "the second went");
        drop(second);
        assert_eq!(count.load(Ordering::Relaxed), 3, "counted once");
        let all_busy = [third.caller.call(), fourth.caller.call()];
        assert!(!callers.may_come() && callers.place().is_none());
        assert_eq!(count.load(Ordering::Relaxed), 3);
        drop(all_busy);
        assert!(callers.may_come());
        drop((busy, first, third, fourth));
        assert_eq!((open(), count.load(Ordering::Relaxed)), (vec![], 0));
    }

    #[test]
    fn whoever_has_just_come_gives_way_to_nobody() {
        let callers = Callers::new(1, LONG, LONG, Arc::default());
        let _first = callers.place().unwrap();
        assert!(!callers.may_come() && callers.place().is_none());
    }

    #[test]
    fn whoever_reads_nothing_of_an_answer_gives_way_after_those_who_ask_for_nothing() {
        let callers = Callers::new(2, Duration::ZERO, Duration::ZERO, Arc::default());
        let [first, second] = [(); 2].map(|()| callers.place().unwrap());
        let _busy = [first.caller.call(), second.caller.call()];
        assert!(!callers.may_come());
        first.caller.writes(false);
        first.caller.writes(true);
        assert!(!callers.may_come(), "he reads again");
        second.caller.writes(false);
        let third = callers.place().unwrap();
        let open = || callers.connected.borrow().keys().copied().collect::<Vec<_>>();
        assert_eq!(open(), [0, 2]);
        first.caller.writes(false);
        drop(third.caller.call());
        let _fourth = callers.place().unwrap();
        assert_eq!(open(), [0, 3]);
        let patient = Callers::new(1, Duration::ZERO, LONG, Arc::default());
        let only = patient.place().unwrap();
        let _busy = only.caller.call();
        only.caller.writes(false);
        assert!(!patient.may_come(), "not for long enough");
    }

    const LONG: Duration = Duration::from_secs(60);
}
