//! What all threads are told: the newest key set and the newest list, as the component judged them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use zeroize::Zeroizing;

use crate::bindings::exports::wardkey::verify::types::ListInfo;

/// The newest of everything. One thread brings it; each other brings its own instance up to it.
#[derive(Debug, Default)]
pub(crate) struct Knowledge {
    edition: AtomicU64,
    newest: RwLock<Known>,
    wants_state: AtomicBool,
}

/// Everything at one moment. Copies share the bytes.
#[derive(Clone, Default)]
pub(crate) struct Known {
    /// Rises with every change.
    pub(crate) edition: u64,
    /// The key set, wiped when nobody holds it any more.
    pub(crate) key_set: Option<Arc<Zeroizing<Vec<u8>>>>,
    /// The newest head for which the state was fetched, and that state: what a new instance begins with.
    pub(crate) base: Option<Arc<(Vec<u8>, Vec<u8>)>>,
    /// The newest head.
    pub(crate) head: Option<Arc<Vec<u8>>>,
    /// The newest list that was ever in force here. It outlives every instance, so that none that is new goes by an older one.
    pub(crate) newest_list: Option<Mark>,
}

/// Which list, in the order in which the registry makes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    pub(crate) sequence: u64,
    pub(crate) issued_at_ms: u64,
}

impl From<ListInfo> for Mark {
    fn from(ListInfo { sequence, issued_at_ms, .. }: ListInfo) -> Self {
        Self { sequence, issued_at_ms }
    }
}

impl Knowledge {
    pub(crate) fn edition(&self) -> u64 {
        self.edition.load(Ordering::Acquire)
    }

    pub(crate) fn newest(&self) -> Known {
        self.newest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn tell_key_set(&self, key_set: Arc<Zeroizing<Vec<u8>>>) {
        self.change(|known| known.key_set = Some(key_set));
    }

    /// A head that was adopted, its state where that was fetched for it, and which list is in force by it. An older one than was
    /// told before is none.
    pub(crate) fn tell_list(&self, head: Vec<u8>, state: Option<Vec<u8>>, mark: Mark) -> bool {
        if self.newest().newest_list > Some(mark) {
            return false;
        }
        self.change(|known| {
            if let Some(state) = state {
                known.base = Some(Arc::new((head.clone(), state)));
                self.wants_state.store(false, Ordering::Release);
            }
            known.head = Some(Arc::new(head));
            known.newest_list = Some(mark);
        });
        true
    }

    /// A head that was told, with its state: what a new instance begins with.
    pub(crate) fn tell_base(&self, head: Vec<u8>, state: Vec<u8>) {
        self.wants_state.store(false, Ordering::Release);
        self.change(|known| known.base = Some(Arc::new((head, state))));
    }

    /// An instance cannot reach the newest head from what it has: its state is to be fetched.
    pub(crate) fn want_state(&self) {
        self.wants_state.store(true, Ordering::Release);
    }

    pub(crate) fn wants_state(&self) -> bool {
        self.wants_state.load(Ordering::Acquire)
    }

    fn change(&self, change: impl FnOnce(&mut Known)) {
        let mut newest = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut newest);
        newest.edition += 1;
        self.edition.store(newest.edition, Ordering::Release);
    }
}

impl std::fmt::Debug for Known {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Known {{ edition: {}, .. }}", self.edition)
    }
}
