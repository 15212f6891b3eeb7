//! The two MAC keys a verifier holds, and the tags they make.

use core::fmt;

use subtle::ConstantTimeEq;

use crate::mac::MacKey;
use crate::wipe::wipe;

/// Bytes of a tag.
pub const TAG_LEN: usize = 16;

/// HMAC-SHA-256 cut to its first 16 bytes (RFC 2104, FIPS 180-4).
///
/// # Leaks
/// Wiped on drop, no `Clone`; `Debug` shows nothing; equality is constant-time. There is no
/// `PartialEq` to misuse. What a move leaves behind on the stack is not wiped.
pub struct Tag(pub(crate) [u8; TAG_LEN]);

impl Tag {
    /// The tag's bytes, a secret as long as the key lives: they are the last part of its text.
    pub const fn secret_bytes(&self) -> &[u8; TAG_LEN] {
        &self.0
    }

    #[inline(never)]
    fn of(key: &MacKey, message: &[u8]) -> Self {
        let mut mac = key.secret_mac(message);
        let [a, b, c, d, ..] = mac.map(u128::from);
        // WHY at once: it is read in large pieces, and what was written in smaller ones is waited for.
        let tag = Self((a << 96 | b << 64 | c << 32 | d).to_be_bytes());
        wipe(&mut mac);
        tag
    }

    /// The tag of a key with one more block: this one is its key.
    pub(crate) fn after(&self, block: &[u8]) -> Self {
        Self::of(&MacKey::new(&self.0), block)
    }

    pub(crate) fn matches(&self, other: &[u8; TAG_LEN]) -> bool {
        // WHY in halves: `subtle` hides each step from the compiler, and sixteen of them take 10 ns in wasm.
        let halves = |tag: &[u8; TAG_LEN]| {
            let [front, back] = [tag.first_chunk(), tag.last_chunk()];
            [front, back].map(|half| half.map_or(0, |half| u64::from_le_bytes(*half)))
        };
        halves(&self.0).ct_eq(&halves(other)).into()
    }
}

impl Drop for Tag {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tag([redacted])")
    }
}

/// Signs and checks the keys of one audience in one epoch.
///
/// Whoever holds it can mint any key that verifiers of that audience accept, which is why there is
/// one per audience and epoch, and why it is no `Clone`.
///
/// # Leaks
/// The state is wiped on drop, `Debug` shows nothing.
pub struct SigningKey(MacKey);

impl SigningKey {
    /// None: where a key set holds fewer than it could.
    pub(crate) const NOTHING: Self = Self(MacKey::NOTHING);

    /// Takes the 32 secret bytes; the caller wipes its copy.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(MacKey::new(secret))
    }

    /// The tag of an encoded base.
    pub fn tag(&self, base: &[u8]) -> Tag {
        Tag::of(&self.0, base)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey([redacted])")
    }
}

/// Signs and checks one audience's tag of the list's head.
///
/// # Leaks
/// The state is wiped on drop, `Debug` shows nothing.
pub struct ListKey(MacKey);

impl ListKey {
    /// Takes the 32 secret bytes; the caller wipes its copy.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(MacKey::new(secret))
    }

    /// The tag of a head's body.
    pub fn tag(&self, body: &[u8]) -> Tag {
        Tag::of(&self.0, body)
    }
}

impl fmt::Debug for ListKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ListKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::format;

    #[test]
    fn secrets_do_not_show_in_debug() {
        let secret = [0x5a; 32];
        assert_eq!(format!("{:?}", SigningKey::new(&secret)), "SigningKey([redacted])");
        assert_eq!(format!("{:?}", ListKey::new(&secret)), "ListKey([redacted])");
        assert_eq!(format!("{:?}", SigningKey::new(&secret).tag(b"x")), "Tag([redacted])");
    }

    #[test]
    fn a_tag_is_the_first_half_of_hmac_sha_256() {
        // RFC 4231 test case 1 has a 20-byte key; padded with zeros to 32 it is the same HMAC key.
        let mut secret = [0; 32];
        secret[..20].fill(0x0b);
        let expected = [
            0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53, 0x5c, 0xa8, 0xaf, 0xce, 0xaf, 0x0b,
            0xf1, 0x2b,
        ];
        assert_eq!(SigningKey::new(&secret).tag(b"Hi There").0, expected);
    }
}
