//! SHA-256 (FIPS 180-4) around the compression of crate `sha2`: for whole messages, and on from a state.
//!
//! WHY not that crate's own hasher: with its buffers it is an eighth of what a verifier ships, and a
//! twentieth of the time that a verification takes in wasm.

use sha2::block_api::compress256;

/// What eight words of state are after some whole blocks.
pub(crate) type State = [u32; 8];

/// Bytes that are compressed together.
pub(crate) const BLOCK_LEN: usize = 64;
/// Bytes of a digest.
pub(crate) const DIGEST_LEN: usize = 32;

/// Before the first block (FIPS 180-4, section 5.3.3).
pub(crate) const INITIAL: State = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// Takes one more block.
pub(crate) fn absorb(state: &mut State, block: &[u8; BLOCK_LEN]) {
    compress256(state, core::slice::from_ref(block));
}

/// Takes the end of a message whose first `done` bytes, whole blocks, have led to `state`, which becomes its digest.
#[inline(never)]
pub(crate) fn finish(state: &mut State, done: usize, rest: &[u8]) {
    let (blocks, tail) = rest.as_chunks::<BLOCK_LEN>();
    if !blocks.is_empty() {
        compress256(state, blocks);
    }
    let mut block = [0; BLOCK_LEN];
    put(&mut block, tail);
    if let Some(end) = block.get_mut(tail.len()) {
        *end = END;
    }
    if tail.len() > BLOCK_LEN - 1 - LEN_LEN {
        absorb(state, &block);
        block = [0; BLOCK_LEN];
    }
    if let Some(room) = block.last_chunk_mut::<LEN_LEN>() {
        *room = (8 * (done as u64 + rest.len() as u64)).to_be_bytes();
    }
    absorb(state, &block);
}

/// Copies what is shorter than a block to its front.
fn put(block: &mut [u8; BLOCK_LEN], tail: &[u8]) {
    const STEP: usize = 16;
    if tail.len() < STEP {
        block.iter_mut().zip(tail).for_each(|(slot, byte)| *slot = *byte);
    }
    // WHY in steps, the last of which may go over one before: a copy of a length that is not known is a call in wasm.
    for at in [0, STEP, 2 * STEP, tail.len().saturating_sub(STEP)] {
        let room = block.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<STEP>);
        let step = tail.get(at..).and_then(<[u8]>::first_chunk);
        if let (Some(room), Some(step)) = (room, step) {
            *room = *step;
        }
    }
}

/// The digest as bytes.
#[inline(never)]
pub(crate) fn bytes(state: &State) -> [u8; DIGEST_LEN] {
    let mut bytes = [0; DIGEST_LEN];
    for (bytes, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    bytes
}

/// The digest of a message that comes in parts.
pub(crate) struct Hash {
    state: State,
    block: [u8; BLOCK_LEN],
    len: usize,
}

impl Hash {
    pub(crate) const fn new() -> Self {
        Self { state: INITIAL, block: [0; BLOCK_LEN], len: 0 }
    }

    #[inline(never)]
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if let Some(slot) = self.block.get_mut(self.len % BLOCK_LEN) {
                *slot = *byte;
            }
            self.len += 1;
            if self.len.is_multiple_of(BLOCK_LEN) {
                absorb(&mut self.state, &self.block);
            }
        }
    }

    pub(crate) fn digest(&self) -> [u8; DIGEST_LEN] {
        let rest = self.len % BLOCK_LEN;
        let tail = self.block.get(..rest).unwrap_or_default();
        let mut state = self.state;
        finish(&mut state, self.len - rest, tail);
        bytes(&state)
    }
}

/// The digest of a whole message.
#[inline(never)]
pub(crate) fn digest(message: &[u8]) -> [u8; DIGEST_LEN] {
    let mut state = INITIAL;
    finish(&mut state, 0, message);
    bytes(&state)
}

/// Bytes of a message's length at its end.
const LEN_LEN: usize = 8;
/// The bit behind a message's last.
const END: u8 = 0x80;

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use sha2::{Digest as _, Sha256};
    use std::vec::Vec;

    #[test]
    fn it_is_the_digest_of_another_implementation_for_every_length() {
        let message: Vec<u8> = (0..400_u32).map(|number| (number * 167 % 251) as u8).collect();
        for len in 0..=message.len() {
            let message = &message[..len];
            assert_eq!(digest(message)[..], Sha256::digest(message)[..], "{len}");
            for done in (0..len).step_by(BLOCK_LEN) {
                let (blocks, rest) = message.split_at(done);
                let blocks = blocks.as_chunks().0;
                let mut state = INITIAL;
                blocks.iter().for_each(|block| absorb(&mut state, block));
                finish(&mut state, done, rest);
                assert_eq!(bytes(&state), digest(message), "{done} of {len}");
            }
        }
    }
}
