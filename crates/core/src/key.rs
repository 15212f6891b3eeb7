//! A key's text, and the first stage of its verification: parse and checksum.

use core::fmt;

use zeroize::Zeroizing;

use crate::base::{Base, BaseError, MAX_BASE_LEN, MIN_BASE_LEN};
use crate::base_view::BaseView;
use crate::base64url;
use crate::bytes::{Full, Writer};
use crate::checksum::{CRC_LEN, checksum};
use crate::key_buffer::{KeyBuffer, MAX_PAYLOAD_LEN};
use crate::narrowing::{Block, Blocks, MAX_BLOCKS};
use crate::networks::NetworksView;
use crate::prefix::Prefix;
use crate::reason::Reason;
use crate::scope::ScopeSet;
use crate::signing::{SigningKey, TAG_LEN, Tag};
use crate::time::UnixSeconds;
use crate::wipe::wipe;

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

/// A key would be longer than 512 characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyTooLong;

impl KeyText {
    /// Writes the text of a key whose base the signing key signs. Whether it is the signing key that the
    /// base names is the caller's affair; the result is checked like any other key when it is used.
    ///
    /// # Errors
    /// [`BaseError`] for values that no key may hold.
    pub fn sign(prefix: &Prefix, base: &Base, key: &SigningKey) -> Result<Self, BaseError> {
        let mut buffer = [0; MAX_BASE_LEN];
        let len = base.encode(&mut buffer)?;
        let signed = buffer.get(..len).unwrap_or_default();
        // The longest base and the longest prefix make 380 characters.
        Self::compose(prefix.as_bytes(), signed, &key.tag(signed))
            .map_err(|KeyTooLong| BaseError::Buffer)
    }

    /// Writes the text of a key from its prefix, the bytes before its tag, and the tag.
    pub(crate) fn compose(prefix: &[u8], signed: &[u8], tag: &Tag) -> Result<Self, KeyTooLong> {
        let mut payload = Zeroizing::new([0; MAX_PAYLOAD_LEN]);
        let mut writer = Writer::new(payload.as_mut_slice());
        let written = writer.put(signed).and_then(|()| writer.put(&tag.0));
        written.map_err(|Full| KeyTooLong)?;
        let checked_len = writer.len();
        let (checked, crc) = payload.split_at_mut_checked(checked_len).ok_or(KeyTooLong)?;
        let crc = crc.first_chunk_mut::<CRC_LEN>().ok_or(KeyTooLong)?;
        *crc = checksum(prefix, checked);

        let mut text = Self { bytes: [0; MAX_KEY_LEN], len: 0 };
        let prefix_len = prefix.len();
        let (front, back) = text.bytes.split_at_mut_checked(prefix_len).ok_or(KeyTooLong)?;
        front.copy_from_slice(prefix);
        let whole = payload.get(..checked_len + CRC_LEN).ok_or(KeyTooLong)?;
        let written = base64url::encode(whole, back).ok_or(KeyTooLong)?;
        text.len = prefix_len + written;
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
        wipe(&mut self.bytes);
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
/// It may be a good key: `Debug` shows nothing, and its buffer is wiped.
///
/// # Example
/// ```
/// use wardkey::{KeyBuffer, Reason, UnverifiedKey};
/// let mut buffer = KeyBuffer::new();
/// assert_eq!(UnverifiedKey::parse("no key", &mut buffer).err(), Some(Reason::Malformed));
/// ```
pub struct UnverifiedKey<'b> {
    pub(crate) base: BaseView<'b>,
    pub(crate) left: Remaining,
    buffer: &'b KeyBuffer,
    blocks: Blocks<'b>,
}

/// What base and blocks leave of the key's time, and whether there are blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remaining {
    pub(crate) expires_at: UnixSeconds,
    /// 0 where none is named: every time is at or after it.
    pub(crate) not_before: UnixSeconds,
    pub(crate) narrowed: bool,
}

impl<'b> UnverifiedKey<'b> {
    /// Parses a key's text, with no byte to spare anywhere.
    ///
    /// # Errors
    /// [`Reason::Malformed`] and [`Reason::BadChecksum`], as values of denial.
    ///
    /// Source: FORMAT.md section 2.7
    pub fn parse(text: impl AsRef<[u8]>, buffer: &'b mut KeyBuffer) -> Result<Self, Reason> {
        Self::parse_by(text.as_ref(), buffer, KeyBuffer::checksum)
    }

