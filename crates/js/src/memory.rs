//! Memory for list states and for what comes in: rooms above all that the module itself uses.
//!
//! WHY no allocator: there are never more than three (the state in force, the next one, the bytes it comes in), and
//! a crate's is a fifth of what the verifier would ship.
#![expect(unsafe_code, reason = "a wasm module's memory is reached by address only")]

use core::cell::Cell;
use core::slice;

use wardkey::StateMemory;
use wardkey_module::above;

/// A stretch of memory of its own.
///
/// # Guarantees
/// No two that live share a byte: what one takes is in [`TAKEN`] until it is dropped, and none is made or grown over that.
pub(crate) struct Room {
    place: usize,
}

/// Start and end of each room that lives; none where both are 0.
struct Taken([Cell<(usize, usize)>; 3]);

// SAFETY: the module has no threads: its memory is not shared.
unsafe impl Sync for Taken {}

static TAKEN: Taken = Taken([const { Cell::new((0, 0)) }; 3]);

impl Room {
    /// A room of zeros or of what was there before; `None` where memory ends, or three live already.
    pub(crate) fn new(len: usize) -> Option<Self> {
        let place = TAKEN.0.iter().position(|taken| taken.get() == (0, 0))?;
        // The lowest start that there is room behind: where the module's own memory ends, or another room does.
        let starts = TAKEN.0.iter().map(|taken| taken.get().1).chain([above::start()]);
        let start =
            starts.filter(|start| *start >= above::start() && is_free(place, *start, len)).min()?;
        let end = start.checked_add(len.max(1))?;
        if !above::reach(end) {
            return None;
        }
        TAKEN.0.get(place)?.set((start, end));
        Some(Self { place })
    }

    fn span(&self) -> (usize, usize) {
        TAKEN.0.get(self.place).map(Cell::get).unwrap_or_default()
    }

    /// Where it begins.
    pub(crate) fn address(&self) -> usize {
        self.span().0
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some(taken) = TAKEN.0.get(self.place) {
            taken.set((0, 0));
        }
    }
}

impl AsRef<[u8]> for Room {
    fn as_ref(&self) -> &[u8] {
        let (start, end) = self.span();
        // SAFETY: `above::reach` has made the memory that long, it never shrinks, and no other room has a byte of it.
        unsafe { slice::from_raw_parts(start as *const u8, end - start) }
    }
}

impl AsMut<[u8]> for Room {
    fn as_mut(&mut self) -> &mut [u8] {
        let (start, end) = self.span();
        // SAFETY: as above; and the borrow of the room is the only way to it.
        unsafe { slice::from_raw_parts_mut(start as *mut u8, end - start) }
    }
}

impl StateMemory for Room {
    fn make_room(&mut self, len: usize) -> bool {
        let (start, end) = self.span();
        if len <= end - start {
            return true;
        }
        let Some(end) = start.checked_add(len) else { return false };
        // WHY not moved where another room is in the way: whoever asked goes on with the whole state instead.
        if !is_free(self.place, start, len) || !above::reach(end) {
            return false;
        }
        if let Some(taken) = TAKEN.0.get(self.place) {
            taken.set((start, end));
        }
        true
    }
}

/// Whether no other room has a byte of this.
fn is_free(place: usize, start: usize, len: usize) -> bool {
    let end = start.saturating_add(len.max(1));
    let others = TAKEN.0.iter().enumerate().filter(|(other, _)| *other != place);
    others.map(|(_, taken)| taken.get()).all(|(from, to)| end <= from || to <= start)
}
