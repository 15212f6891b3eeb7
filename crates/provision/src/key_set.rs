//! The bytes of a key set, as the core reads them.

use thiserror::Error;
use wardkey::{Bounds, Epoch, Prefix, SigningKeyId, UnixSeconds};
use zeroize::Zeroizing;

use crate::policy::AudiencePolicy;
use crate::tenant_secret::TenantSecret;

/// A signing key that verifiers shall know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveSigningKey {
    /// Which.
    pub epoch: Epoch,
    /// First second in which it may sign.
    pub mint_from: UnixSeconds,
    /// Last second in which it may sign.
    pub mint_until: UnixSeconds,
    /// Latest expiry of its keys.
    pub verify_until: UnixSeconds,
}

/// More than a key set can hold, or none of what it must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a key set holds 1 to 8 signing keys and 1 to 256 scopes with names of at most 64 bytes")]
pub struct KeySetTooLong;

/// Writes the key set of an audience, a secret: format version u8 = 1 · tenant u16 · audience u8 · key-set
/// version u32 · bounds 5 × u32 · list key 32 · count u8 · per epoch, ascending: epoch u8, key 32, prefix
/// length u8, prefix, mint-from, mint-until, verify-until u32 · scope count u16 · per scope, ascending:
/// number u8, risk u8, name length u8, name.
///
/// # Errors
/// [`KeySetTooLong`].
pub fn key_set_bytes(
    secret: &TenantSecret,
    audience: &AudiencePolicy,
    prefix: &Prefix,
    version: u32,
    bounds: &Bounds,
    signing_keys: &[LiveSigningKey],
) -> Result<Zeroizing<Vec<u8>>, KeySetTooLong> {
    let count = u8::try_from(signing_keys.len()).map_err(|_| KeySetTooLong)?;
    if count == 0 || signing_keys.len() > wardkey::MAX_LIVE_EPOCHS {
        return Err(KeySetTooLong);
    }
    let mut signing_keys = signing_keys.to_vec();
    signing_keys.sort_by_key(|key| key.epoch);
    // WHY: the exact capacity, so that growing leaves no unwiped copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_LEN));
    bytes.push(FORMAT_VERSION);
    bytes.extend(secret.tenant().0.to_be_bytes());
    bytes.push(audience.number);
    bytes.extend(version.to_be_bytes());
    bytes.extend(bounds.figures().map(u32::to_be_bytes).concat());
    bytes.extend(secret.secret_list_key(audience.id()).iter());
    bytes.push(count);
    for key in signing_keys {
        let id =
            SigningKeyId { tenant: secret.tenant(), audience: audience.id(), epoch: key.epoch };
        bytes.push(key.epoch.number());
        bytes.extend(secret.secret_signing_key(id).iter());
        bytes.push(u8::try_from(prefix.as_str().len()).map_err(|_| KeySetTooLong)?);
        bytes.extend(prefix.as_str().as_bytes());
        for second in [key.mint_from, key.mint_until, key.verify_until] {
            bytes.extend(second.0.to_be_bytes());
        }
    }
    let mut scopes: Vec<_> = audience.scopes.iter().collect();
    if !(1..=MAX_SCOPES).contains(&scopes.len()) {
        return Err(KeySetTooLong);
    }
    bytes.extend(u16::try_from(scopes.len()).map_err(|_| KeySetTooLong)?.to_be_bytes());
    scopes.sort_by_key(|scope| scope.number);
    for scope in scopes {
        bytes.push(scope.number);
        bytes.push(scope.risk().ok_or(KeySetTooLong)?.number());
        bytes.push(u8::try_from(scope.name.len()).map_err(|_| KeySetTooLong)?);
        bytes.extend(scope.name.as_bytes());
    }
    Ok(bytes)
}

const FORMAT_VERSION: u8 = 1;
/// One for each number.
const MAX_SCOPES: usize = 256;
/// Head, list key and counts, eight signing keys, 256 scopes.
const MAX_LEN: usize = 64 + 8 * 64 + MAX_SCOPES * (3 + wardkey::MAX_SCOPE_NAME_LEN);
