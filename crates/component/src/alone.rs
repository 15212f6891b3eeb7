//! What there is once in an instance, for one call at a time, as hosts of components know it: a call that cannot be is a trap.
#![expect(unsafe_code, reason = "statics of an instance that has no threads")]

use crate::runtime::trap;

/// A value that one call at a time works with.
pub(crate) struct Alone<T>(wardkey_module::Alone<T>);

impl<T> Alone<T> {
    pub(crate) const fn new(value: T) -> Self {
        // SAFETY: an instance has no threads: its memory is not shared.
        Self(unsafe { wardkey_module::Alone::new(value) })
    }

    /// Works with the value; traps for ever after a trap in the middle.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        self.0.with(None, |value| Some(work(value))).unwrap_or_else(|| trap())
    }

    #[cfg(feature = "verifying")]
    /// Whether a call is at work with it, or did not come back.
    pub(crate) const fn is_lent(&self) -> bool {
        self.0.is_busy()
    }
}
