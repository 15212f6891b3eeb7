//! Suspending a key, and resuming it.

use serde::{Deserialize, Serialize};
use wardkey::KeyId;
use wardkey_provision::AdminScope;

use crate::admission::Circumstances;
use crate::bound::RevocationBound;
use crate::error::{Conflict, RegistryError};
use crate::key_book::Key;
use crate::last_admin;
use crate::mutation::{Deed, Mutation};
use crate::outbox;
use crate::reason;
use crate::revocation_list;
use crate::revocations::barrier::holds_back;
use crate::revoke::Revoked;
use crate::store::Store;
use crate::tenant::Tenant;

/// Why a key is suspended or resumed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SuspendRequest {
    /// In the actor's words: at most 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether nobody may be left who could administer the tenant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

/// Suspends a key or resumes it: a flag beside its generations, which stay where they stand.
pub(crate) fn suspend(
    store: &dyn Store,
    tenant: &Tenant,
    key_id: KeyId,
    suspended: bool,
    request: &SuspendRequest,
    circumstances: &Circumstances<'_>,
) -> Result<Revoked, RegistryError> {
    let now = circumstances.now;
    let action = if suspended { "key.suspend" } else { "key.resume" };
    let name = format!("{action} {key_id}");
    let mutation =
        Mutation::admit(store, tenant, circumstances, AdminScope::KeysSuspend, (&name, request))?;
    let reason = reason::checked(request.reason.as_deref())?;
    if let Some(outcome) = mutation.before()? {
        return Ok(outcome);
    }
    let key = mutation.key(key_id)?;
    if !suspended && holds_back(store, tenant, &key)? {
        return Err(RegistryError::conflict(Conflict::KeyEnded, "the key is being revoked"));
    }
    let generations = key.generations(store)?;
    let cutoff = tenant.cutoff(store, key.audience)?;
    // What died with its signing key alone is issued anew by a rotation, for which it must be resumed.
    if !generations.iter().any(|one| one.lives(now) && !cutoff.kills(one.issued_at)) {
        let detail =
            "no generation of the key lives any more: there is nothing to suspend or resume";
        return Err(RegistryError::conflict(Conflict::KeyEnded, detail));
    }
    let changed = key.suspended != suspended;
    key.suspend(store, suspended)?;
    let living = generations.iter().filter(|one| one.dead(now).is_none());
    let indexes: Vec<_> = living.map(|one| one.status_index).collect();
    let sequence = if suspended {
        last_admin::keep_one(store, tenant, key.audience, request.force, now)?;
        revocation_list::kill(store, &indexes, now)?
    } else {
        revocation_list::revive(store, &indexes, now)?
    };
    if changed {
        key.touch(store)?;
        outbox::post(store, key_id, now)?;
    }
    let target = Some(key_id.to_string());
    mutation.log(Deed { action, audience: key.audience, target, reason, changed })?;
    let view = Key::find(store, key_id)?.ok_or(RegistryError::NotFound)?;
    let view = view.view(store, &tenant.policy)?;
    mutation.end(Revoked { view, sequence, bound: RevocationBound::published() })
}
