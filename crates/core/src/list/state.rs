//! The list's state: one bit for every status index between a floor and the last dead one.

use core::{fmt, mem};

use sha2::{Digest as _, Sha256};

use crate::bytes::{Reader, TooShort};
use crate::list::changes::Changes;
use crate::list::head::MAX_HEAD_LEN;
use crate::list::memory::{self, STRIDE, StateMemory, chunk_digest};

/// Bytes of a digest.
pub const DIGEST_LEN: usize = 32;

/// Bytes of bits that are digested together, so that a change hashes its own chunk again and no more.
pub const CHUNK_LEN: usize = 4096;

/// A state: format version u8 = 1 · floor u32 · bit count u32 · bits (bit n is bit n mod 8 of byte
/// n div 8, for status index floor + n; 1 is dead).
///
/// # Guarantees
/// Well-formed: as many bytes as the count asks for, spare bits zero, no index beyond u32. **Not**
/// that any head names it: that is what [`List::adopt`](crate::List::adopt) checks.
///
/// Source: FORMAT.md section 4.1
#[derive(Debug)]
pub struct State<M> {
    floor: u32,
    bit_count: u32,
    memory: M,
}

/// Bytes that are no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StateError {
    /// Fewer or more bytes than the count asks for.
    Length,
    /// Another format version than 1.
    Version,
    /// The bits would name indexes beyond u32.
    Range,
    /// Spare bits of the last byte are not zero.
    SpareBits,
    /// The memory that was handed in is too short and cannot grow.
    Memory,
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "the state has another length than its bit count asks for",
            Self::Version => "the state's format version is not 1",
            Self::Range => "the state's bits go beyond the last status index",
            Self::SpareBits => "spare bits of the state are not zero",
            Self::Memory => "there is not enough memory for the state",
        })
    }
}

impl core::error::Error for StateError {}

impl From<TooShort> for StateError {
    fn from(_: TooShort) -> Self {
        Self::Length
    }
}

#[cfg(feature = "alloc")]
impl State<alloc::vec::Vec<u8>> {
    /// Takes a state from its bytes into memory of its own, which grows with the list.
    ///
    /// # Errors
    /// [`StateError`] for bytes that are no state in its one spelling.
    pub fn parse(bytes: &[u8]) -> Result<Self, StateError> {
        Self::parse_into(bytes, alloc::vec::Vec::new())
    }
}

impl<M: StateMemory> State<M> {
    /// Bytes of memory that a state of so many bits needs.
    pub const fn memory_len(bit_count: u32) -> usize {
        chunk_count(bit_count) * STRIDE
    }

