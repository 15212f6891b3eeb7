//! From a grant to a key.

use thiserror::Error;
use wardkey::{
    Base, BaseError, Epoch, KeyId, KeyText, Prefix, SigningKeyId, StatusIndex, UnixSeconds,
};

use crate::grant::Grant;
use crate::tenant_secret::TenantSecret;

/// A generation as it stands in its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minted {
    /// What the key says.
    pub base: Base,
}

/// A grant that makes no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the grant makes no key: {0}")]
pub struct MintError(BaseError);

impl MintError {
    /// The field of a request that makes a grant such a one.
    pub const fn field(&self) -> &'static str {
        match self.0 {
            BaseError::Constraints | BaseError::Buffer => "constraints",
            _ => "expires_in",
        }
    }
}

/// Makes the next generation of a key.
///
/// # Errors
/// [`MintError`] when the lifetime is too short by the time of minting, or the constraints are too long for a key.
pub fn mint(
    grant: &Grant,
    secret: &TenantSecret,
    epoch: Epoch,
    key_id: KeyId,
    status_index: StatusIndex,
    issued_at: UnixSeconds,
) -> Result<Minted, MintError> {
    let base = Base {
        signing_key: SigningKeyId { tenant: secret.tenant(), audience: grant.audience(), epoch },
        key_id,
        status_index,
        issued_at,
        expires_at: grant.expires_at(),
        subject: grant.subject(),
        scopes: grant.scopes(),
        constraints: grant.constraints(),
    };
    base.encode(&mut [0; wardkey::MAX_BASE_LEN]).map_err(MintError)?;
    Ok(Minted { base })
}

/// The text of a generation, derived anew: it is stored nowhere.
///
/// # Errors
/// [`MintError`] for a base that no key may hold.
pub fn key_text(secret: &TenantSecret, prefix: &Prefix, base: &Base) -> Result<KeyText, MintError> {
    KeyText::sign(prefix, base, &secret.signing_key(base.signing_key)).map_err(MintError)
}
