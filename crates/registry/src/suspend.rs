//! Suspending a key, and resuming it.

use serde::{Deserialize, Serialize};
use wardkey::KeyId;
use wardkey_provision::{AdminScope, check_free_text};

use crate::admission::{Circumstances, admit, visible};
use crate::audit_log::{self, Act, Outcome};
use crate::error::{Conflict, RegistryError};
use crate::idempotency::Attempt;
use crate::key_book::Key;
use crate::last_admin;
use crate::outbox;
use crate::revocation_list;
use crate::revocations::holds_back;
use crate::revoke::{MAX_REASON_LEN, RevocationBound, Revoked};
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
    let Circumstances { credential, idempotency_key, request_id, now } = *circumstances;
    let actor = admit(store, tenant, credential, AdminScope::KeysSuspend, now)?;
    let reason = request.reason.as_deref();
    if let Some(text) = reason {
        check_free_text(text, MAX_REASON_LEN)
            .map_err(|problem| RegistryError::invalid("reason", problem))?;
    }
    let action = if suspended { "key.suspend" } else { "key.resume" };
    let named = format!("{action} {key_id}");
    let attempt =
        Attempt::new(&tenant.secret, actor.key_id.to_string(), idempotency_key, &named, request)?;
    if let Some(attempt) = &attempt
        && let Some(remembered) = attempt.before::<Revoked>(store, now)?
    {
        return Ok(remembered.outcome);
    }
    let key = visible(store, &actor, AdminScope::KeysSuspend, key_id)?;
    if !suspended && holds_back(store, tenant, &key)? {
        return Err(RegistryError::conflict(Conflict::KeyEnded, "the key is being revoked"));
    }
    let changed = key.suspended != suspended;
    key.suspend(store, suspended)?;
    let generations = key.generations(store)?;
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
    let act = Act {
        actor: Some(&actor),
        action,
        audience: key.audience,
        target: Some(key_id.to_string()),
        reason,
        outcome: if changed { Outcome::Done } else { Outcome::Unchanged },
        request_id,
    };
    audit_log::append(store, now, act)?;
    Tenant::keep_time(store, now)?;
    let view = Key::find(store, key_id)?.ok_or(RegistryError::NotFound)?;
    let view = view.view(store, &tenant.policy)?;
    let outcome = Revoked { view, sequence, bound: RevocationBound::published() };
    if let Some(attempt) = &attempt {
        attempt.remember(store, now, &outcome, None)?;
    }
    Ok(outcome)
}
