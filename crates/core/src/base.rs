//! The base of a key: what its issuer says, as bytes and as values.

use core::fmt;

use crate::base_view::{BaseView, check_lifetime};
use crate::byte_set::SET_LEN;
use crate::bytes::{Full, TooShort, Writer};
use crate::constraints::{Constraints, MAX_CONSTRAINTS_LEN};
use crate::identifier::{KeyId, SigningKeyId, StatusIndex};
use crate::scope::{ScopeSet, ScopeSetError};
use crate::subject::{MAX_SUBJECT_LEN, Subject, SubjectError};
use crate::time::UnixSeconds;

/// Longest base, in bytes.
pub const MAX_BASE_LEN: usize =
    FIXED_LEN + 1 + MAX_SUBJECT_LEN + 1 + SET_LEN + 1 + MAX_CONSTRAINTS_LEN;

/// Shortest base, in bytes: one character of subject, one byte of scopes.
pub(crate) const MIN_BASE_LEN: usize = FIXED_LEN + 1 + 1 + 1 + 1;

/// Shortest time from issue to expiry, in seconds.
pub const MIN_LIFETIME_SECONDS: u32 = 60;

/// What a key's issuer says.
///
/// # Guarantees
/// Every value is well-formed and has exactly one encoding. Nothing here says that a key with it
/// is authentic: that is what [`UnverifiedKey`](crate::UnverifiedKey)'s next stages prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base {
    /// The signing key that made the tag.
    pub signing_key: SigningKeyId,
    /// The key's stable name.
    pub key_id: KeyId,
    /// The generation's number in the revocation list.
    pub status_index: StatusIndex,
    /// When the generation was made.
    pub issued_at: UnixSeconds,
    /// The first second in which it is dead.
    pub expires_at: UnixSeconds,
    /// Who it acts as.
    pub subject: Subject,
    /// What it may do; never empty.
    pub scopes: ScopeSet,
    /// When and from where.
    pub constraints: Constraints,
}

/// Values that make no base, or bytes that are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BaseError {
    /// The bytes end inside a field.
    TooShort,
    /// Another version than 1.
    Version,
    /// Epoch 0.
    Epoch,
    /// Expires less than 60 s after issue.
    Lifetime,
    /// A subject outside its alphabet or length.
    Subject,
    /// A flag in the subject's length byte that version 1 does not define.
    Flag,
    /// No scope, or another spelling of the set than the shortest.
    Scopes,
    /// Constraints that are announced and missing, too long, or in another spelling than the one.
    Constraints,
    /// The buffer to write into is shorter than the base.
    Buffer,
}

impl fmt::Display for BaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooShort => "the base ends inside a field",
            Self::Version => "the version is not 1",
            Self::Epoch => "signing-key epochs start at 1",
            Self::Lifetime => "a key lives at least 60 seconds",
            Self::Subject => "the subject is outside its alphabet or length",
            Self::Flag => "an unknown flag is set",
            Self::Scopes => "the scope set is empty or not in its shortest spelling",
            Self::Constraints => {
                "the constraints are missing, too long or not in their one spelling"
            }
            Self::Buffer => "the buffer is shorter than the base",
        })
    }
}

impl core::error::Error for BaseError {}

impl From<TooShort> for BaseError {
    fn from(_: TooShort) -> Self {
        Self::TooShort
    }
}

impl From<Full> for BaseError {
    fn from(_: Full) -> Self {
        Self::Buffer
    }
}

impl From<SubjectError> for BaseError {
    fn from(_: SubjectError) -> Self {
        Self::Subject
    }
}

impl From<ScopeSetError> for BaseError {
    fn from(_: ScopeSetError) -> Self {
        Self::Scopes
    }
}

impl Base {
    /// Writes the base into the front of `out` and returns its length.
    ///
    /// # Errors
    /// [`BaseError::Lifetime`], [`BaseError::Scopes`], [`BaseError::Constraints`] for values that no key
    /// may hold, [`BaseError::Buffer`] when `out` is too short ([`MAX_BASE_LEN`] is always enough).
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BaseError> {
        check_lifetime(self.issued_at, self.expires_at)?;
        if self.scopes.is_empty() {
            return Err(BaseError::Scopes);
        }
        let mut constraints = [0; MAX_CONSTRAINTS_LEN];
        let constraints_len =
            self.constraints.encode(&mut constraints).ok_or(BaseError::Constraints)?;
        let subject = self.subject.as_bytes();
        let subject_len = u8::try_from(subject.len()).map_err(|_| BaseError::Subject)?;
        let announced = if constraints_len == 0 { 0 } else { CONSTRAINTS_FOLLOW };
        let SigningKeyId { tenant, audience, epoch } = self.signing_key;
        let mut writer = Writer::new(out);
        writer.put(&[VERSION])?;
        writer.put(&tenant.0.to_be_bytes())?;
        writer.put(&[audience.0, epoch.number()])?;
        writer.put(&self.key_id.0)?;
        for number in [self.status_index.0, self.issued_at.0, self.expires_at.0] {
            writer.put(&number.to_be_bytes())?;
        }
        writer.put(&[subject_len + announced])?;
        writer.put(subject)?;
        writer.put_with_len(self.scopes.as_bytes())?;
        if constraints_len != 0 {
            writer.put_with_len(constraints.get(..constraints_len).unwrap_or_default())?;
        }
        Ok(writer.len())
    }

    /// Reads a base off the front of `bytes`; it delimits itself. Returns the base and its length.
    ///
    /// # Errors
    /// [`BaseError`] for every byte string that [`Base::encode`] does not write.
    pub fn decode(bytes: &[u8]) -> Result<(Self, usize), BaseError> {
        let (view, _) = BaseView::split_off(bytes)?;
        Ok((view.to_base(), view.bytes.len()))
    }
}

/// Version 1 fixes every algorithm.
pub(crate) const VERSION: u8 = 1;
/// Version, signing-key id, key id, status index, issued-at, expires-at.
pub(crate) const FIXED_LEN: usize = 1 + 4 + 8 + 4 + 4 + 4;
/// Bits 0 to 5 of the subject's length byte.
pub(crate) const SUBJECT_LEN_BITS: u8 = 0x3f;
/// Bit 6 of the subject's length byte, which is zero.
pub(crate) const UNKNOWN_FLAG: u8 = 0x40;
/// Bit 7 of the subject's length byte: constraints follow the scopes.
pub(crate) const CONSTRAINTS_FOLLOW: u8 = 0x80;
