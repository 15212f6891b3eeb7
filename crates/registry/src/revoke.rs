//! Revoking a key.

use serde::{Deserialize, Serialize};
use wardkey::{KeyId, StatusIndex};
use wardkey_provision::AdminScope;

use crate::admission::Circumstances;
use crate::bound::RevocationBound;
use crate::error::RegistryError;
use crate::key_view::KeyView;
use crate::last_admin;
use crate::mutation::{Deed, Mutation};
use crate::outbox;
use crate::reason;
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

/// Revokes one generation of a key, or every one. Revoking it again changes nothing and answers the same.
pub(crate) fn revoke(
    store: &dyn Store,
    tenant: &Tenant,
    key_id: KeyId,
    request: &RevokeRequest,
    circumstances: &Circumstances<'_>,
) -> Result<Revoked, RegistryError> {
    let now = circumstances.now;
    let name = format!("key.revoke {key_id}");
    let mutation =
        Mutation::admit(store, tenant, circumstances, AdminScope::KeysRevoke, (&name, request))?;
    let reason = reason::checked(request.reason.as_deref())?;
    if let Some(revoked) = mutation.before()? {
        return Ok(revoked);
    }
    let key = mutation.key(key_id)?;
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
    mutation.log(Deed {
        action: "key.revoke",
        audience: key.audience,
        target: Some(key_id.to_string()),
        reason,
        changed: !living.is_empty(),
    })?;
    let view = key.view(store, &tenant.policy)?;
    mutation.end(Revoked { view, sequence, bound: RevocationBound::published() })
}
