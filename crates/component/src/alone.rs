//! What there is once in an instance, for one call at a time.
#![expect(unsafe_code, reason = "statics of an instance that has no threads")]

use core::cell::{Cell, UnsafeCell};

use crate::runtime::trap;

/// A value that one call at a time works with.
pub(crate) struct Alone<T> {
    value: UnsafeCell<T>,
    is_lent: Cell<bool>,
}

// SAFETY: an instance has no threads: its memory is not shared.
unsafe impl<T> Sync for Alone<T> {}

impl<T> Alone<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { value: UnsafeCell::new(value), is_lent: Cell::new(false) }
    }

    /// Works with the value; traps for ever after a trap in the middle: what was left half done then must allow nothing.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        if self.is_lent.replace(true) {
            trap();
        }
        // SAFETY: nobody else has it: it was not lent, and whoever does not come back leaves it lent.
        let done = work(unsafe { &mut *self.value.get() });
        self.is_lent.set(false);
        done
    }

    #[cfg(feature = "verifying")]
    /// Whether a call is at work with it, or did not come back.
    pub(crate) const fn is_lent(&self) -> bool {
        self.is_lent.get()
    }
}
