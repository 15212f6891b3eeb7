//! Revoking many keys by one act: by subject, issuer, audience, issue time, or everything.
//!
//! What the head can name (an audience, a time) is dead with it at once, and its rows follow. What it cannot is a
//! barrier first, which every registry path minds, and then expanded key by key in batches.

pub(crate) mod barrier;
mod expand;
mod progress;
mod selector;

use rand_core::TryCryptoRng;
use serde::{Deserialize, Serialize};
use wardkey::{AudienceId, UnixMillis};
use wardkey_provision::{Actor, AdminScope, Binding};

use crate::admission::{Circumstances, admit};
use crate::error::RegistryError;
use crate::last_admin;
use crate::mutation::{Deed, Mutation};
use crate::reason;
use crate::revocation_list;
use crate::store::Store;
use crate::tenant::{Tenant, random, second_of};
use crate::wire::WireSecret;

pub(crate) use self::expand::{is_pending, one_batch};
pub use self::progress::{RevocationState, RevocationView};
pub use self::selector::Selector;

use self::progress::Revocation;
use self::selector::{Reached, out_of_reach};

/// What shall be revoked, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RevocationRequest {
    /// Which keys.
    pub select: Selector,
    /// In the actor's words: at most 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether nobody may be left who could administer the tenant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

/// Revokes what a selector reaches. Keys that are made later are not touched.
pub(crate) fn start(
    store: &dyn Store,
    tenant: &Tenant,
    request: &RevocationRequest,
    circumstances: &Circumstances<'_>,
    rng: &mut impl TryCryptoRng,
) -> Result<RevocationView, RegistryError> {
    let now = circumstances.now;
    let action = "revocation.start";
    let mutation =
        Mutation::admit(store, tenant, circumstances, AdminScope::KeysRevoke, (action, request))?;
    let reason = reason::checked(request.reason.as_deref())?;
    if let Some(begun) = mutation.before::<RevocationView>()? {
        // What is remembered is how it began; what is answered is how far it is.
        let found = Revocation::find(store, &begun.revocation_id)?;
        return found.map_or(Ok(begun), |now| now.view());
    }
    let actor = &mutation.actor;
    let reached = request.select.reach(tenant, second_of(now)?, |field| {
        // Nothing is hidden from whoever may revoke everything: a mistyped name must not read like a lack of rights.
        if may_revoke_all(tenant, actor) {
            RegistryError::invalid(field, "must be an audience of the policy")
        } else {
            out_of_reach()
        }
    })?;
    allowed(tenant, actor, &reached)?;
    let revocation = Revocation {
        id: format!("rev_{}", hex(&random::<8>(rng)?)),
        select: request.select.clone(),
        reason: request.reason.clone(),
        actor_subject: actor.subject.as_str().into(),
        actor_key: actor.key_id.to_string(),
        request_id: circumstances.request_id.into(),
        started_at: now,
        state: RevocationState::Expanding,
        keys: 0,
        sequence: 0,
        done_at: None,
    };
    let revocation = begin(store, revocation, &reached, now)?;
    last_admin::keep_one_of_all(store, tenant, request.force, now)?;
    mutation.log(Deed {
        action,
        audience: reached.audience(),
        target: Some(revocation.id.clone()),
        reason,
        changed: true,
    })?;
    // What is few is done at once.
    one_batch(store, tenant, now)?;
    mutation.end(Revocation::find(store, &revocation.id)?.unwrap_or(revocation).view()?)
}

/// How far a revocation is.
pub(crate) fn read(
    store: &dyn Store,
    tenant: &Tenant,
    credential: &WireSecret,
    id: &str,
    now: UnixMillis,
) -> Result<RevocationView, RegistryError> {
    let actor = admit(store, tenant, credential, AdminScope::KeysRevoke, now)?;
    let revocation = Revocation::find(store, id)?.ok_or(RegistryError::NotFound)?;
    let now = second_of(now)?;
    // One of an audience that has left the policy since is shown to whoever may revoke everything.
    let everything = Reached::Cutoff { audience: None, until: now };
    let reached =
        revocation.select.reach(tenant, now, |_| RegistryError::NotFound).unwrap_or(everything);
    allowed(tenant, &actor, &reached).map_err(|_| RegistryError::NotFound)?;
    revocation.view()
}

/// Writes the barrier or the cut-off.
fn begin(
    store: &dyn Store,
    mut revocation: Revocation,
    reached: &Reached,
    now: UnixMillis,
) -> Result<Revocation, RegistryError> {
    match reached {
        Reached::Cutoff { audience, until } => {
            Tenant::raise_cutoff(store, *audience, *until)?;
            revocation.state = RevocationState::Settling;
            revocation.sequence = revocation_list::renew(store, now)?;
        }
        Reached::Subject { .. } | Reached::Issuer { .. } => {}
    }
    revocation.insert(store)?;
    if let Reached::Issuer { key, .. } = reached {
        expand::follow(store, &revocation.id, *key)?;
    }
    Ok(revocation)
}

/// Whether the actor may revoke everything that is reached.
fn allowed(tenant: &Tenant, actor: &Actor, reached: &Reached) -> Result<(), RegistryError> {
    let all = match reached.only_audience() {
        Some(audience) => may_revoke(actor, audience),
        None => may_revoke_all(tenant, actor),
    };
    if all { Ok(()) } else { Err(out_of_reach()) }
}

/// Whether the actor may revoke the keys of every audience, the administration's included.
fn may_revoke_all(tenant: &Tenant, actor: &Actor) -> bool {
    tenant.audiences().all(|audience| may_revoke(actor, audience))
}

fn may_revoke(actor: &Actor, audience: AudienceId) -> bool {
    actor.holds(Binding { scope: AdminScope::KeysRevoke, audience })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
