//! The memory that a state lives in: its bits in chunks, each behind itself its digest.

use crate::list::state::{CHUNK_LEN, DIGEST_LEN};
use crate::sha256;

/// Memory for a state, which the host brings: nothing in the core allocates.
///
/// A state of so many bits needs [`State::memory_len`](crate::State::memory_len) bytes: 4,128 for each 32,768
/// indexes begun, a bit for each and a digest for all, so that a change digests its own chunks again and no more.
///
/// # Guarantees
/// Asked of whoever implements it: what is there stays as it is while it grows. One that forgets it brings dead
/// keys back to life, which nothing notices.
///
/// # Example
/// ```
/// use wardkey::{State, StateMemory};
/// let mut bytes = [0; 5_000];
/// assert!((&mut bytes[..]).make_room(State::<&mut [u8]>::memory_len(100)));
/// assert!(!(&mut bytes[..]).make_room(5_001));
/// ```
pub trait StateMemory: AsRef<[u8]> + AsMut<[u8]> {
    /// Grows to at least `len` bytes if it can, keeping what is there; answers whether it is that long.
    fn make_room(&mut self, len: usize) -> bool {
        self.as_ref().len() >= len
    }
}

impl StateMemory for &mut [u8] {}

#[cfg(feature = "alloc")]
impl StateMemory for alloc::vec::Vec<u8> {
    fn make_room(&mut self, len: usize) -> bool {
        let more = len.saturating_sub(self.len());
        // WHY: a verifier that has no memory left must go on and say that its list is stale.
        if self.try_reserve_exact(more).is_err() {
            return false;
        }
        self.resize(self.len() + more, 0);
        true
    }
}

/// One chunk: its bits and their digest.
pub(super) const STRIDE: usize = CHUNK_LEN + DIGEST_LEN;

/// The bits of chunk `number`.
pub(super) fn bits(memory: &[u8], number: usize) -> &[u8] {
    let start = number.saturating_mul(STRIDE);
    memory.get(start..start.saturating_add(CHUNK_LEN)).unwrap_or_default()
}

/// The bits of chunk `number`, to be written.
pub(super) fn bits_mut(memory: &mut [u8], number: usize) -> &mut [u8] {
    let start = number.saturating_mul(STRIDE);
    memory.get_mut(start..start.saturating_add(CHUNK_LEN)).unwrap_or_default()
}

/// The digest that is kept of chunk `number`.
pub(super) fn digest(memory: &[u8], number: usize) -> [u8; DIGEST_LEN] {
    let start = number.saturating_mul(STRIDE).saturating_add(CHUNK_LEN);
    memory.get(start..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default()
}

/// Digests the first `len` bytes of chunk `number` anew.
pub(super) fn digest_again(memory: &mut [u8], number: usize, len: usize) {
    let digest = chunk_digest(bits(memory, number).get(..len).unwrap_or_default());
    let start = number.saturating_mul(STRIDE).saturating_add(CHUNK_LEN);
    if let Some(kept) = memory.get_mut(start..).and_then(|rest| rest.first_chunk_mut()) {
        *kept = digest;
    }
}

/// SHA-256 of one chunk of bits: 4096 bytes, or what is left at the end.
pub fn chunk_digest(chunk: &[u8]) -> [u8; DIGEST_LEN] {
    sha256::digest(chunk)
}
