//! A key's text, and the first stage of its verification: parse and checksum.

use core::fmt;

use zeroize::{Zeroize, Zeroizing};

use crate::base::{Base, BaseError, MAX_BASE_LEN};
use crate::base64url;
use crate::checksum::{CRC_LEN, checksum};
use crate::prefix::Prefix;
use crate::reason::Reason;
use crate::signing::{TAG_LEN, Tag};

/// Longest key, in characters.
pub const MAX_KEY_LEN: usize = 512;

/// A key's text, a bearer secret.
///
/// # Leaks
/// Wiped on drop; `Debug` shows nothing; no `Display`.
pub struct KeyText {
    bytes: [u8; MAX_KEY_LEN],
    len: usize,
}

impl KeyText {
    /// Writes the text of a key from its prefix, base and tag. Whether the tag is right is the
    /// caller's affair; the result is checked like any other key when it is used.
    ///
    /// # Errors
    /// [`BaseError`] for values that no key may hold.
    pub fn compose(prefix: &Prefix, base: &Base, tag: &Tag) -> Result<Self, BaseError> {
        let mut payload = Zeroizing::new([0; MAX_BASE_LEN + TAG_LEN + CRC_LEN]);
        let base_len = base.encode(payload.as_mut_slice())?;
        let tag_end = base_len + TAG_LEN;
        let crc_end = tag_end + CRC_LEN;
        payload.get_mut(base_len..tag_end).ok_or(BaseError::Buffer)?.copy_from_slice(&tag.0);
        let crc = checksum(prefix.as_bytes(), payload.get(..tag_end).ok_or(BaseError::Buffer)?);
        payload.get_mut(tag_end..crc_end).ok_or(BaseError::Buffer)?.copy_from_slice(&crc);

        let mut text = Self { bytes: [0; MAX_KEY_LEN], len: 0 };
        let (front, back) =
            text.bytes.split_at_mut_checked(prefix.as_bytes().len()).ok_or(BaseError::Buffer)?;
        front.copy_from_slice(prefix.as_bytes());
        let written = base64url::encode(payload.get(..crc_end).ok_or(BaseError::Buffer)?, back)
            .ok_or(BaseError::Buffer)?;
        text.len = prefix.as_bytes().len() + written;
        Ok(text)
    }

    /// The whole key: whoever reads it can act as its subject.
    pub fn secret_str(&self) -> &str {
        let bytes = self.bytes.get(..self.len).unwrap_or_default();
        // Prefix and base64url are ASCII, so that the empty fallback is never taken.
        core::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl Drop for KeyText {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyText([redacted])")
    }
}

/// A key whose text is well-formed and whose checksum fits: not a typo, and nothing more.
///
/// # Guarantees
/// One text has one `UnverifiedKey` and the reverse. **Nothing in it is proven**: anyone can write
/// such a text.
///
/// # Leaks
/// It may be a good key: wiped on drop, `Debug` shows nothing.
pub struct UnverifiedKey {
    pub(crate) prefix: Prefix,
    pub(crate) base: Base,
    pub(crate) tag: Tag,
    payload: Zeroizing<[u8; MAX_PAYLOAD_LEN]>,
    base_len: usize,
}

impl UnverifiedKey {
    /// Parses a key's text: prefix, base64url, base, tag, checksum, in that order, with no byte to
    /// spare anywhere.
    ///
    /// # Errors
    /// [`Reason::Malformed`] and [`Reason::BadChecksum`], as values of denial.
    pub fn parse(text: &str) -> Result<Self, Reason> {
        if text.len() > MAX_KEY_LEN {
            return Err(Reason::Malformed);
        }
        let (prefix, encoded) = Prefix::split(text.as_bytes()).ok_or(Reason::Malformed)?;
        let mut payload = Zeroizing::new([0; MAX_PAYLOAD_LEN]);
        let len = base64url::decode(encoded, payload.as_mut_slice()).ok_or(Reason::Malformed)?;
        let bytes = payload.get(..len).ok_or(Reason::Malformed)?;
        let (checked, crc) = bytes.split_last_chunk::<CRC_LEN>().ok_or(Reason::Malformed)?;
        let (front, tag) = checked.split_last_chunk::<TAG_LEN>().ok_or(Reason::Malformed)?;
        let (base, base_len) = Base::decode(front).map_err(|_| Reason::Malformed)?;
        if base_len != front.len() {
            return Err(Reason::Malformed);
        }
        if checksum(prefix.as_bytes(), checked) != *crc {
            return Err(Reason::BadChecksum);
        }
        let tag = Tag(*tag);
        Ok(Self { prefix, base, tag, payload, base_len })
    }

    /// What the key says of itself, **unproven**: good for routing to a tenant and for nothing else.
    pub const fn unproven_base(&self) -> &Base {
        &self.base
    }

    pub(crate) fn base_bytes(&self) -> &[u8] {
        self.payload.get(..self.base_len).unwrap_or_default()
    }
}

impl fmt::Debug for UnverifiedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnverifiedKey([redacted])")
    }
}

/// Bytes of the longest payload: base64url of 512 characters less the shortest prefix, rounded up.
const MAX_PAYLOAD_LEN: usize = MAX_KEY_LEN / 4 * 3;
