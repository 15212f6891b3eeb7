//! The list's state: one bit for every status index between a floor and the last dead one.

use core::fmt;

use crate::bytes::{Reader, TooShort};
use crate::list::changes::Changes;
use crate::list::goal::Goal;
use crate::list::memory::{self, STRIDE, StateMemory};
use crate::sha256::Hash;

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
    pub(super) floor: u32,
    pub(super) bit_count: u32,
    pub(super) memory: M,
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
        self.view().is_dead(index)
    }

    pub(super) fn view(&self) -> StateView<'_> {
        let Self { floor, bit_count, memory } = self;
        StateView { floor: *floor, bit_count: *bit_count, memory: memory.as_ref() }
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
    pub(super) fn chunk(&self, number: usize) -> Option<(&[u8], [u8; DIGEST_LEN])> {
        let len = chunk_len(self.bit_count, number);
        let bits = memory::bits(self.memory.as_ref(), number).get(..len)?;
        (len > 0).then(|| (bits, memory::digest(self.memory.as_ref(), number)))
    }
}

/// A state where it stands.
#[derive(Clone, Copy)]
pub(super) struct StateView<'l> {
    floor: u32,
    bit_count: u32,
    memory: &'l [u8],
}

impl StateView<'_> {
    pub(super) fn is_dead(&self, index: u32) -> bool {
        match index.checked_sub(self.floor) {
            None => true,
            Some(bit) if bit >= self.bit_count => false,
            Some(bit) => memory::bits(self.memory, chunk_of(bit.into()))
                .get(byte_of(bit.into()))
                // The constructor made the room; were it wrong, dead is the safe answer.
                .is_none_or(|byte| byte & (1 << (bit % 8)) != 0),
        }
    }
}

/// The digest of a state: SHA-256 over floor, bit count and the digest of each chunk of its bits.
pub fn state_digest(
    floor: u32,
    bit_count: u32,
    chunk_digests: impl IntoIterator<Item = [u8; DIGEST_LEN]>,
) -> [u8; DIGEST_LEN] {
    let mut hash = Hash::new();
    hash.update(&floor.to_be_bytes());
    hash.update(&bit_count.to_be_bytes());
    for digest in chunk_digests {
        hash.update(&digest);
    }
    hash.digest()
}

/// Status indexes of a chunk.
pub(super) const CHUNK_BITS: u64 = 8 * CHUNK_LEN as u64;

pub(super) const fn chunk_count(bit_count: u32) -> usize {
    (bit_count as usize).div_ceil(8 * CHUNK_LEN)
}

/// Bytes in use of a chunk.
pub(super) fn chunk_len(bit_count: u32, number: usize) -> usize {
    let before = number.saturating_mul(CHUNK_LEN);
    (bit_count as usize).div_ceil(8).saturating_sub(before).min(CHUNK_LEN)
}

/// The chunk that a bit lies in.
pub(super) fn chunk_of(bit: u64) -> usize {
    usize::try_from(bit / CHUNK_BITS).unwrap_or(usize::MAX)
}

/// The byte of its chunk that a bit lies in.
pub(super) fn byte_of(bit: u64) -> usize {
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
