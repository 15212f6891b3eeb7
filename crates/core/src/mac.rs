//! HMAC-SHA-256 (RFC 2104) from midstates: what a key and its pad come to is worked out once.
//!
//! SHA-256's compression is crate `sha2`'s. What is here is the two short messages around it, and no crate's, because
//! theirs copy and wipe more than they compress: 6 % of a verification in wasm, and a third of the verifier's size.

use sha2::block_api::compress256;
use zeroize::Zeroize;

use crate::signing::{TAG_LEN, Tag};

/// A key for HMAC-SHA-256, as the two states that hashing its two pads leaves.
///
/// # Leaks
/// Wiped on drop; no `Debug`. They are as good as the key.
pub(crate) struct MacKey {
    inner: State,
    outer: State,
}

impl MacKey {
    /// Takes a key of up to a block.
    #[inline(never)]
    pub(crate) fn new<const N: usize>(secret: &[u8; N]) -> Self {
        const { assert!(N <= BLOCK_LEN, "a longer key is hashed first") }
        let mut pad = [0; BLOCK_LEN];
        for (slot, byte) in pad.iter_mut().zip(secret) {
            *slot = *byte;
        }
        pad.iter_mut().for_each(|byte| *byte ^= INNER_PAD);
        let mut inner = INITIAL;
        compress256(&mut inner, &[pad]);
        pad.iter_mut().for_each(|byte| *byte ^= INNER_PAD ^ OUTER_PAD);
        let mut outer = INITIAL;
        compress256(&mut outer, &[pad]);
        pad.zeroize();
        Self { inner, outer }
    }

    /// The first half of a message's MAC.
    #[inline(never)]
    pub(crate) fn tag(&self, message: &[u8]) -> Tag {
        let mut state = self.inner;
        let (blocks, rest) = message.as_chunks::<BLOCK_LEN>();
        if !blocks.is_empty() {
            compress256(&mut state, blocks);
        }
        let mut last = [0; BLOCK_LEN];
        if let Some((room, after)) = last.split_at_mut_checked(rest.len()) {
            room.copy_from_slice(rest);
            after.iter_mut().take(1).for_each(|byte| *byte = END);
        }
        if rest.len() > BLOCK_LEN - 1 - LEN_LEN {
            compress256(&mut state, &[last]);
            last = [0; BLOCK_LEN];
        }
        let bits = 8 * (BLOCK_LEN as u64 + message.len() as u64);
        if let Some(room) = last.last_chunk_mut() {
            *room = bits.to_be_bytes();
        }
        compress256(&mut state, &[last]);

        let mut outer = self.outer;
        compress256(&mut outer, &[digest_block(&state)]);
        state.zeroize();
        let mut tag = Tag([0; TAG_LEN]);
        for (bytes, word) in tag.0.as_chunks_mut::<4>().0.iter_mut().zip(&outer) {
            *bytes = word.to_be_bytes();
        }
        outer.zeroize();
        tag
    }
}

impl Drop for MacKey {
    #[inline(never)]
    fn drop(&mut self) {
        self.inner.zeroize();
        self.outer.zeroize();
    }
}

/// The last block of a message that is one block and a digest: the digest and its padding.
fn digest_block(digest: &State) -> [u8; BLOCK_LEN] {
    let mut block = [0; BLOCK_LEN];
    for (bytes, word) in block.as_chunks_mut::<4>().0.iter_mut().zip(digest) {
        *bytes = word.to_be_bytes();
    }
    let bits = 8 * (BLOCK_LEN as u64 + 4 * digest.len() as u64);
    if let [.., end, _, _, _, _, _, _, _] = block.as_chunks_mut::<4>().0 {
        *end = [END, 0, 0, 0];
    }
    if let Some(room) = block.last_chunk_mut() {
        *room = bits.to_be_bytes();
    }
    block
}

type State = [u32; 8];

const BLOCK_LEN: usize = 64;
/// Bytes of a message's length at its end.
const LEN_LEN: usize = 8;
/// The bit behind a message's last.
const END: u8 = 0x80;
const INNER_PAD: u8 = 0x36;
const OUTER_PAD: u8 = 0x5c;
/// SHA-256's initial value (FIPS 180-4, section 5.3.3).
const INITIAL: State = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use hmac::{Hmac, KeyInit as _, Mac as _};
    use sha2::Sha256;
    use std::vec::Vec;

    fn by_crate(key: &[u8], message: &[u8]) -> [u8; TAG_LEN] {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
        mac.update(message);
        *mac.finalize().into_bytes().first_chunk().expect("32 bytes")
    }

    #[test]
    fn it_is_the_hmac_of_another_implementation_for_every_length() {
        let bytes: Vec<u8> = (0..400_u32).map(|number| (number * 167 % 251) as u8).collect();
        for len in 0..=bytes.len() {
            let message = &bytes[..len];
            let key: [u8; 32] = bytes[len / 4..][..32].try_into().expect("32 bytes");
            assert_eq!(MacKey::new(&key).tag(message).0, by_crate(&key, message), "{len}");
            let key: [u8; 16] = bytes[len / 4..][..16].try_into().expect("16 bytes");
            assert_eq!(MacKey::new(&key).tag(message).0, by_crate(&key, message), "{len}");
        }
    }
}
