//! A mutant in the making.

use wardkey::TAG_LEN;

use super::pool::GoodKey;
use crate::spelling;

/// Buffers that are used again for every mutant: millions of them a second are made.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) prefix: Vec<u8>,
    /// Base, blocks and tag.
    pub(super) payload: Vec<u8>,
    pub(super) text: Vec<u8>,
    spare: Vec<u8>,
}

impl Draft {
    /// Begins anew, with a good key.
    pub(super) fn begin(&mut self, key: &GoodKey) {
        self.prefix.clone_from(&key.prefix);
        self.payload.clone_from(&key.payload);
    }

    /// Puts bytes in the place of others, as far as there are any.
    pub(super) fn replace(&mut self, from: usize, to: usize, with: &[u8]) {
        let from = from.min(self.payload.len());
        let to = to.clamp(from, self.payload.len());
        self.spare.clear();
        self.spare.extend_from_slice(self.payload.get(..from).unwrap_or_default());
        self.spare.extend_from_slice(with);
        self.spare.extend_from_slice(self.payload.get(to..).unwrap_or_default());
        std::mem::swap(&mut self.payload, &mut self.spare);
    }

    /// Changes the byte at a place, if there is one.
    pub(super) fn change(&mut self, place: usize, change: impl FnOnce(u8) -> u8) {
        if let Some(byte) = self.payload.get_mut(place) {
            *byte = change(*byte);
        }
    }

    /// Where the tag begins.
    pub(super) fn tag_at(&self) -> usize {
        self.payload.len().saturating_sub(TAG_LEN)
    }

    pub(super) fn tag(&self) -> [u8; TAG_LEN] {
        self.payload.last_chunk().copied().unwrap_or_default()
    }

    pub(super) fn set_tag(&mut self, tag: &[u8; TAG_LEN]) {
        if let Some(last) = self.payload.last_chunk_mut() {
            *last = *tag;
        }
    }

    /// Writes the text: with the checksum that fits, changed by `bent`.
    pub(super) fn spell(&mut self, bent: u32) {
        spelling::push_checksum(&self.prefix, &mut self.payload);
        if bent != 0
            && let Some(checksum) = self.payload.last_chunk_mut()
        {
            *checksum = (u32::from_be_bytes(*checksum) ^ bent).to_be_bytes();
        }
        spelling::write_text(&self.prefix, &self.payload, &mut self.text);
    }
}
