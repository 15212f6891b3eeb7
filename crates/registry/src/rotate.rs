//! The next generation of a key, and the end of the one before.

use serde::{Deserialize, Serialize};
use wardkey::{AudienceId, KeyId, UnixSeconds};
use wardkey_provision::{AdminScope, Grant, KeyConstraints, KeyRequest, Policy};

use crate::admission::Circumstances;
use crate::bound::RevocationBound;
use crate::create::{Created, Next, add_generation, before, finish};
use crate::error::{Conflict, RegistryError};
use crate::generation::Generation;
use crate::key_book::Key;
use crate::key_view::KeyReply;
use crate::mutation::{Deed, Mutation};
use crate::outbox;
use crate::revocation_list;
use crate::revocations::barrier::holds_back;
use crate::store::Store;
use crate::tenant::{Tenant, second_of};

/// What the next generation shall be. What is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RotateRequest {
    /// Names of scopes; not for administration keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Names of roles, which expand to their scopes as the policy has them now; beside `scopes` or instead of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Lifetime in seconds; by default that of the generation before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u32>,
    /// When and from where it may be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constraints: Option<KeyConstraints>,
    /// For how long the generation before lives once this one has been seen, in seconds: at most 30 days. By default
    /// what the policy says, or one day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_s: Option<u32>,
}

/// Makes the next generation. The one before lives on until this one has been seen and the overlap has passed,
/// or until somebody confirms.
pub(crate) fn rotate(
    store: &dyn Store,
    tenant: &Tenant,
    key_id: KeyId,
    request: &RotateRequest,
    circumstances: &Circumstances<'_>,
) -> Result<Created, RegistryError> {
    let now = circumstances.now;
    let name = format!("key.rotate {key_id}");
    let mutation =
        Mutation::admit(store, tenant, circumstances, AdminScope::KeysRotate, (&name, request))?;
    if let Some(created) = before(store, tenant, mutation.attempt.as_ref(), now)? {
        return Ok(created);
    }
    let key = mutation.key(key_id)?;
    let overlap_s = request.overlap_s.unwrap_or_else(|| tenant.policy.overlap_s());
    if overlap_s > Policy::MAX_OVERLAP_S {
        return Err(RegistryError::invalid("overlap_s", "must be at most 2592000, 30 days"));
    }
    if key.suspended {
        return Err(RegistryError::conflict(Conflict::KeySuspended, "resume the key first"));
    }
    if holds_back(store, tenant, &key)? {
        return Err(RegistryError::conflict(Conflict::KeyEnded, "the key is being revoked"));
    }
    let cutoff = tenant.cutoff(store, key.audience)?;
    let generations = key.generations(store)?;
    let lives = |one: &&Generation| one.dead(now).is_none() && !cutoff.kills(one.issued_at);
    let living: Vec<_> = generations.iter().filter(lives).collect();
    let lost = generations
        .last()
        .filter(|one| one.lost_its_signing_key(now) && !cutoff.kills(one.issued_at));
    let newest = match (living.as_slice(), lost) {
        // What died with its signing key alone is issued anew in this way.
        ([], Some(lost)) => lost,
        ([], None) => {
            let detail = "no generation of the key lives any more: create another key";
            return Err(RegistryError::conflict(Conflict::KeyEnded, detail));
        }
        ([one], _) => *one,
        _ => {
            let detail = "two generations live: confirm the newer one, or revoke one of them";
            return Err(RegistryError::conflict(Conflict::RotationInProgress, detail));
        }
    };
    let asked = key_request(store, tenant, &key, newest, request)?;
    let second = second_of(now)?;
    // What a bootstrap token allowed, the policy never judged.
    let grant = if key.issuer().is_none() {
        Grant::renew_bootstrap(&tenant.policy, &mutation.actor, &asked, second)?
    } else {
        Grant::decide(&tenant.policy, &mutation.actor, AdminScope::KeysRotate, &asked, second)?
    };
    let last = generations.last().map_or(0, |one| one.number);
    key.touch(store)?;
    let next = Next { key_id, number: last + 1, overlap_s };
    let issued = add_generation(store, tenant, &grant, next, now)?;
    mutation.log(Deed {
        action: "key.rotate",
        audience: key.audience,
        target: Some(key_id.to_string()),
        reason: None,
        changed: true,
    })?;
    finish(store, mutation.attempt.as_ref(), issued, now)
}

