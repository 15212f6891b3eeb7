//! Where the host writes the texts and lists of the next call. All of it is wiped and given back when that call ends.
#![expect(unsafe_code, reason = "the canonical ABI's allocator hands out addresses")]
// WHY: native linkers refuse the exported names, and nobody calls them there.
#![cfg_attr(
    not(target_family = "wasm"),
    expect(dead_code, reason = "only a wasm host calls exports")
)]

use core::hint::black_box;
use core::ptr;

use crate::alone::Alone;
use crate::heap::{self, Room};
use crate::runtime::trap;

/// Bytes that need no allocation: a key of the longest has 512.
const ROOM_LEN: usize = 2048;

#[repr(align(8))]
struct Words([u8; ROOM_LEN]);

struct Incoming {
    words: Words,
    used: usize,
    /// What was too long for it, the last one first.
    more: *mut More,
}

struct More {
    room: Room,
    next: *mut More,
}

static INCOMING: Alone<Incoming> =
    Alone::new(Incoming { words: Words([0; ROOM_LEN]), used: 0, more: ptr::null_mut() });

/// The canonical ABI's allocator: the host calls it before the call that the memory is for.
#[cfg_attr(target_family = "wasm", unsafe(export_name = "cabi_realloc"))]
extern "C" fn cabi_realloc(old: *mut u8, old_len: usize, align: usize, len: usize) -> *mut u8 {
    INCOMING.with(|incoming| {
        if len == 0 && old_len == 0 {
            return ptr::without_provenance_mut(align);
        }
        if len <= old_len {
            return old;
        }
        let place = incoming.take(len);
        // SAFETY: both are that long, and the new one was given just now.
        unsafe { place.copy_from_nonoverlapping(old, old_len) };
        place
    })
}

/// Wipes what the host wrote, and gives it back.
pub(crate) fn forget() {
    INCOMING.with(Incoming::forget);
}

impl Incoming {
    /// So many bytes; a trap where memory ends, since the canonical ABI has no word for that.
    fn take(&mut self, len: usize) -> *mut u8 {
        let end = len.checked_next_multiple_of(8).and_then(|len| len.checked_add(self.used));
        if let Some(end @ ..=ROOM_LEN) = end {
            let place = self.words.0.get_mut(self.used..end).map(<[u8]>::as_mut_ptr);
            self.used = end;
            return place.unwrap_or_else(|| trap());
        }
        let Some(mut room) = Room::zeros(len) else { trap() };
        let place = room.as_mut().as_mut_ptr();
        self.more = heap::put(More { room, next: self.more });
        place
    }

    fn forget(&mut self) {
        if let Some(used) = self.words.0.get_mut(..self.used) {
            used.fill(0);
            black_box(used);
        }
        self.used = 0;
        while !self.more.is_null() {
            let last = self.more;
            // SAFETY: `put` gave it, and it is dropped once: the next one takes its place.
            unsafe {
                let More { room, next } = &mut *last;
                room.as_mut().fill(0);
                black_box(room.as_mut());
                self.more = *next;
                heap::drop_at(last);
            }
        }
    }
}
