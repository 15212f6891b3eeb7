//! Replacing the policy.

use wardkey::{AudienceId, UnixMillis};
use wardkey_provision::{Actor, AdminScope, AudiencePolicy, Binding, Policy, Reach};

use crate::admission::Circumstances;
use crate::error::{Conflict, RegistryError};
use crate::key_book::Key;
use crate::mutation::{Deed, Mutation};
use crate::outbox;
use crate::policy_versions::{self, PolicyView};
use crate::revocation_list;
use crate::store::Store;
use crate::tenant::Tenant;

/// Replaces a version of the policy by the next one. No key dies of it: who breaks the new policy is told by a trial.
///
/// # Errors
/// [`RegistryError::PolicyChanged`] if another version is in force, [`RegistryError::Invalid`] for what is no policy or
/// may not follow this one, [`Conflict::AudienceInUse`].
pub(crate) fn replace_policy(
    store: &dyn Store,
    tenant: &Tenant,
    version: u32,
    policy: &Policy,
    circumstances: &Circumstances<'_>,
) -> Result<PolicyView, RegistryError> {
    let now = circumstances.now;
    let action = "policy.replace";
    let request = (action, &(version, policy));
    let mutation = Mutation::admit(store, tenant, circumstances, AdminScope::PolicyWrite, request)?;
    if let Some(written) = mutation.before()? {
        return policy_versions::read(store, Some(written));
    }
    let actor = &mutation.actor;
    may_follow(store, tenant, version, policy)?;
    for audience in dropped(&tenant.policy, policy) {
        let cutoff = tenant.cutoff(store, audience.id())?;
        if Key::any_lives(store, audience.id(), cutoff, now)? {
            let detail = format!(
                "keys of audience {} live: revoke them before it is dropped, or wait for their end",
                audience.name
            );
            return Err(RegistryError::conflict(Conflict::AudienceInUse, detail));
        }
    }
    let text = policy_versions::text_of(policy)?;
    store.execute("UPDATE tenant SET policy = ?", &[text.into()])?;
    policy_versions::insert(store, policy, Some(actor), now)?;
    if audiences_follow(store, &tenant.policy, policy, actor, now)? {
        // What heads say of audiences and key sets is different: verifiers learn of it within the bound.
        revocation_list::renew(store, now)?;
    }
    let view = policy_versions::read(store, None)?;
    mutation.log(Deed {
        action,
        audience: AudienceId::ADMINISTRATION,
        target: Some(format!("policy:{}", view.version)),
        reason: None,
        changed: true,
    })?;
    mutation.end(view.version)?;
    Ok(view)
}

/// Whether a policy may replace the version that its writer has seen.
pub(crate) fn may_follow(
    store: &dyn Store,
    tenant: &Tenant,
    version: u32,
    policy: &Policy,
) -> Result<(), RegistryError> {
    let current = policy_versions::current(store)?;
    if version != current {
        return Err(RegistryError::PolicyChanged { version: current });
    }
    policy.check()?;
    Ok(policy.succeeds(&tenant.policy, &policy_versions::given(store)?)?)
}

/// The audiences that a policy has and its successor does not.
pub(crate) fn dropped<'p>(
    old: &'p Policy,
    new: &'p Policy,
) -> impl Iterator<Item = &'p AudiencePolicy> {
    old.audiences.iter().filter(|audience| new.audience_numbered(audience.id()).is_none())
}

/// Brings the audiences' rows after a new policy; answers whether heads say something else by now.
fn audiences_follow(
    store: &dyn Store,
    old: &Policy,
    new: &Policy,
    actor: &Actor,
    now: UnixMillis,
) -> Result<bool, RegistryError> {
    let mut changed = false;
    for audience in dropped(old, new) {
        store.execute(
            "UPDATE audience SET dropped_at = ? WHERE number = ?",
            &[now.0.into(), audience.number.into()],
        )?;
        changed = true;
    }
    let mut founded = Vec::new();
    for audience in &new.audiences {
        match old.audience_numbered(audience.id()) {
            Some(before) if !audience.needs_new_key_set(before) => continue,
            Some(before) => raise_key_set(store, audience, audience.is_stricter_than(before))?,
            None => {
                founded.push(audience.id());
                if is_new(store, audience)? {
                    Tenant::found_audience(store, audience.id(), now)?;
                } else {
                    // It comes back. Who has verified for it has a key set of then, whatever that allowed.
                    store.execute(
                        "UPDATE audience SET dropped_at = NULL WHERE number = ?",
                        &[audience.number.into()],
                    )?;
                    raise_key_set(store, audience, true)?;
                }
            }
        }
        changed = true;
    }
    empower(store, old, actor, &founded, now)?;
    Ok(changed)
}

fn is_new(store: &dyn Store, audience: &AudiencePolicy) -> Result<bool, RegistryError> {
    let rows = store.query("SELECT 1 FROM audience WHERE number = ?", &[audience.number.into()])?;
    Ok(rows.is_empty())
}

/// Counts a new key set of an audience, which verifiers fetch; until they have, they answer nothing where an older one
/// would allow too much.
fn raise_key_set(
    store: &dyn Store,
    audience: &AudiencePolicy,
    at_once: bool,
) -> Result<(), RegistryError> {
    store.execute(
        "UPDATE audience SET current_key_set = current_key_set + 1,
         least_key_set = CASE WHEN ? THEN current_key_set + 1 ELSE least_key_set END WHERE number = ?",
        &[u8::from(at_once).into(), audience.number.into()],
    )?;
    Ok(())
}

/// Gives the actor, for audiences that it has founded, each right that it holds for every audience that there was: or
/// nobody could administer them but by a new bootstrap. Who holds a right for some audiences only founds one without.
fn empower(
    store: &dyn Store,
    old: &Policy,
    actor: &Actor,
    founded: &[AudienceId],
    now: UnixMillis,
) -> Result<(), RegistryError> {
    if founded.is_empty() {
        return Ok(());
    }
    let key = Key::find(store, actor.key_id)?
        .ok_or_else(|| RegistryError::internal("the actor's key is gone"))?;
    let for_all = |scope: &AdminScope| {
        let mut audiences = old.audiences.iter();
        audiences.all(|audience| actor.holds(Binding { scope: *scope, audience: audience.id() }))
    };
    // INVARIANT: a key with verifier:key-set is for one audience, unless a bootstrap made it.
    let allowed = |scope: &AdminScope| {
        scope.reach() != Reach::Tenant
            && (*scope != AdminScope::VerifierKeySet || key.issuer().is_none())
    };
    let rights: Vec<_> =
        AdminScope::ALL.into_iter().filter(|scope| allowed(scope) && for_all(scope)).collect();
    for audience in founded {
        for scope in &rights {
            key.bind(store, Binding { scope: *scope, audience: *audience })?;
        }
    }
    key.touch(store)?;
    outbox::post(store, key.id, now)
}