    /// Parses a key's text with another way to the same checksum.
    pub(crate) fn parse_by(
        text: &[u8],
        buffer: &'b mut KeyBuffer,
        checksum: impl Fn(&KeyBuffer) -> [u8; CRC_LEN],
    ) -> Result<Self, Reason> {
        buffer.clear();
        if text.len() > MAX_KEY_LEN {
            return Err(Reason::Malformed);
        }
        let prefix_len = Prefix::len_in(text).ok_or(Reason::Malformed)?;
        buffer.decode(text, prefix_len).ok_or(Reason::Malformed)?;
        if buffer.signed().len() < MIN_BASE_LEN {
            return Err(Reason::Malformed);
        }
        if Some(&checksum(buffer)) != buffer.stated_checksum() {
            return Err(Reason::BadChecksum);
        }
        buffer.confirm();
        Self::read(buffer)
    }

    /// Reads what was decoded.
    #[inline(never)]
    pub(crate) fn read(buffer: &'b KeyBuffer) -> Result<Self, Reason> {
        let split = BaseView::split_off(buffer.signed());
        let (base, blocks) = split.map_err(|_| Reason::Malformed)?;
        let blocks = Blocks::new(blocks);
        let left = Remaining::of(&base, blocks).ok_or(Reason::Malformed)?;
        Ok(Self { base, left, buffer, blocks })
    }

    /// The bytes of its base, as unproven as all of it.
    pub fn unproven_base_bytes(&self) -> &'b [u8] {
        self.base.bytes
    }

    /// The scopes that its narrowings left, as unproven as all of it.
    pub fn unproven_scopes_left(&self) -> ScopeSet {
        self.scopes_left()
    }

    /// The first second in which it is dead, by its issuer or by a narrowing, as unproven as all of it.
    pub const fn unproven_expires_at(&self) -> UnixSeconds {
        self.left.expires_at
    }

    /// Whether a holder has narrowed it.
    pub const fn is_narrowed(&self) -> bool {
        self.left.narrowed
    }

    /// The text of its prefix.
    pub(crate) fn prefix(&self) -> &'b [u8] {
        self.buffer.prefix()
    }

    /// What the key says of itself, **unproven**: good for routing to a tenant and for nothing else.
    pub fn unproven_base(&self) -> Base {
        self.base.to_base()
    }

    /// Base and blocks: everything before the tag.
    pub(crate) fn signed_bytes(&self) -> &'b [u8] {
        self.buffer.signed()
    }

    pub(crate) const fn blocks(&self) -> Blocks<'b> {
        self.blocks
    }

    /// The last tag of its chain, as the key says it.
    pub(crate) fn secret_tag(&self) -> &'b [u8; TAG_LEN] {
        self.buffer.secret_tag()
    }

    /// The scopes that base and blocks leave together.
    pub(crate) fn scopes_left(&self) -> ScopeSet {
        let of_blocks = self.blocks().filter_map(|block| block.says.scopes);
        of_blocks.fold(self.base.scopes.to_set(), |left, scopes| left.and(&scopes.to_set()))
    }

    /// Every set of networks that a caller must be in one of.
    pub(crate) fn networks(&self) -> impl Iterator<Item = NetworksView<'b>> + 'b {
        let of_blocks = self.blocks().filter_map(|block| block.says.networks);
        self.base.constraints.networks.into_iter().chain(of_blocks)
    }
}

impl Remaining {
    /// Folds what each block takes away; `None` if the blocks are more than four, or end in what is none.
    fn of(base: &BaseView<'_>, mut blocks: Blocks<'_>) -> Option<Self> {
        let mut left = Self {
            expires_at: base.expires_at,
            not_before: base.constraints.not_before.unwrap_or(UnixSeconds(0)),
            narrowed: false,
        };
        for Block { says, .. } in blocks.by_ref().take(MAX_BLOCKS) {
            left.expires_at = left.expires_at.min(says.expires_at.unwrap_or(left.expires_at));
            left.not_before = left.not_before.max(says.not_before.unwrap_or(left.not_before));
            left.narrowed = true;
        }
        blocks.is_empty().then_some(left)
    }
}

impl fmt::Debug for UnverifiedKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnverifiedKey([redacted])")
    }
}