    /// Takes a state from its bytes into `memory`, whose content does not matter.
    ///
    /// # Errors
    /// [`StateError`] for bytes that are no state in its one spelling, [`StateError::Memory`].
    pub fn parse_into(bytes: &[u8], mut memory: M) -> Result<Self, StateError> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != FORMAT_VERSION {
            return Err(StateError::Version);
        }
        let floor = reader.u32()?;
        let bit_count = reader.u32()?;
        if u64::from(floor) + u64::from(bit_count) > 1 << 32 {
            return Err(StateError::Range);
        }
        let bits = reader.rest();
        if bits.len() as u64 != u64::from(bit_count).div_ceil(8) {
            return Err(StateError::Length);
        }
        let used = bit_count % 8;
        if used != 0 && bits.last().is_some_and(|last| last >> used != 0) {
            return Err(StateError::SpareBits);
        }
        if !memory.make_room(Self::memory_len(bit_count)) {
            return Err(StateError::Memory);
        }
        for (number, chunk) in bits.chunks(CHUNK_LEN).enumerate() {
            let memory = memory.as_mut();
            let room = memory::bits_mut(memory, number);
            room.fill(0);
            room.get_mut(..chunk.len()).ok_or(StateError::Memory)?.copy_from_slice(chunk);
            memory::digest_again(memory, number, chunk.len());
        }
        Ok(Self { floor, bit_count, memory })
    }

    /// Whether the index is dead: below the floor, or its bit is set. Past the last bit is alive.
    pub fn is_dead(&self, index: u32) -> bool {
        match index.checked_sub(self.floor) {
            None => true,
            Some(bit) if bit >= self.bit_count => false,
            Some(bit) => memory::bits(self.memory.as_ref(), chunk_of(bit.into()))
                .get(byte_of(bit.into()))
                // The constructor made the room; were it wrong, dead is the safe answer.
                .is_none_or(|byte| byte & (1 << (bit % 8)) != 0),
        }
    }

    /// The digest that a head names this state by.
    pub fn digest(&self) -> [u8; DIGEST_LEN] {
        let chunks = 0..chunk_count(self.bit_count);
        let kept = chunks.map(|number| memory::digest(self.memory.as_ref(), number));
        state_digest(self.floor, self.bit_count, kept)
    }

    /// Becomes the state of this digest by applying changes; answers whether it did. If not, nothing has
    /// changed.
    ///
    /// The digest is worked out before a bit is touched, so that there is nothing to undo.
    pub(super) fn advance(&mut self, changes: Changes<'_>, digest: &[u8; DIGEST_LEN]) -> bool {
        let Some(goal) = Goal::of(self, changes) else { return false };
        let digests = (0..chunk_count(goal.bit_count)).map(|number| goal.digest(self, number));
        if state_digest(goal.floor, goal.bit_count, digests) != *digest
            || !self.memory.make_room(Self::memory_len(goal.bit_count))
        {
            return false;
        }
        goal.reach(self);
        true
    }

    /// What is kept of a chunk: its bits in use and their digest; `None` past the last one.
    fn chunk(&self, number: usize) -> Option<(&[u8], [u8; DIGEST_LEN])> {
        let len = chunk_len(self.bit_count, number);
        let bits = memory::bits(self.memory.as_ref(), number).get(..len)?;
        (len > 0).then(|| (bits, memory::digest(self.memory.as_ref(), number)))
    }
}

/// What changes make of a state.
struct Goal {
    floor: u32,
    bit_count: u32,
    /// Chunks that fall away at the front.
    dropped: usize,
    flips: Places,
}

