//! Whether anybody is left who can administer the tenant.

use wardkey::{AudienceId, UnixMillis};
use wardkey_provision::AdminScope;

use crate::error::{Conflict, RegistryError};
use crate::store::Store;
use crate::tenant::Tenant;

/// Refuses what a mutation has just done to keys of an audience, if it leaves nobody who may make administration
/// keys. To be called after the effect and inside its transaction.
///
/// # Errors
/// [`Conflict::LastAdmin`], unless forced.
pub(crate) fn keep_one(
    store: &dyn Store,
    tenant: &Tenant,
    audience: AudienceId,
    force: bool,
    now: UnixMillis,
) -> Result<(), RegistryError> {
    if force || audience != AudienceId::ADMINISTRATION || is_there_one(store, tenant, now)? {
        return Ok(());
    }
    let detail = "nobody could make administration keys any more: make another administrator first, or repeat this \
                  with \"force\": true and recover by a new bootstrap token";
    Err(RegistryError::conflict(Conflict::LastAdmin, detail))
}

/// Whether a key lives that may make keys of audience `wardkey`.
fn is_there_one(
    store: &dyn Store,
    tenant: &Tenant,
    now: UnixMillis,
) -> Result<bool, RegistryError> {
    let administration = AudienceId::ADMINISTRATION;
    let cutoff = tenant.cutoff(store, administration)?;
    let rows = store.query(
        "SELECT 1 FROM binding
         JOIN key ON key.id = binding.key_id AND key.suspended = 0
         JOIN generation ON generation.key_id = key.id
          AND generation.state IN ('pending', 'active', 'retiring')
          AND generation.expires_at * 1000 > ?1
          AND generation.issued_at > ?2
          AND coalesce(generation.retire_at, ?1 + 1) > ?1
         JOIN signing_key ON signing_key.audience = key.audience AND signing_key.epoch = generation.epoch
          AND signing_key.dead_at IS NULL
         WHERE binding.scope = ?3 AND binding.audience = ?4 AND key.audience = ?4 LIMIT 1",
        &[
            now.0.into(),
            cutoff.0.0.into(),
            AdminScope::KeysCreate.number().into(),
            administration.0.into(),
        ],
    )?;
    Ok(!rows.is_empty())
}
