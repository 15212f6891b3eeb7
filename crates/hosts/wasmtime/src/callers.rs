//! Who is connected: so many at most, and of those who ask for nothing the oldest gives way.

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
    pub(crate) fn new(most: usize, grace: Duration, count: Arc<AtomicUsize>) -> Rc<Self> {
        Rc::new(Self { most, grace, count, connected: RefCell::default(), next: Cell::new(0) })
    }

    /// Whether another one can have a place, if need be one of those who ask for nothing.
    pub(crate) fn may_come(&self) -> bool {
        self.count.load(Ordering::Relaxed) < self.most || self.oldest_idle().is_some()
    }

    /// A place for another one; nothing where all are asking.
    pub(crate) fn place(self: &Rc<Self>) -> Option<Place> {
        if self.count.fetch_add(1, Ordering::Relaxed) >= self.most {
            let Some(number) = self.oldest_idle() else {
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
            ended: Notify::new(),
        });
        let number = self.next.replace(self.next.get() + 1);
        self.connected.borrow_mut().insert(number, Arc::clone(&caller));
        Some(Place { callers: Rc::clone(self), number, caller })
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

    fn idle_since(&self) -> Instant {
        *self.idle_since.lock().unwrap_or_else(PoisonError::into_inner)
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
        let callers = Callers::new(3, Duration::ZERO, Arc::clone(&count));
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
        let callers = Callers::new(1, Duration::from_secs(60), Arc::default());
        let _first = callers.place().unwrap();
        assert!(!callers.may_come() && callers.place().is_none());
    }
}
