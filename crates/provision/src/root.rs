//! The root: the one secret that a deployment holds. It wraps one secret a tenant.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use thiserror::Error;
use wardkey::TenantId;
use zeroize::Zeroizing;

use crate::tenant_secret::TenantSecret;

/// The versions of the root, newest last.
///
/// # Constraints
/// Text `version:secret[,version:secret…]`: decimal versions from 1, ascending, each with 32 bytes in
/// unpadded base64url. The last one wraps; all of them unwrap.
///
/// # Leaks
/// Wiped on drop; `Debug` shows the versions only.
pub struct RootKeys {
    newest: RootKey,
    older: Vec<RootKey>,
}

struct RootKey {
    version: u32,
    secret: Zeroizing<[u8; 32]>,
}

/// A text that is no root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the root is a list of version:secret, versions ascending from 1, secrets 32 bytes in unpadded base64url"
)]
pub struct RootError;

/// A secret that could not be wrapped or unwrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WrapError {
    /// Not the bytes of a wrapped secret.
    #[error("the wrapped tenant secret has another shape")]
    Malformed,
    /// Wrapped by a version that the deployment no longer holds.
    #[error("root version {0} wrapped the tenant secret and is not in the deployment's root")]
    UnknownVersion(u32),
    /// The seal does not open: other bytes, another tenant or another root.
    #[error("the wrapped tenant secret does not open")]
    Seal,
}

impl RootKeys {
    /// Reads the deployment's secret.
    ///
    /// # Errors
    /// [`RootError`], which holds nothing of the text.
    pub fn parse(text: &str) -> Result<Self, RootError> {
        let mut keys = text.split(',').map(RootKey::parse).collect::<Result<Vec<_>, _>>()?;
        if !keys.is_sorted_by(|a, b| a.version < b.version) {
            return Err(RootError);
        }
        let newest = keys.pop().ok_or(RootError)?;
        Ok(Self { newest, older: keys })
    }

    /// The version that wraps.
    pub const fn newest_version(&self) -> u32 {
        self.newest.version
    }

    /// Wraps a tenant's secret with the newest version: version u32 · nonce 24 · sealed secret.
    ///
    /// # Errors
    /// [`WrapError::Seal`] if the cipher refuses, which it has no reason to.
    pub fn wrap(
        &self,
        tenant: TenantId,
        secret: &TenantSecret,
        nonce: [u8; 24],
    ) -> Result<Vec<u8>, WrapError> {
        let aad = associated_data(tenant, self.newest.version);
        let payload = Payload { msg: secret.secret_bytes(), aad: &aad };
        let sealed = self
            .newest
            .cipher()
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| WrapError::Seal)?;
        Ok([&self.newest.version.to_be_bytes(), nonce.as_slice(), &sealed].concat())
    }

    /// The version that wrapped a secret.
    ///
    /// # Errors
    /// [`WrapError::Malformed`].
    pub fn version_of(wrapped: &[u8]) -> Result<u32, WrapError> {
        let (version, _) = wrapped.split_first_chunk::<4>().ok_or(WrapError::Malformed)?;
        Ok(u32::from_be_bytes(*version))
    }

    /// Unwraps a tenant's secret.
    ///
    /// # Errors
    /// [`WrapError`].
    pub fn unwrap(&self, tenant: TenantId, wrapped: &[u8]) -> Result<TenantSecret, WrapError> {
        let (version, rest) = wrapped.split_first_chunk::<4>().ok_or(WrapError::Malformed)?;
        let (nonce, sealed) = rest.split_first_chunk::<24>().ok_or(WrapError::Malformed)?;
        let version = u32::from_be_bytes(*version);
        let mut keys = self.older.iter().chain([&self.newest]);
        let key =
            keys.find(|key| key.version == version).ok_or(WrapError::UnknownVersion(version))?;
        let payload = Payload { msg: sealed, aad: &associated_data(tenant, version) };
        let opened =
            key.cipher().decrypt(&XNonce::from(*nonce), payload).map_err(|_| WrapError::Seal)?;
        let opened = Zeroizing::new(opened);
        let bytes = opened
            .first_chunk::<32>()
            .filter(|_| opened.len() == 32)
            .ok_or(WrapError::Malformed)?;
        Ok(TenantSecret::new(tenant, *bytes))
    }
}

impl RootKey {
    fn parse(text: &str) -> Result<Self, RootError> {
        let (version, encoded) = text.split_once(':').ok_or(RootError)?;
        let version = version.parse().ok().filter(|number| *number > 0).ok_or(RootError)?;
        let mut secret = Zeroizing::new([0; 32]);
        let len = URL_SAFE_NO_PAD.decode_slice(encoded, secret.as_mut()).map_err(|_| RootError)?;
        if len == 32 { Ok(Self { version, secret }) } else { Err(RootError) }
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.secret).into())
    }
}

impl fmt::Debug for RootKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions: Vec<u32> =
            self.older.iter().chain([&self.newest]).map(|key| key.version).collect();
        write!(f, "RootKeys(versions {versions:?}, [redacted])")
    }
}

fn associated_data(tenant: TenantId, version: u32) -> Vec<u8> {
    [b"wardkey/1/tenant-secret".as_slice(), &tenant.0.to_be_bytes(), &version.to_be_bytes()]
        .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(versions: &[(u32, u8)]) -> RootKeys {
        let parts: Vec<String> = versions
            .iter()
            .map(|(version, fill)| format!("{version}:{}", URL_SAFE_NO_PAD.encode([*fill; 32])))
            .collect();
        RootKeys::parse(&parts.join(",")).expect("a root")
    }

    #[test]
    fn a_wrapped_secret_opens_for_its_tenant_and_root_only() {
        let (first, second) = (root(&[(1, 7)]), root(&[(2, 8)]));
        let secret = TenantSecret::new(TenantId(5), [9; 32]);
        let wrapped = first.wrap(TenantId(5), &secret, [3; 24]).expect("wraps");
        assert_eq!(first.unwrap(TenantId(5), &wrapped).expect("opens").secret_bytes(), &[9; 32]);
        assert_eq!(first.unwrap(TenantId(6), &wrapped).err(), Some(WrapError::Seal));
        assert_eq!(second.unwrap(TenantId(5), &wrapped).err(), Some(WrapError::UnknownVersion(1)));
        assert_eq!(root(&[(1, 8)]).unwrap(TenantId(5), &wrapped).err(), Some(WrapError::Seal));
        // After a rotation of the root the older version still opens.
        assert!(root(&[(1, 7), (2, 8)]).unwrap(TenantId(5), &wrapped).is_ok());
        for at in 0..wrapped.len() {
            let mut bent = wrapped.clone();
            bent[at] ^= 1;
            assert!(first.unwrap(TenantId(5), &bent).is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_root_is_refused_without_a_word_of_it() {
        let good = URL_SAFE_NO_PAD.encode([1; 32]);
        for bad in [
            String::new(),
            good.clone(),
            format!("0:{good}"),
            format!("1:{good}x"),
            format!("2:{good},1:{good}"),
            format!("1:{good},1:{good}"),
            "1:abc".into(),
        ] {
            assert_eq!(RootKeys::parse(&bad).err(), Some(RootError), "{bad}");
        }
        assert_eq!(
            format!("{:?}", root(&[(1, 7), (3, 7)])),
            "RootKeys(versions [1, 3], [redacted])"
        );
    }
}
