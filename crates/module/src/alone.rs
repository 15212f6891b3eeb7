//! The one instance that a module is.
#![expect(unsafe_code, reason = "exports have no argument that could lend them the instance")]

use core::cell::{Cell, UnsafeCell};

/// The instance, and whether an export is at work in it.
///
/// # Guarantees
/// Whoever works in it is alone, and finds nothing half done: a call that did not come back has spent it.
pub struct Alone<T> {
    busy: Cell<bool>,
    instance: UnsafeCell<T>,
}

// SAFETY: whoever made it answers for it that no second thread comes.
unsafe impl<T> Sync for Alone<T> {}

impl<T> Alone<T> {
    /// For a static.
    ///
    /// WHY a promise and no atomic flag: that would cost bytes in every export, in modules whose memory no thread shares.
    ///
    /// # Safety
    /// No two threads may use it.
    pub const unsafe fn new(instance: T) -> Self {
        Self { busy: Cell::new(false), instance: UnsafeCell::new(instance) }
    }

    /// Whether a call is at work in it, or did not come back.
    pub const fn is_busy(&self) -> bool {
        self.busy.get()
    }

    /// Works in the instance; `otherwise` for ever after a trap in the middle, or an exception of the host's own stack: what was
    /// left half done then must allow nothing.
    pub fn with<O>(&self, otherwise: O, work: impl FnOnce(&mut T) -> O) -> O {
        if self.busy.replace(true) {
            return otherwise;
        }
        // SAFETY: nobody else has it: `busy` was false, and whoever does not come back leaves it true.
        let done = work(unsafe { &mut *self.instance.get() });
        self.busy.set(false);
        done
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    use super::*;

    fn alone(number: u32) -> Alone<u32> {
        // SAFETY: each test keeps its own, in one thread.
        unsafe { Alone::new(number) }
    }

    #[test]
    fn one_call_after_another_finds_what_was_left() {
        let alone = alone(1);
        assert_eq!(alone.with(0, |number| core::mem::replace(number, 2)), 1);
        assert_eq!(alone.with(0, |number| *number), 2);
    }

    #[test]
    fn a_call_within_another_works_in_nothing() {
        let alone = alone(1);
        assert_eq!(alone.with((0, 0), |number| (*number, alone.with(7, |number| *number))), (1, 7));
        assert_eq!(alone.with(0, |number| *number), 1);
    }

    #[test]
    fn a_call_that_does_not_come_back_spends_it() {
        let alone = alone(1);
        let lost = AssertUnwindSafe(|| alone.with((), |_| resume_unwind(std::boxed::Box::new(()))));
        assert!(catch_unwind(lost).is_err());
        for _ in 0..2 {
            assert_eq!(alone.with(7, |number| *number), 7);
        }
    }
}
