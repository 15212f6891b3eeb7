//! Sealed records: what lies outside the registry opens only as itself.

use std::fmt;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use thiserror::Error;
use wardkey::{KeyId, TenantId};
use zeroize::Zeroizing;

/// Seals one version of one record.
///
/// # Leaks
/// Wiped on drop; `Debug` shows nothing.
pub struct RecordKey(Zeroizing<[u8; 32]>);

impl RecordKey {
    /// Takes the 32 secret bytes.
    pub const fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// The secret bytes, for the way from the registry to the Worker that opens the record.
    pub fn secret_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordKey([redacted])")
    }
}

/// What a sealed record is: bound into the seal, so that one that is moved, swapped or rolled back
/// does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordName {
    /// Whose.
    pub tenant: TenantId,
    /// Of which key.
    pub key_id: KeyId,
    /// Which version of it.
    pub version: u64,
}

/// A record that could not be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SealError {
    /// Not the bytes of a sealed record.
    #[error("the sealed record has another shape")]
    Malformed,
    /// Another version than asked for: a copy that lags.
    #[error("the sealed record is version {found}, not {wanted}")]
    Version {
        /// The version it says it is.
        found: u64,
        /// The version asked for.
        wanted: u64,
    },
    /// The seal does not open.
    #[error("the sealed record does not open")]
    Seal,
}

/// Seals a record: format version u8 = 1 · record version u64 · nonce 24 · sealed bytes
/// (XChaCha20-Poly1305).
///
/// # Errors
/// [`SealError::Seal`] if the cipher refuses, which it has no reason to.
pub fn seal_record(
    key: &RecordKey,
    name: RecordName,
    nonce: [u8; 24],
    record: &[u8],
) -> Result<Vec<u8>, SealError> {
    let payload = Payload { msg: record, aad: &associated_data(name) };
    let sealed = cipher(key).encrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::Seal)?;
    Ok([&[FORMAT_VERSION], name.version.to_be_bytes().as_slice(), &nonce, &sealed].concat())
}

/// Opens a record as exactly the one that it is said to be.
///
/// # Errors
/// [`SealError`]; [`SealError::Version`] for an older or newer copy.
pub fn open_record(key: &RecordKey, name: RecordName, bytes: &[u8]) -> Result<Vec<u8>, SealError> {
    let (format, rest) = bytes.split_first().ok_or(SealError::Malformed)?;
    let (version, rest) = rest.split_first_chunk::<8>().ok_or(SealError::Malformed)?;
    let (nonce, sealed) = rest.split_first_chunk::<24>().ok_or(SealError::Malformed)?;
    if *format != FORMAT_VERSION {
        return Err(SealError::Malformed);
    }
    let found = u64::from_be_bytes(*version);
    if found != name.version {
        return Err(SealError::Version { found, wanted: name.version });
    }
    let payload = Payload { msg: sealed, aad: &associated_data(name) };
    cipher(key).decrypt(&XNonce::from(*nonce), payload).map_err(|_| SealError::Seal)
}

fn cipher(key: &RecordKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.secret_bytes().into())
}

fn associated_data(name: RecordName) -> Vec<u8> {
    let tenant = name.tenant.0.to_be_bytes();
    [b"wardkey/1/key-record".as_slice(), &tenant, &name.key_id.0, &name.version.to_be_bytes()]
        .concat()
}

const FORMAT_VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_is_moved_swapped_or_rolled_back_does_not_open() {
        let key = RecordKey::new(Zeroizing::new([1; 32]));
        let name = RecordName { tenant: TenantId(1), key_id: KeyId([2; 8]), version: 3 };
        let sealed = seal_record(&key, name, [5; 24], b"record").expect("seals");
        assert_eq!(open_record(&key, name, &sealed).expect("opens"), b"record");
        let other_tenant = RecordName { tenant: TenantId(2), ..name };
        let other_key = RecordName { key_id: KeyId([3; 8]), ..name };
        let newer = RecordName { version: 4, ..name };
        assert_eq!(open_record(&key, other_tenant, &sealed), Err(SealError::Seal));
        assert_eq!(open_record(&key, other_key, &sealed), Err(SealError::Seal));
        assert_eq!(
            open_record(&key, newer, &sealed),
            Err(SealError::Version { found: 3, wanted: 4 })
        );
        let mut relabelled = sealed.clone();
        relabelled[8] = 4;
        assert_eq!(open_record(&key, newer, &relabelled), Err(SealError::Seal));
        for cut in 0..sealed.len() {
            assert!(open_record(&key, name, &sealed[..cut]).is_err());
        }
    }
}
