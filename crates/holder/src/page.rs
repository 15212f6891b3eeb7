//! A stretch of memory that text is written into.

use core::fmt;

/// As much text as fits; what does not is an error and leaves the rest unwritten.
pub(crate) struct Page<'m> {
    room: &'m mut [u8],
    len: usize,
}

impl<'m> Page<'m> {
    pub(crate) const fn new(room: &'m mut [u8]) -> Self {
        Self { room, len: 0 }
    }

    /// Bytes that are written.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }
}

impl fmt::Write for Page<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        let slot = self.room.get_mut(self.len..end).ok_or(fmt::Error)?;
        slot.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}
