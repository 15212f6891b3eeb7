//! Bytes that become more.

use wardkey::StateMemory as _;

use crate::heap::Room;
use crate::runtime::trap;

/// Bytes written one behind the other.
pub(crate) struct Text {
    room: Room,
    len: usize,
}

impl Text {
    pub(crate) const fn new() -> Self {
        Self { room: Room::empty(), len: 0 }
    }

    /// Writes more; a trap where memory ends, since there is no answer to give.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let end = self.len.checked_add(bytes.len()).unwrap_or_else(|| trap());
        if end > self.room.as_ref().len() && !self.room.make_room(end.max(2 * self.len)) {
            trap();
        }
        if let Some(slot) = self.room.as_mut().get_mut(self.len..end) {
            slot.copy_from_slice(bytes);
        }
        self.len = end;
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.room.as_ref().get(..self.len).unwrap_or_default()
    }

    pub(crate) fn as_bytes_mut(&mut self) -> &mut [u8] {
        self.room.as_mut().get_mut(..self.len).unwrap_or_default()
    }
}
