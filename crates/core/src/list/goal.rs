//! What changes make of a state, worked out before a bit of it is touched.

use crate::list::changes::Changes;
use crate::list::memory::{self, STRIDE, StateMemory, chunk_digest};
use crate::list::places::Places;
use crate::list::state::{
    CHUNK_BITS, CHUNK_LEN, DIGEST_LEN, State, byte_of, chunk_count, chunk_len,
};

/// What changes make of a state.
pub(super) struct Goal {
    pub(super) floor: u32,
    pub(super) bit_count: u32,
    /// Chunks that fall away at the front.
    dropped: usize,
    flips: Places,
}

impl Goal {
    /// Floor and bit count after all changes; `None` if they go beyond the last status index, or so far that the
    /// state itself is sooner fetched.
    pub(super) fn of<M>(state: &State<M>, changes: Changes<'_>) -> Option<Self> {
        let mut dropped = 0;
        let (mut floor, mut bit_count) = (u64::from(state.floor), u64::from(state.bit_count));
        for change in changes {
            dropped += change.rise;
            floor += change.rise * CHUNK_BITS;
            bit_count = bit_count.saturating_sub(change.rise * CHUNK_BITS);
            if let Some(place) = change.flips.last() {
                u32::try_from(floor + place).ok()?;
                bit_count = bit_count.max(place + 1);
                u32::try_from(bit_count).ok()?;
            }
        }
        let mut flips = Places::default();
        let mut rises_left = dropped;
        for change in changes {
            rises_left = rises_left.saturating_sub(change.rise);
            for place in change.flips {
                // What has fallen away since is dead whatever its bit was.
                if let Some(bit) = place.checked_sub(rises_left * CHUNK_BITS) {
                    flips.push(u32::try_from(bit).ok()?)?;
                }
            }
        }
        flips.sort();
        let bit_count = u32::try_from(bit_count).ok()?;
        // WHY: one flip far away would have a small head make every verifier digest half a gigabyte.
        if chunk_count(bit_count) > chunk_count(state.bit_count) + MOST_NEW_CHUNKS {
            return None;
        }
        Some(Self {
            floor: u32::try_from(floor).ok()?,
            bit_count,
            dropped: usize::try_from(dropped).ok()?,
            flips,
        })
    }

    /// Turns over the bits of one chunk that the changes turn over; answers whether there were any.
    fn flip(&self, number: usize, bits: &mut [u8]) -> bool {
        let mut flipped = false;
        for bit in self.flips.of_chunk(number) {
            if let Some(byte) = bits.get_mut(byte_of(bit)) {
                *byte ^= 1 << (bit % 8);
                flipped = true;
            }
        }
        flipped
    }

    /// The digest of a chunk as it will be.
    pub(super) fn digest<M: StateMemory>(
        &self,
        state: &State<M>,
        number: usize,
    ) -> [u8; DIGEST_LEN] {
        let len = chunk_len(self.bit_count, number);
        let (old, kept) = state.chunk(number + self.dropped).unwrap_or_default();
        let mut bits = [0; CHUNK_LEN];
        if let Some(front) = bits.get_mut(..old.len()) {
            front.copy_from_slice(old);
        }
        if !self.flip(number, &mut bits) && old.len() == len {
            return kept;
        }
        chunk_digest(bits.get(..len).unwrap_or_default())
    }

    /// Makes the state what the changes make of it.
    pub(super) fn reach<M: StateMemory>(&self, state: &mut State<M>) {
        let old_chunks = chunk_count(state.bit_count);
        let old_len = |number| chunk_len(state.bit_count, number + self.dropped);
        let memory = state.memory.as_mut();
        let (kept_from, kept_to) = (old_chunks.min(self.dropped) * STRIDE, old_chunks * STRIDE);
        // INVARIANT: always so; written down because copy_within would panic, and no panic may be in reach.
        if kept_from <= kept_to && kept_to <= memory.len() {
            memory.copy_within(kept_from..kept_to, 0);
        }
        for number in 0..chunk_count(self.bit_count) {
            let len = chunk_len(self.bit_count, number);
            let bits = memory::bits_mut(memory, number);
            if let Some(unused) = bits.get_mut(old_len(number)..) {
                unused.fill(0);
            }
            if self.flip(number, bits) || old_len(number) != len {
                memory::digest_again(memory, number, len);
            }
        }
        (state.floor, state.bit_count) = (self.floor, self.bit_count);
    }
}

/// Chunks that changes may add: some eight million indexes, a megabyte.
const MOST_NEW_CHUNKS: usize = 256;
