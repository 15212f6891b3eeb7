//! Whether anybody is left who can administer the tenant.

use wardkey::{AudienceId, UnixMillis};

use crate::error::{Conflict, RegistryError};
use crate::key_book::Key;
use crate::revocations::barrier::Barrier;
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
    if audience == AudienceId::ADMINISTRATION {
        keep_one_of_all(store, tenant, force, now)
    } else {
        Ok(())
    }
}

/// The same for what may have reached keys of any audience.
///
/// # Errors
/// As [`keep_one`].
pub(crate) fn keep_one_of_all(
    store: &dyn Store,
    tenant: &Tenant,
    force: bool,
    now: UnixMillis,
) -> Result<(), RegistryError> {
    if force || is_there_one(store, tenant, now)? {
        return Ok(());
    }
    let detail = "nobody could make administration keys any more: make another administrator first, or repeat this \
                  with \"force\": true and recover by a new bootstrap token";
    Err(RegistryError::conflict(Conflict::LastAdmin, detail))
}

/// Whether a key lives that may make keys of audience `wardkey`, and that no revocation is about to reach.
fn is_there_one(
    store: &dyn Store,
    tenant: &Tenant,
    now: UnixMillis,
) -> Result<bool, RegistryError> {
    let cutoff = Tenant::present_cutoff(store, AudienceId::ADMINISTRATION)?;
    let barrier = Barrier::read(store)?;
    for key in Key::administrators(store, cutoff, now)? {
        if !barrier.reaches(store, tenant, &key)? {
            return Ok(true);
        }
    }
    Ok(false)
}
