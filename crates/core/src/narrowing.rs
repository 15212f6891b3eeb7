//! Narrowing (attenuation, the macaroon construction): whoever holds a key takes something away from
//! it, offline, and hands on what is left.

use core::fmt;

use zeroize::Zeroizing;

use crate::bytes::{Full, Writer};
use crate::fields::Fields;
use crate::key::{KeyText, KeyTooLong, UnverifiedKey};
use crate::key_buffer::{KeyBuffer, MAX_PAYLOAD_LEN};
use crate::networks::{Networks, NetworksView};
use crate::reason::Reason;
use crate::scope::{ScopeSet, ScopesView};
use crate::signing::Tag;
use crate::time::UnixSeconds;

/// Most blocks of a key.
pub const MAX_BLOCKS: usize = 4;

/// What a holder takes away. Each part that is given must hold beside all that held before; none of
/// them can give anything back.
///
/// # Constraints
/// At least one part; at most 64 bytes: 2 and the set's own bytes for scopes and networks, 6 for each
/// time.
///
/// # Example
/// ```
/// use wardkey::{Narrowing, UnixSeconds};
/// let for_ten_minutes =
///     Narrowing { expires_at: Some(UnixSeconds(1_800_000_600)), ..Narrowing::default() };
/// assert!(for_ten_minutes.scopes.is_none(), "what is not named stays as it is");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Narrowing {
    /// Only these scopes, of those that the key has.
    pub scopes: Option<ScopeSet>,
    /// The first second in which it is dead.
    pub expires_at: Option<UnixSeconds>,
    /// The first second in which it is valid.
    pub not_before: Option<UnixSeconds>,
    /// Only from these networks.
    pub networks: Option<Networks>,
}

/// Why a key was not narrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NarrowError {
    /// The text is no key: [`Reason::Malformed`] or [`Reason::BadChecksum`].
    NoKey(Reason),
    /// Nothing to take away, or a set of scopes without a scope: such a key could do nothing.
    Empty,
    /// More than the 64 bytes of a block.
    BlockTooLong,
    /// The key has four blocks already.
    TooManyBlocks,
    /// The key would be longer than 512 characters.
    KeyTooLong,
}

impl fmt::Display for NarrowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoKey(Reason::BadChecksum) => {
                "the key's checksum does not fit: it is mistyped or cut short"
            }
            Self::NoKey(_) => "the text is no key",
            Self::Empty => "a narrowing takes something away and leaves at least one scope",
            Self::BlockTooLong => "the narrowing is longer than 64 bytes",
            Self::TooManyBlocks => "the key has been narrowed four times already",
            Self::KeyTooLong => "the narrowed key would be longer than 512 characters",
        })
    }
}

impl core::error::Error for NarrowError {}

/// Narrows a key without asking anybody: the holder needs nothing but its text.
///
/// Prevents that a whole key is handed to something that needs a part of it.
///
/// # Guarantees
/// The new key is allowed nothing that the old one was not, and is as long-lived at most. It is dead
/// when the old one is revoked. Whether the old one is authentic is not known here.
///
/// # Errors
/// [`NarrowError`].
///
/// # Example
/// ```
/// use wardkey::{NarrowError, Narrowing, Reason, narrow};
/// let nothing_left = narrow("not a key", &Narrowing::default());
/// assert_eq!(nothing_left.err(), Some(NarrowError::NoKey(Reason::Malformed)));
/// ```
/// Source: FORMAT.md sections 2.4, 2.5 and 2.8
pub fn narrow(key: &str, narrowing: &Narrowing) -> Result<KeyText, NarrowError> {
    let mut buffer = KeyBuffer::new();
    let key = UnverifiedKey::parse(key, &mut buffer).map_err(NarrowError::NoKey)?;
    let mut block = [0; MAX_BLOCK_LEN];
    let block_len = narrowing.encode(&mut block)?;
    let block = block.get(..block_len).unwrap_or_default();
    if key.blocks().count() == MAX_BLOCKS {
        return Err(NarrowError::TooManyBlocks);
    }
    let mut front = Zeroizing::new([0; MAX_PAYLOAD_LEN]);
    let mut writer = Writer::new(front.as_mut_slice());
    let written = writer.put(key.signed_bytes()).and_then(|()| writer.put(block));
    written.map_err(|Full| NarrowError::KeyTooLong)?;
    let len = writer.len();
    let signed = front.get(..len).unwrap_or_default();
    let tag = Tag(*key.secret_tag()).after(block);
    KeyText::compose(key.prefix(), signed, &tag).map_err(|KeyTooLong| NarrowError::KeyTooLong)
}

impl Narrowing {
    /// Writes the block and returns its length.
    fn encode(&self, buffer: &mut [u8; MAX_BLOCK_LEN]) -> Result<usize, NarrowError> {
        let Self { scopes, expires_at, not_before, networks } = *self;
        if *self == Self::default() || scopes.is_some_and(|scopes| scopes.is_empty()) {
            return Err(NarrowError::Empty);
        }
        let (header, content) = buffer.split_at_mut_checked(HEADER_LEN).unwrap_or_default();
        let mut writer = Writer::new(content);
        let networks = networks.as_ref().map(Networks::view);
        let scopes = scopes.as_ref().and_then(ScopeSet::view);
        let fields = Fields { scopes, expires_at, not_before, networks };
        fields.encode(&mut writer).map_err(|Full| NarrowError::BlockTooLong)?;
        let len = writer.len();
        let len_byte = u8::try_from(len).map_err(|_| NarrowError::BlockTooLong)?;
        header.copy_from_slice(&[BLOCK, len_byte]);
        Ok(HEADER_LEN + len)
    }

    /// What a block says.
    pub(crate) fn of(fields: &Fields<'_>) -> Self {
        let Fields { scopes, expires_at, not_before, networks } = *fields;
        let (scopes, networks) =
            (scopes.map(ScopesView::to_set), networks.map(NetworksView::to_networks));
        Self { scopes, expires_at, not_before, networks }
    }
}

/// The blocks of a key, whole, with type and length.
#[derive(Clone, Copy)]
pub(crate) struct Blocks<'a>(&'a [u8]);

impl<'a> Blocks<'a> {
    /// What lies between the base and the tag.
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    #[inline(never)]
    fn split(&mut self) -> Option<Block<'a>> {
        let (header, _) = self.0.split_first_chunk::<HEADER_LEN>()?;
        let [BLOCK, content_len] = *header else { return None };
        let content_len = usize::from(content_len);
        if content_len > MAX_CONTENT_LEN {
            return None;
        }
        let (bytes, rest) = self.0.split_at_checked(HEADER_LEN + content_len)?;
        let says = Fields::decode(bytes.get(HEADER_LEN..)?)?;
        self.0 = rest;
        Some(Block { bytes, says })
    }

    /// Whether nothing is left over.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A block: the bytes that its tag is over, and what they say.
pub(crate) struct Block<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) says: Fields<'a>,
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Block<'a>;

    /// The next block; `None` at the end, and where none begins: [`Blocks::is_empty`] tells which.
    fn next(&mut self) -> Option<Block<'a>> {
        if self.is_empty() { None } else { self.split() }
    }
}

/// What announces a block.
const BLOCK: u8 = 0x80;
/// Type and length.
const HEADER_LEN: usize = 2;
/// Longest fields of a block, in bytes.
const MAX_CONTENT_LEN: usize = 64;
const MAX_BLOCK_LEN: usize = HEADER_LEN + MAX_CONTENT_LEN;
