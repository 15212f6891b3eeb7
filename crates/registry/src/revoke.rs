//! Revoking a key.

use serde::{Deserialize, Serialize};
use wardkey::{Bounds, KeyId, StatusIndex};
use wardkey_provision::{AdminScope, check_free_text};

use crate::admission::{Circumstances, admit, visible};
use crate::audit_log::{self, Act, Outcome};
use crate::error::RegistryError;
use crate::idempotency::Attempt;
use crate::key_book::KeyView;
use crate::last_admin;
use crate::outbox;
use crate::revocation_list;
use crate::store::Store;
use crate::tenant::Tenant;

/// Why a key is revoked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RevokeRequest {
    /// In the actor's words: at most 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Only this generation; all of them by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
    /// Whether nobody may be left who could administer the tenant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

/// A revoked key, and when the last verifier knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// The key.
    pub view: KeyView,
    /// The list's sequence from which on it is dead.
    pub sequence: u64,
    /// How soon verifiers deny it.
    pub bound: RevocationBound,
}

/// The published bound, in milliseconds from this answer; clocks may add `max_skew_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RevocationBound {
    /// While the registry can be reached.
    pub typical_ms: u32,
    /// Scopes of level high, while it cannot.
    pub high_ms: u32,
    /// Scopes of level standard, while it cannot.
    pub standard_ms: u32,
    /// Scopes of level low, while it cannot.
    pub low_ms: u32,
    /// Scopes of level strict: the next call.
    pub strict_ms: u32,
    /// How far a clock may be off.
    pub max_skew_ms: u32,
}

impl RevocationBound {
    /// The bound of every audience.
    pub(crate) fn published() -> Self {
        let [typical_ms, high_ms, standard_ms, low_ms, max_skew_ms] = Bounds::DEFAULT.figures();
        Self { typical_ms, high_ms, standard_ms, low_ms, strict_ms: 0, max_skew_ms }
    }
}

/// Revokes one generation of a key, or every one. Revoking it again changes nothing and answers the same.
pub(crate) fn revoke(
    store: &dyn Store,
    tenant: &Tenant,
    key_id: KeyId,
    request: &RevokeRequest,
    circumstances: &Circumstances<'_>,
) -> Result<Revoked, RegistryError> {
    let Circumstances { credential, idempotency_key, request_id, now } = *circumstances;
    let actor = admit(store, tenant, credential, AdminScope::KeysRevoke, now)?;
    let reason = request.reason.as_deref();
    if let Some(text) = reason {
        check_free_text(text, MAX_REASON_LEN)
            .map_err(|problem| RegistryError::invalid("reason", problem))?;
    }
    let action = format!("key.revoke {key_id}");
    let attempt =
        Attempt::new(&tenant.secret, actor.key_id.to_string(), idempotency_key, &action, request)?;
    if let Some(attempt) = &attempt
        && let Some(remembered) = attempt.before::<Revoked>(store, now)?
    {
        return Ok(remembered.outcome);
    }
    let key = visible(store, &actor, AdminScope::KeysRevoke, key_id)?;
    let generations = key.generations(store)?;
    let asked = |number: u32| request.generation.is_none_or(|only| only == number);
    if !generations.iter().any(|one| asked(one.number)) {
        return Err(RegistryError::invalid("generation", "must be one of the key's"));
    }
    let living: Vec<_> =
        generations.iter().filter(|one| asked(one.number) && !one.is_revoked()).collect();
    let indexes: Vec<StatusIndex> = living.iter().map(|one| one.status_index).collect();
    for generation in &living {
        generation.revoke(store, reason, now)?;
    }
    last_admin::keep_one(store, tenant, key.audience, request.force || living.is_empty(), now)?;
    let sequence = revocation_list::kill(store, &indexes, now)?;
    if !living.is_empty() {
        key.touch(store)?;
        outbox::post(store, key_id, now)?;
    }
    let act = Act {
        actor: Some(&actor),
        action: "key.revoke",
        audience: key.audience,
        target: Some(key_id.to_string()),
        reason,
        outcome: if living.is_empty() { Outcome::Unchanged } else { Outcome::Done },
        request_id,
    };
    audit_log::append(store, now, act)?;
    Tenant::keep_time(store, now)?;
    let view = key.view(store, &tenant.policy)?;
    let revoked = Revoked { view, sequence, bound: RevocationBound::published() };
    if let Some(attempt) = &attempt {
        attempt.remember(store, now, &revoked, None)?;
    }
    Ok(revoked)
}

/// Longest reason, in bytes.
pub(crate) const MAX_REASON_LEN: usize = 256;
