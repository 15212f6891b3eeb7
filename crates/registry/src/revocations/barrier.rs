//! The barrier: what a revocation reaches is denied on every registry path from its first transaction on.

use wardkey::KeyId;

use crate::error::RegistryError;
use crate::key_book::Key;
use crate::revocations::progress::{Revocation, RevocationState};
use crate::revocations::selector::Selector;
use crate::store::Store;
use crate::tenant::Tenant;

/// The revocations that are being expanded.
pub(crate) struct Barrier(Vec<Revocation>);

impl Barrier {
    pub(crate) fn read(store: &dyn Store) -> Result<Self, RegistryError> {
        let mut pending = Revocation::pending(store)?;
        pending.retain(|revocation| revocation.state == RevocationState::Expanding);
        Ok(Self(pending))
    }

    /// Whether one of them reaches a key.
    pub(crate) fn reaches(
        &self,
        store: &dyn Store,
        tenant: &Tenant,
        key: &Key,
    ) -> Result<bool, RegistryError> {
        for revocation in &self.0 {
            if key.created_at() > revocation.started_at {
                continue;
            }
            let reached = match &revocation.select {
                Selector::Subject { subject, audience } => {
                    let audience = audience.as_deref().map(|name| tenant.audience_named(name));
                    key.subject.as_str() == subject
                        && audience.is_none_or(|only| only == Some(key.audience))
                }
                Selector::Issuer { key_id, descendants } => {
                    was_made_by(store, key, key_id, *descendants)?
                }
                Selector::Audience { .. }
                | Selector::IssuedUntil { .. }
                | Selector::Everything {} => false,
            };
            if reached {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether a revocation that is being expanded reaches a key.
pub(crate) fn holds_back(
    store: &dyn Store,
    tenant: &Tenant,
    key: &Key,
) -> Result<bool, RegistryError> {
    Barrier::read(store)?.reaches(store, tenant, key)
}

/// Whether an issuer stands above a key: right above, or anywhere.
fn was_made_by(
    store: &dyn Store,
    key: &Key,
    issuer: &str,
    anywhere: bool,
) -> Result<bool, RegistryError> {
    // A key is made after its issuer, so that this comes to an end.
    let mut above = key.issuer().map(str::to_owned);
    while let Some(one) = above {
        if one == issuer {
            return Ok(true);
        }
        let id: Option<KeyId> = one.parse().ok().filter(|_| anywhere);
        let found = id.map(|id| Key::find(store, id)).transpose()?.flatten();
        above = found.and_then(|key| key.issuer().map(str::to_owned));
    }
    Ok(false)
}
