//! Where a key is decoded: laid out as the checksum takes it.

use core::fmt;

use crate::base64url;
use crate::checksum::{CRC_LEN, FastChecksum, checksum};
use crate::key::{MAX_KEY_LEN, UnverifiedKey};
use crate::prefix::{MAX_PREFIX_LEN, MIN_PREFIX_LEN};
use crate::signing::TAG_LEN;
use crate::wipe::wipe;

/// The memory that a key is decoded into, which the caller brings, so that nothing of it is moved afterwards.
///
/// # Leaks
/// The tag, without which the rest opens nothing, is wiped on drop and before the next key; `Debug` shows nothing.
pub struct KeyBuffer {
    /// Zeros that fill the first of the checksum's steps, the prefix's text, the payload.
    room: [u8; ROOM],
    /// Where the prefix begins.
    prefix: usize,
    /// Where the payload begins.
    start: usize,
    /// Where its tag begins, and its checksum behind that.
    tag: usize,
    /// Whether its spelling and its checksum were found right.
    is_confirmed: bool,
}

impl KeyBuffer {
    /// An empty one.
    pub const fn new() -> Self {
        Self { room: [0; ROOM], prefix: 0, start: 0, tag: 0, is_confirmed: false }
    }

    /// The key that it holds: what was parsed or verified in it last, if that was a key's text. **It is no more proven than
    /// that was.**
    pub fn key(&self) -> Option<UnverifiedKey<'_>> {
        if self.is_confirmed { UnverifiedKey::read(self).ok() } else { None }
    }

    /// Forgets what it holds.
    pub(crate) fn clear(&mut self) {
        self.wipe();
        (self.prefix, self.start, self.tag, self.is_confirmed) = (0, 0, 0, false);
    }

    /// The spelling and the checksum of what it holds were found right.
    pub(crate) fn confirm(&mut self) {
        self.is_confirmed = true;
    }

    /// Decodes a key's text, whose prefix is so long; `None` for what is not base64url in its one spelling, or too
    /// long or too short for any key.
    pub(crate) fn decode(&mut self, text: &[u8], prefix_len: usize) -> Option<()> {
        let encoded = text.get(prefix_len..)?;
        let len = base64url::decoded_len(encoded.len())?;
        let signed_len = len.checked_sub(TAG_LEN + CRC_LEN)?;
        let prefix = FastChecksum::front_len(prefix_len + signed_len + TAG_LEN);
        let start = prefix + prefix_len;
        // WHY first: what was decoded before something foreign came is wiped, too.
        (self.prefix, self.start, self.tag) = (prefix, start, start + signed_len);
        *self.room.first_chunk_mut::<{ FastChecksum::STEP }>()? = [0; FastChecksum::STEP];
        // WHY more than the prefix: a copy of a length that is known is no call, and the payload overwrites the rest.
        *self.room.get_mut(prefix..)?.first_chunk_mut::<32>()? = *text.first_chunk()?;
        base64url::decode(encoded, self.room.get_mut(start..start + len)?)?;
        Some(())
    }

    /// The prefix's text.
    pub(crate) fn prefix(&self) -> &[u8] {
        self.room.get(self.prefix..self.start).unwrap_or_default()
    }

    /// Base and blocks: everything before the tag.
    pub(crate) fn signed(&self) -> &[u8] {
        self.room.get(self.start..self.tag).unwrap_or_default()
    }

    pub(crate) fn secret_tag(&self) -> &[u8; TAG_LEN] {
        let tag = self.room.get(self.tag..).and_then(<[u8]>::first_chunk);
        // The tag lies within the room wherever a key was decoded.
        tag.unwrap_or(&[0; TAG_LEN])
    }

    /// The checksum of prefix and payload.
    pub(crate) fn checksum(&self) -> [u8; CRC_LEN] {
        checksum(&[], self.room.get(self.prefix..self.tag + TAG_LEN).unwrap_or_default())
    }

    /// The same, sixteen bytes at a step.
    pub(crate) fn checksum_by(&self, fast: &FastChecksum) -> [u8; CRC_LEN] {
        fast.of(self.prefix, self.room.get(..self.tag + TAG_LEN).unwrap_or_default())
    }

    /// The checksum that the key says it has.
    pub(crate) fn stated_checksum(&self) -> Option<&[u8; CRC_LEN]> {
        self.room.get(self.tag + TAG_LEN..)?.first_chunk()
    }

    fn wipe(&mut self) {
        let end = self.room.get_mut(self.tag..).and_then(<[u8]>::first_chunk_mut::<END_LEN>);
        if let Some(end) = end {
            wipe(end);
        }
    }
}

impl Default for KeyBuffer {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for KeyBuffer {
    fn drop(&mut self) {
        self.wipe();
    }
}

impl fmt::Debug for KeyBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyBuffer([redacted])")
    }
}

/// Bytes of the longest payload: base64url of 512 characters less the shortest prefix.
pub(crate) const MAX_PAYLOAD_LEN: usize = (MAX_KEY_LEN - MIN_PREFIX_LEN) / 4 * 3;
/// A tag, and the checksum, which tells something of it.
const END_LEN: usize = TAG_LEN + CRC_LEN;
const ROOM: usize = FastChecksum::STEP - 1 + MAX_PREFIX_LEN + MAX_PAYLOAD_LEN;
