//! The memory above all that the module itself uses: for one text at a time, and what is found in it.
//!
//! WHY no allocator: both are written in order and go together.
#![expect(unsafe_code, reason = "a wasm module's memory is reached by address only")]

use core::marker::PhantomData;
use core::slice;

use wardkey_module::above;

/// Whoever has it borrowed is alone with that memory.
pub(crate) struct Above(());

/// Stretches of it, one behind the other.
pub(crate) struct Stretches<'m> {
    next: usize,
    lent: PhantomData<&'m mut [u8]>,
}

impl Above {
    /// # Safety
    /// There must be no second one.
    pub(crate) const unsafe fn only_one() -> Self {
        Self(())
    }

    /// From its first byte on, whatever was there before.
    pub(crate) fn stretches(&mut self) -> Stretches<'_> {
        Stretches { next: above::start(), lent: PhantomData }
    }
}

impl<'m> Stretches<'m> {
    /// The next so many bytes; `None` where memory ends.
    pub(crate) fn take(&mut self, len: usize) -> Option<&'m mut [u8]> {
        let start = self.next;
        let end = start.checked_add(len)?;
        if !above::reach(end) {
            return None;
        }
        self.next = end;
        // SAFETY: memory reaches that far and never shrinks; nothing of the module lies above its own end; what was taken
        // lies below `start`; and whoever made `self` has the only `Above` borrowed for as long as the stretch lives.
        Some(unsafe { slice::from_raw_parts_mut(start as *mut u8, len) })
    }
}
