//! HMAC-SHA-256 (RFC 2104) from midstates: what a key and its pads come to is worked out once.

use crate::sha256::{BLOCK_LEN, DIGEST_LEN, INITIAL, State, absorb, finish};
use crate::wipe::wipe;

/// A key for HMAC-SHA-256, as the two states that its two pads lead to.
///
/// # Leaks
/// They are as good as the key: wiped on drop; no `Debug`.
pub(crate) struct MacKey {
    inner: State,
    outer: State,
}

impl MacKey {
    /// No key: no secret leads to these states.
    pub(crate) const NOTHING: Self = Self { inner: [0; 8], outer: [0; 8] };

    /// Takes a key that is no longer than a block.
    pub(crate) fn new<const N: usize>(secret: &[u8; N]) -> Self {
        const { assert!(N <= BLOCK_LEN, "a longer key is hashed first") }
        let mut key = [0; BLOCK_LEN];
        for (slot, byte) in key.iter_mut().zip(secret) {
            *slot = *byte;
        }
        let made = Self::of_block(&key);
        wipe(&mut key);
        made
    }

    #[inline(never)]
    fn of_block(key: &[u8; BLOCK_LEN]) -> Self {
        Self { inner: padded(key, INNER_PAD), outer: padded(key, OUTER_PAD) }
    }

    /// The MAC of a message, as words.
    pub(crate) fn secret_mac(&self, message: &[u8]) -> State {
        let mut inner = self.inner;
        finish(&mut inner, BLOCK_LEN, message);
        let mut mac = self.outer;
        absorb(&mut mac, &digest_block(&inner));
        wipe(&mut inner);
        mac
    }
}

#[inline(never)]
fn padded(key: &[u8; BLOCK_LEN], pad: u8) -> State {
    let mut block = *key;
    block.iter_mut().for_each(|byte| *byte ^= pad);
    let mut state = INITIAL;
    absorb(&mut state, &block);
    wipe(&mut block);
    state
}

impl Drop for MacKey {
    #[inline(never)]
    fn drop(&mut self) {
        wipe(&mut self.inner);
        wipe(&mut self.outer);
    }
}

/// The last block of a message that is one block and a digest.
fn digest_block(digest: &State) -> [u8; BLOCK_LEN] {
    let mut block = [0; BLOCK_LEN];
    let [a, b, c, d, e, f, g, h] = *digest;
    let words = [a, b, c, d, e, f, g, h, END_WORD, 0, 0, 0, 0, 0, 0, MESSAGE_BITS];
    for (bytes, word) in block.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *bytes = word.to_be_bytes();
    }
    block
}

/// The bit behind a message's last, and zeros.
const END_WORD: u32 = 1 << 31;
const MESSAGE_BITS: u32 = 8 * (BLOCK_LEN + DIGEST_LEN) as u32;
const INNER_PAD: u8 = 0x36;
const OUTER_PAD: u8 = 0x5c;

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::sha256::bytes;
    use hmac::{Hmac, KeyInit as _, Mac as _};
    use sha2::Sha256;
    use std::vec::Vec;

    fn by_crate(key: &[u8], message: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    #[test]
    fn it_is_the_mac_of_another_implementation_for_every_length() {
        let all: Vec<u8> = (0..400_u32).map(|number| (number * 167 % 251) as u8).collect();
        for len in 0..=all.len() - 64 {
            let (message, rest) = all.split_at(len);
            let key: &[u8; 32] = rest.first_chunk().expect("32 bytes");
            assert_eq!(bytes(&MacKey::new(key).secret_mac(message)), by_crate(key, message));
            let key: &[u8; 16] = rest.first_chunk().expect("16 bytes");
            assert_eq!(bytes(&MacKey::new(key).secret_mac(message)), by_crate(key, message));
        }
    }
}