impl Goal {
    /// Floor and bit count after all changes; `None` if they go beyond the last status index.
    fn of<M>(state: &State<M>, changes: Changes<'_>) -> Option<Self> {
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
        Some(Self {
            floor: u32::try_from(floor).ok()?,
            bit_count: u32::try_from(bit_count).ok()?,
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
    fn digest<M: StateMemory>(&self, state: &State<M>, number: usize) -> [u8; DIGEST_LEN] {
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
    fn reach<M: StateMemory>(&self, state: &mut State<M>) {
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

/// The places that all changes turn over, counted from the new floor, ascending; one may stand twice.
///
/// WHY: going through the changes anew for each chunk takes chunks × flips, which a few thousand flips among
/// ten million indexes make dearer than the whole state.
struct Places {
    places: [u32; MAX_HEAD_LEN],
    count: usize,
}

impl Default for Places {
    fn default() -> Self {
        Self { places: [0; MAX_HEAD_LEN], count: 0 }
    }
}

impl Places {
    /// Adds a place; `None` where there is no room, which no head brings about: each flip takes a byte of it.
    fn push(&mut self, place: u32) -> Option<()> {
        *self.places.get_mut(self.count)? = place;
        self.count += 1;
        Some(())
    }

    fn all(&self) -> &[u32] {
        self.places.get(..self.count).unwrap_or_default()
    }

    /// Sorts them by a heap: the standard library's sorts have panics that the compiler cannot rule out.
    fn sort(&mut self) {
        let all = self.places.get_mut(..self.count).unwrap_or_default();
        for root in (0..all.len() / 2).rev() {
            sift(all, root);
        }
        for end in (1..all.len()).rev() {
            if let Ok([first, last]) = all.get_disjoint_mut([0, end]) {
                mem::swap(first, last);
            }
            sift(all.get_mut(..end).unwrap_or_default(), 0);
        }
    }

    fn of_chunk(&self, number: usize) -> impl Iterator<Item = u64> + '_ {
        let all = self.all();
        let from = all.partition_point(|place| chunk_of(u64::from(*place)) < number);
        let rest = all.get(from..).unwrap_or_default();
        rest.iter().map(|place| u64::from(*place)).take_while(move |bit| chunk_of(*bit) == number)
    }
}

/// Moves the number at `root` down until none below it is greater.
fn sift(heap: &mut [u32], mut root: usize) {
    loop {
        let (left, right) = (2 * root + 1, 2 * root + 2);
        let child = if heap.get(right) > heap.get(left) { right } else { left };
        match heap.get_disjoint_mut([root, child]) {
            Ok([above, below]) if *above < *below => mem::swap(above, below),
            _ => return,
        }
        root = child;
    }
}

/// The digest of a state: SHA-256 over floor, bit count and the digest of each chunk of its bits.
pub fn state_digest(
    floor: u32,
    bit_count: u32,
    chunk_digests: impl IntoIterator<Item = [u8; DIGEST_LEN]>,
) -> [u8; DIGEST_LEN] {
    let mut hash = Sha256::new();
    hash.update(floor.to_be_bytes());
    hash.update(bit_count.to_be_bytes());
    for digest in chunk_digests {
        hash.update(digest);
    }
    hash.finalize().into()
}

/// Status indexes of a chunk.
pub(super) const CHUNK_BITS: u64 = 8 * CHUNK_LEN as u64;

const fn chunk_count(bit_count: u32) -> usize {
    (bit_count as usize).div_ceil(8 * CHUNK_LEN)
}

/// Bytes in use of a chunk.
fn chunk_len(bit_count: u32, number: usize) -> usize {
    let before = number.saturating_mul(CHUNK_LEN);
    (bit_count as usize).div_ceil(8).saturating_sub(before).min(CHUNK_LEN)
}

/// The chunk that a bit lies in.
fn chunk_of(bit: u64) -> usize {
    usize::try_from(bit / CHUNK_BITS).unwrap_or(usize::MAX)
}

/// The byte of its chunk that a bit lies in.
fn byte_of(bit: u64) -> usize {
    (bit % CHUNK_BITS / 8) as usize
}

const FORMAT_VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    fn state(floor: u32, bit_count: u32, bits: &[u8]) -> Vec<u8> {
        let mut bytes = std::vec![1];
        bytes.extend(floor.to_be_bytes());
        bytes.extend(bit_count.to_be_bytes());
        bytes.extend(bits);
        bytes
    }

    #[test]
    fn below_the_floor_is_dead_and_past_the_last_bit_is_alive() {
        let state = State::parse(&state(800, 10, &[0b0000_0100, 0b10])).expect("well-formed");
        let dead: Vec<u32> = (796..820).filter(|index| state.is_dead(*index)).collect();
        assert_eq!(dead, [796, 797, 798, 799, 802, 809]);
        assert!(!state.is_dead(u32::MAX));
    }

    #[test]
    fn a_state_has_one_spelling() {
        assert_eq!(State::parse(&state(0, 10, &[0, 0b100])).err(), Some(StateError::SpareBits));
        assert_eq!(State::parse(&state(0, 10, &[0])).err(), Some(StateError::Length));
        assert_eq!(State::parse(&state(0, 8, &[0, 0])).err(), Some(StateError::Length));
        assert_eq!(State::parse(&state(u32::MAX, 2, &[0])).err(), Some(StateError::Range));
        assert!(State::parse(&state(u32::MAX, 1, &[0])).is_ok());
        assert_eq!(State::parse(&[2, 0, 0]).err(), Some(StateError::Version));
        assert_eq!(State::parse(&[1, 0, 0]).err(), Some(StateError::Length));
        assert!(State::parse(&state(8, 0, &[])).is_ok());
    }
}
