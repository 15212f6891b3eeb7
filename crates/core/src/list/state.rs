//! The list's state: one bit for every status index between a floor and the last dead one.

use core::fmt;

use sha2::{Digest as _, Sha256};

use crate::bytes::{Reader, TooShort};

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
#[derive(Debug)]
pub struct State<B> {
    floor: u32,
    bit_count: u32,
    bytes: B,
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
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "the state has another length than its bit count asks for",
            Self::Version => "the state's format version is not 1",
            Self::Range => "the state's bits go beyond the last status index",
            Self::SpareBits => "spare bits of the state are not zero",
        })
    }
}

impl core::error::Error for StateError {}

impl From<TooShort> for StateError {
    fn from(_: TooShort) -> Self {
        Self::Length
    }
}

impl<B: AsRef<[u8]>> State<B> {
    /// Takes a state from its bytes.
    ///
    /// # Errors
    /// [`StateError`] for bytes that are no state in its one spelling.
    pub fn parse(bytes: B) -> Result<Self, StateError> {
        let mut reader = Reader::new(bytes.as_ref());
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
        Ok(Self { floor, bit_count, bytes })
    }

    /// Whether the index is dead: below the floor, or its bit is set. Past the last bit is alive.
    pub fn is_dead(&self, index: u32) -> bool {
        match index.checked_sub(self.floor) {
            None => true,
            Some(bit) if bit >= self.bit_count => false,
            Some(bit) => self
                .bits()
                .get((bit / 8) as usize)
                // The constructor checked the length; were it wrong, dead is the safe answer.
                .is_none_or(|byte| byte & (1 << (bit % 8)) != 0),
        }
    }

    /// The digest that a head names this state by.
    pub fn digest(&self) -> [u8; DIGEST_LEN] {
        state_digest(self.floor, self.bit_count, self.bits().chunks(CHUNK_LEN).map(chunk_digest))
    }

    fn bits(&self) -> &[u8] {
        self.bytes.as_ref().get(HEADER_LEN..).unwrap_or_default()
    }
}

/// SHA-256 of one chunk of bits: 4096 bytes, or what is left at the end.
pub fn chunk_digest(chunk: &[u8]) -> [u8; DIGEST_LEN] {
    Sha256::digest(chunk).into()
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

const FORMAT_VERSION: u8 = 1;
/// Format version, floor, bit count.
const HEADER_LEN: usize = 1 + 4 + 4;

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
        let state = State::parse(state(800, 10, &[0b0000_0100, 0b10])).expect("well-formed");
        let dead: Vec<u32> = (796..820).filter(|index| state.is_dead(*index)).collect();
        assert_eq!(dead, [796, 797, 798, 799, 802, 809]);
        assert!(!state.is_dead(u32::MAX));
    }

    #[test]
    fn a_state_has_one_spelling() {
        assert_eq!(State::parse(state(0, 10, &[0, 0b100])).err(), Some(StateError::SpareBits));
        assert_eq!(State::parse(state(0, 10, &[0])).err(), Some(StateError::Length));
        assert_eq!(State::parse(state(0, 8, &[0, 0])).err(), Some(StateError::Length));
        assert_eq!(State::parse(state(u32::MAX, 2, &[0])).err(), Some(StateError::Range));
        assert!(State::parse(state(u32::MAX, 1, &[0])).is_ok());
        assert_eq!(State::parse([2, 0, 0]).err(), Some(StateError::Version));
        assert_eq!(State::parse([1, 0, 0]).err(), Some(StateError::Length));
        assert!(State::parse(state(8, 0, &[])).is_ok());
    }
}
