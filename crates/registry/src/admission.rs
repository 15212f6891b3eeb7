//! Who acts: the credential of an administration call, checked against the registry's own rows.

use wardkey::{AudienceId, Bounds, Reason, SigningKeyId, UnixMillis, UnverifiedKey};
use wardkey_provision::{Actor, AdminScope};

use crate::check::{seen, standing};
use crate::error::RegistryError;
use crate::store::Store;
use crate::tenant::Tenant;
use crate::wire::WireSecret;

/// Finds the actor of a call from its credential and nothing else, and marks its key as seen.
///
/// # Errors
/// [`RegistryError::Denied`] with the same reasons as any verification; [`RegistryError::MissingScope`]
/// when it does not hold the right for any audience.
pub(crate) fn admit(
    store: &dyn Store,
    tenant: &Tenant,
    credential: &WireSecret,
    needed: AdminScope,
    now: UnixMillis,
) -> Result<Actor, RegistryError> {
    let actor = authenticate(store, tenant, credential, now)?;
    if actor.holds_for_some(needed) {
        Ok(actor)
    } else {
        Err(RegistryError::MissingScope { scope: needed.as_str().into() })
    }
}

pub(crate) fn authenticate(
    store: &dyn Store,
    tenant: &Tenant,
    credential: &WireSecret,
    now: UnixMillis,
) -> Result<Actor, RegistryError> {
    let key = UnverifiedKey::parse(credential.secret_str()).map_err(RegistryError::denied)?;
    let id: SigningKeyId = key.unproven_base().signing_key;
    let ours = id.tenant == tenant.number() && id.audience == AudienceId::ADMINISTRATION;
    let entry = if ours { tenant.signing_key_entry(store, id)? } else { None };
    let entry = entry.ok_or_else(|| RegistryError::denied(Reason::UnknownSigningKey))?;
    let base = key
        .signed_by(&entry)
        .and_then(|key| key.authenticate())
        .and_then(|key| key.in_window())
        .and_then(|key| key.at(now, Bounds::DEFAULT.max_skew_ms()))
        .map(|key| *key.base())
        .map_err(RegistryError::denied)?;
    let (row, generation) =
        standing(store, tenant.number(), &base, now)?.map_err(RegistryError::denied)?;
    seen(store, &row, &generation, now)?;
    let bindings = row.bindings(store)?;
    Ok(Actor { subject: base.subject, key_id: base.key_id, expires_at: base.expires_at, bindings })
}
