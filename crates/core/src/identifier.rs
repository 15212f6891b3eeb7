//! The numbers that name a tenant, an audience, a signing key, a key and a generation.

use core::fmt;
use core::str::FromStr;

/// A tenant's number, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(pub u16);

/// An audience's number within its tenant, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AudienceId(pub u8);

impl AudienceId {
    /// The administration of Wardkey itself: audience `wardkey` of every tenant.
    pub const ADMINISTRATION: Self = Self(0);
}

/// The number of a signing key within its audience, from 1, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u8);

impl Epoch {
    /// The first epoch of every audience.
    pub const FIRST: Self = Self(1);

    /// An epoch from its number; `None` for 0, which no signing key has.
    pub const fn new(number: u8) -> Option<Self> {
        if number == 0 { None } else { Some(Self(number)) }
    }

    /// The number, 1 to 255.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// Names one signing key; four bytes in a key, so that any Worker routes it without a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SigningKeyId {
    /// The tenant whose secret it is derived from.
    pub tenant: TenantId,
    /// The only audience whose keys it signs.
    pub audience: AudienceId,
    /// Which of the audience's signing keys.
    pub epoch: Epoch,
}

/// A generation's number in its tenant's revocation list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusIndex(pub u32);

/// A key's stable public name: `key_` and 16 lower-case hex digits, and no other spelling.
///
/// # Example
/// ```
/// use wardkey::KeyId;
/// let id: KeyId = "key_00112233445566ff".parse()?;
/// assert_eq!(id.to_string(), "key_00112233445566ff");
/// assert!("key_00112233445566FF".parse::<KeyId>().is_err());
/// # Ok::<(), wardkey::IdentifierError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 8]);

/// A text that is no identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentifierError {
    /// Not `key_` and 16 lower-case hex digits.
    KeyId,
}

impl fmt::Display for IdentifierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeyId => "a key id is key_ and 16 lower-case hex digits",
        })
    }
}

impl core::error::Error for IdentifierError {}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key_{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for KeyId {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, IdentifierError> {
        let digits = text.strip_prefix("key_").ok_or(IdentifierError::KeyId)?;
        let lower_hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if digits.len() != 16 || !digits.bytes().all(lower_hex) {
            return Err(IdentifierError::KeyId);
        }
        let number = u64::from_str_radix(digits, 16).map_err(|_| IdentifierError::KeyId)?;
        Ok(Self(number.to_be_bytes()))
    }
}
