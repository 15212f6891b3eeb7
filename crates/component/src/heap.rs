//! Memory that outlives a call: resources, catalogs, list states; and what is too long for the room of incoming values.
//!
//! WHY no `alloc`: its containers bring texts and formatting for what happens when memory ends. Here that is a trap, or
//! an answer.
#![expect(unsafe_code, reason = "an allocator gives raw memory")]

use core::alloc::{GlobalAlloc, Layout};
use core::hint::black_box;
use core::ptr;
use core::slice;

use wardkey::StateMemory;

use crate::runtime::trap;

/// Words of 8 bytes, as everything in the canonical ABI is aligned to at most.
const ALIGN: usize = 8;

/// A stretch of memory of its own.
pub(crate) struct Room {
    start: *mut u8,
    len: usize,
}

impl Room {
    pub(crate) const fn empty() -> Self {
        Self { start: ptr::null_mut(), len: 0 }
    }

    /// So many zeros; `None` where memory ends.
    pub(crate) fn zeros(len: usize) -> Option<Self> {
        let layout = Self::layout(len)?;
        if len == 0 {
            return Some(Self::empty());
        }
        // SAFETY: the layout has a length.
        let start = unsafe { heap().alloc(layout) };
        if start.is_null() {
            return None;
        }
        // SAFETY: it is that long.
        unsafe { start.write_bytes(0, len) };
        Some(Self { start, len })
    }

    fn layout(len: usize) -> Option<Layout> {
        Layout::from_size_align(len, ALIGN).ok()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let (Some(layout), 1..) = (Self::layout(self.len), self.len) {
            // SAFETY: it was given for this layout, and nobody else has it.
            unsafe { heap().dealloc(self.start, layout) };
        }
    }
}

impl AsRef<[u8]> for Room {
    fn as_ref(&self) -> &[u8] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: it is that long, was filled with zeros, and is its own.
        unsafe { slice::from_raw_parts(self.start, self.len) }
    }
}

impl AsMut<[u8]> for Room {
    fn as_mut(&mut self) -> &mut [u8] {
        if self.len == 0 {
            return &mut [];
        }
        // SAFETY: as above; and the borrow is the only way to it.
        unsafe { slice::from_raw_parts_mut(self.start, self.len) }
    }
}

impl StateMemory for Room {
    fn make_room(&mut self, len: usize) -> bool {
        if len <= self.len {
            return true;
        }
        let Some(mut longer) = Self::zeros(len) else { return false };
        if let Some(front) = longer.as_mut().get_mut(..self.len) {
            front.copy_from_slice(self.as_ref());
        }
        *self = longer;
        true
    }
}

/// Puts a value where it stays, and gives its address.
pub(crate) fn put<T>(value: T) -> *mut T {
    const { assert!(size_of::<T>() > 0 && align_of::<T>() <= 16, "what resources are") };
    // SAFETY: the layout has a length.
    let place: *mut T = unsafe { heap().alloc(Layout::new::<T>()) }.cast();
    if place.is_null() {
        trap();
    }
    // SAFETY: it is that long and that aligned.
    unsafe { place.write(value) };
    place
}

/// Drops a value there, and wipes what it was: what is moved into memory leaves more than its destructor knows of.
///
/// # Safety
/// [`put`] gave the address, and it was not dropped before.
pub(crate) unsafe fn drop_at<T>(place: *mut T) {
    // SAFETY: the caller says so; nothing is read there afterwards.
    unsafe {
        place.drop_in_place();
        place.write_bytes(0, 1);
        black_box(place);
        heap().dealloc(place.cast(), Layout::new::<T>());
    }
}

/// A free list, sorted by address, whose neighbours are joined: what was given back is given again.
#[cfg(target_family = "wasm")]
fn heap() -> &'static impl GlobalAlloc {
    use lol_alloc::{AssumeSingleThreaded, FreeListAllocator};
    // SAFETY: an instance has no threads.
    static HEAP: AssumeSingleThreaded<FreeListAllocator> =
        unsafe { AssumeSingleThreaded::new(FreeListAllocator::new()) };
    &HEAP
}

#[cfg(not(target_family = "wasm"))]
fn heap() -> &'static impl GlobalAlloc {
    &std::alloc::System
}
