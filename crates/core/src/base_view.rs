//! The base of a key where it stands in its bytes: read, and nothing copied.

use crate::base::{
    Base, BaseError, CONSTRAINTS_FOLLOW, FIXED_LEN, MIN_LIFETIME_SECONDS, SUBJECT_LEN_BITS,
    UNKNOWN_FLAG, VERSION,
};
use crate::bytes::Reader;
use crate::constraints::ConstraintsView;
use crate::identifier::{AudienceId, Epoch, KeyId, SigningKeyId, StatusIndex, TenantId};
use crate::scope::ScopesView;
use crate::subject::SubjectView;
use crate::time::UnixSeconds;

/// What [`Base`] holds, and its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BaseView<'b> {
    pub(crate) bytes: &'b [u8],
    pub(crate) signing_key: SigningKeyId,
    pub(crate) key_id: KeyId,
    pub(crate) status_index: StatusIndex,
    pub(crate) issued_at: UnixSeconds,
    pub(crate) expires_at: UnixSeconds,
    pub(crate) subject: SubjectView<'b>,
    pub(crate) scopes: ScopesView<'b>,
    pub(crate) constraints: ConstraintsView<'b>,
}

impl<'b> BaseView<'b> {
    /// Reads a base off the front of `bytes`, which it delimits itself, and returns what is left of them.
    pub(crate) fn split_off(bytes: &'b [u8]) -> Result<(Self, &'b [u8]), BaseError> {
        // WHY: of a front of this length every field is there, and none is looked for.
        if bytes.first().is_some_and(|version| *version != VERSION) {
            return Err(BaseError::Version);
        }
        let (front, rest) = bytes.split_first_chunk::<FRONT_LEN>().ok_or(BaseError::TooShort)?;
        let mut reader = Reader::new(front);
        reader.u8()?;
        let signing_key = SigningKeyId {
            tenant: TenantId(reader.u16()?),
            audience: AudienceId(reader.u8()?),
            epoch: Epoch::new(reader.u8()?).ok_or(BaseError::Epoch)?,
        };
        let key_id = KeyId(reader.array()?);
        let status_index = StatusIndex(reader.u32()?);
        let issued_at = UnixSeconds(reader.u32()?);
        let expires_at = UnixSeconds(reader.u32()?);
        let subject_byte = reader.u8()?;
        if subject_byte & UNKNOWN_FLAG != 0 {
            return Err(BaseError::Flag);
        }
        let mut reader = Reader::new(rest);
        let subject_len = usize::from(subject_byte & SUBJECT_LEN_BITS);
        let subject = SubjectView::from_bytes(reader.take(subject_len)?)?;
        let scopes_len = reader.u8()?;
        let scopes = ScopesView::from_bytes(reader.take(usize::from(scopes_len))?)?;
        let constraints = if subject_byte & CONSTRAINTS_FOLLOW == 0 {
            ConstraintsView::default()
        } else {
            let len = reader.u8()?;
            let bytes = reader.take(usize::from(len))?;
            ConstraintsView::decode(bytes).ok_or(BaseError::Constraints)?
        };
        check_lifetime(issued_at, expires_at)?;
        let rest = reader.rest();
        let bytes = bytes.get(..bytes.len() - rest.len()).ok_or(BaseError::TooShort)?;
        let view = Self {
            bytes,
            signing_key,
            key_id,
            status_index,
            issued_at,
            expires_at,
            subject,
            scopes,
            constraints,
        };
        Ok((view, rest))
    }

    /// The same in memory of its own.
    pub(crate) fn to_base(self) -> Base {
        Base {
            signing_key: self.signing_key,
            key_id: self.key_id,
            status_index: self.status_index,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            subject: self.subject.to_subject(),
            scopes: self.scopes.to_set(),
            constraints: self.constraints.to_constraints(),
        }
    }
}

/// Bytes up to the subject's length.
const FRONT_LEN: usize = FIXED_LEN + 1;

/// A key lives long enough to be used.
pub(crate) fn check_lifetime(
    issued_at: UnixSeconds,
    expires_at: UnixSeconds,
) -> Result<(), BaseError> {
    match expires_at.0.checked_sub(issued_at.0) {
        Some(lifetime) if lifetime >= MIN_LIFETIME_SECONDS => Ok(()),
        _ => Err(BaseError::Lifetime),
    }
}
