//! A tenant's secret, from which every other key of the tenant is derived.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use wardkey::{AudienceId, KeyId, ListKey, SigningKey, SigningKeyId, TenantId};
use zeroize::Zeroizing;

use crate::sealed_record::RecordKey;

/// 32 random bytes, kept wrapped by the root.
///
/// Keys are derived by HKDF-SHA-256 (RFC 5869) without salt; the info is a list of parts, each behind
/// its length as u16, so that no two purposes share an info.
///
/// # Leaks
/// Wiped on drop; `Debug` shows nothing.
pub struct TenantSecret {
    tenant: TenantId,
    bytes: Zeroizing<[u8; 32]>,
}

impl TenantSecret {
    /// Takes 32 random bytes as the secret of a tenant.
    pub fn new(tenant: TenantId, bytes: [u8; 32]) -> Self {
        Self { tenant, bytes: Zeroizing::new(bytes) }
    }

    /// The tenant that it belongs to.
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    pub(crate) fn secret_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// The signing key of an audience and epoch of this tenant.
    pub fn signing_key(&self, id: SigningKeyId) -> SigningKey {
        SigningKey::new(&self.secret_signing_key(id))
    }

    pub(crate) fn secret_signing_key(&self, id: SigningKeyId) -> Zeroizing<[u8; 32]> {
        self.derive(b"signing-key", &[&[id.audience.0], &[id.epoch.number()]])
    }

    /// The list key of an audience.
    pub fn list_key(&self, audience: AudienceId) -> ListKey {
        ListKey::new(&self.secret_list_key(audience))
    }

    pub(crate) fn secret_list_key(&self, audience: AudienceId) -> Zeroizing<[u8; 32]> {
        self.derive(b"list-key", &[&[audience.0]])
    }

    /// The key that seals one version of one key's record.
    pub fn record_key(&self, key_id: KeyId, version: u64) -> RecordKey {
        RecordKey::new(self.derive(b"record-key", &[&key_id.0, &version.to_be_bytes()]))
    }

    /// The key of the digests that idempotency compares requests by.
    pub fn request_digest_key(&self) -> Zeroizing<[u8; 32]> {
        self.derive(b"request-digest", &[])
    }

    fn derive(&self, purpose: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        let tenant = self.tenant.0.to_be_bytes();
        let mut info = Vec::new();
        for part in
            [b"wardkey/1".as_slice(), purpose, &tenant].into_iter().chain(parts.iter().copied())
        {
            info.extend(u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes());
            info.extend(part);
        }
        let mut key = Zeroizing::new([0; 32]);
        // INVARIANT: HKDF refuses outputs above 255 × 32 bytes only; an all-zero key never leaves.
        match Hkdf::<Sha256>::new(None, self.bytes.as_slice()).expand(&info, key.as_mut()) {
            Ok(()) => key,
            Err(hkdf::InvalidLength) => std::process::abort(),
        }
    }
}

impl fmt::Debug for TenantSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantSecret(tenant {}, [redacted])", self.tenant.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wardkey::Epoch;

    #[test]
    fn every_purpose_tenant_audience_and_epoch_has_a_key_of_its_own() {
        let mut seen = std::collections::BTreeSet::new();
        for tenant in [0, 1, 256] {
            let secret = TenantSecret::new(TenantId(tenant), [4; 32]);
            for audience in [0, 1, 2] {
                let audience = AudienceId(audience);
                assert!(seen.insert(*secret.secret_list_key(audience)));
                for epoch in [1, 2] {
                    let epoch = Epoch::new(epoch).expect("not 0");
                    let id = SigningKeyId { tenant: TenantId(tenant), audience, epoch };
                    assert!(seen.insert(*secret.secret_signing_key(id)));
                }
            }
            assert!(seen.insert(*secret.request_digest_key()));
            for version in [1, 2] {
                assert!(seen.insert(*secret.record_key(KeyId([1; 8]), version).secret_bytes()));
            }
        }
        assert_eq!(seen.len(), 3 * (3 * 3 + 1 + 2));
    }

    #[test]
    fn the_secret_does_not_show_in_debug() {
        assert_eq!(
            format!("{:?}", TenantSecret::new(TenantId(3), [1; 32])),
            "TenantSecret(tenant 3, [redacted])"
        );
    }
}