/// Retires every generation but the newest at once: its holder has it.
pub(crate) fn confirm(
    store: &dyn Store,
    tenant: &Tenant,
    key_id: KeyId,
    circumstances: &Circumstances<'_>,
) -> Result<KeyReply, RegistryError> {
    let now = circumstances.now;
    let name = format!("key.confirm {key_id}");
    let mutation =
        Mutation::admit(store, tenant, circumstances, AdminScope::KeysRotate, (&name, &()))?;
    if let Some(outcome) = mutation.before()? {
        return Ok(outcome);
    }
    let key = mutation.key(key_id)?;
    let generations = key.generations(store)?;
    let newest = generations.last().filter(|one| one.dead(now).is_none());
    let newest = newest.ok_or_else(|| {
        let detail = "the newest generation is dead: revoke the key or rotate it";
        RegistryError::conflict(Conflict::KeyEnded, detail)
    })?;
    let earlier: Vec<_> = generations
        .iter()
        .filter(|one| one.number < newest.number && one.dead(now).is_none())
        .collect();
    let mut changed = newest.mark_seen(store, now)?;
    for generation in &earlier {
        generation.retire(store, now)?;
        changed = true;
    }
    let indexes: Vec<_> = earlier.iter().map(|one| one.status_index).collect();
    let sequence = revocation_list::kill(store, &indexes, now)?;
    if changed {
        key.touch(store)?;
        outbox::post(store, key_id, now)?;
    }
    mutation.log(Deed {
        action: "key.confirm",
        audience: key.audience,
        target: Some(key_id.to_string()),
        reason: None,
        changed,
    })?;
    mutation.end(KeyReply {
        view: key.view(store, &tenant.policy)?,
        list_sequence: Some(sequence),
        bound: Some(RevocationBound::published()),
    })
}

/// What would have to be asked for to have such a generation: it passes the policy as a new key does.
fn key_request(
    store: &dyn Store,
    tenant: &Tenant,
    key: &Key,
    newest: &Generation,
    request: &RotateRequest,
) -> Result<KeyRequest, RegistryError> {
    if key.audience == AudienceId::ADMINISTRATION {
        let problem = "are not changed for an administration key: create another";
        for (field, is_given) in
            [("scopes", request.scopes.is_some()), ("roles", !request.roles.is_empty())]
        {
            if is_given {
                return Err(RegistryError::invalid(field, problem));
            }
        }
    }
    // Roles alone say what the key shall hold, as they do for a new one.
    let scopes = match &request.scopes {
        Some(scopes) => scopes.clone(),
        None if request.roles.is_empty() => key.scope_names(tenant, newest),
        None => Vec::new(),
    };
    let view = key.view(store, &tenant.policy)?;
    let lifetime = |UnixSeconds(end), UnixSeconds(start)| end - start;
    Ok(KeyRequest {
        subject: view.subject,
        audience: view.audience,
        scopes,
        expires_in: request
            .expires_in
            .unwrap_or_else(|| lifetime(newest.expires_at, newest.issued_at)),
        roles: request.roles.clone(),
        for_audiences: known_audiences(tenant, view.for_audiences),
        constraints: request.constraints.clone().unwrap_or_else(|| newest.view().constraints),
        name: view.name,
        owner: Some(view.owner),
        tags: view.tags,
        meta: view.meta,
    })
}

/// Those that the policy still has: rights for one that it dropped are none.
fn known_audiences(tenant: &Tenant, mut names: Vec<String>) -> Vec<String> {
    names.retain(|name| tenant.audience_named(name).is_some());
    names
}
