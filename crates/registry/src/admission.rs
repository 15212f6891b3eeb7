//! Who acts: the credential of an administration call, checked against the registry's own rows.

use wardkey::{
    AudienceId, Base, Bounds, KeyBuffer, KeyId, Reason, SigningKeyId, UnixMillis, UnverifiedKey,
};
use wardkey_provision::{Actor, AdminScope, Binding, Reach};

use crate::check::{recorded, seen, standing};
use crate::error::RegistryError;
use crate::generation::Generation;
use crate::key_book::Key;
use crate::store::Store;
use crate::tenant::Tenant;
use crate::wire::WireSecret;

/// By what right a mutation is made, under which name it may be repeated, and when.
pub(crate) struct Circumstances<'a> {
    pub(crate) credential: &'a WireSecret,
    pub(crate) idempotency_key: Option<&'a str>,
    pub(crate) request_id: &'a str,
    pub(crate) now: UnixMillis,
}

/// Finds the actor of a call from its credential and nothing else, and marks its key as seen.
///
/// # Errors
/// [`RegistryError::Denied`] with the same reasons as any verification; [`RegistryError::MissingScope`]
/// when it does not hold the right for any audience; [`RegistryError::NarrowedKey`].
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

/// Finds who acts from a credential that is good and whole.
pub(crate) fn authenticate(
    store: &dyn Store,
    tenant: &Tenant,
    credential: &WireSecret,
    now: UnixMillis,
) -> Result<Actor, RegistryError> {
    let Identified { actor, narrowed } = identify(store, tenant, credential, now)?;
    // A narrowed key can be verified and cannot act: what its blocks allow is nothing that the book knows.
    if narrowed { Err(RegistryError::NarrowedKey) } else { Ok(actor) }
}

/// Whose credential it is, and whether a holder has narrowed it.
pub(crate) struct Identified {
    pub(crate) actor: Actor,
    pub(crate) narrowed: bool,
}

/// Finds whose credential it is, and marks its key as seen: also a narrowed one, whose holder has the whole
/// one's tag or had it from somebody who has, so that its text is not given again.
pub(crate) fn identify(
    store: &dyn Store,
    tenant: &Tenant,
    credential: &WireSecret,
    now: UnixMillis,
) -> Result<Identified, RegistryError> {
    let mut buffer = KeyBuffer::new();
    let key = UnverifiedKey::parse(credential.secret_str(), &mut buffer);
    let key = key.map_err(RegistryError::denied)?;
    let id: SigningKeyId = key.unproven_base().signing_key;
    let ours = id.tenant == tenant.number() && id.audience == AudienceId::ADMINISTRATION;
    let entry = if ours { tenant.signing_key_entry(store, id)? } else { None };
    let entry = entry.ok_or_else(|| unknown(tenant, &key))?;
    let timely = key
        .signed_by(&entry)
        .and_then(|key| key.authenticate())
        .and_then(|key| key.in_window())
        .and_then(|key| key.at(now, Bounds::DEFAULT.max_skew_ms()))
        .map_err(RegistryError::denied)?;
    let (base, narrowed) = (timely.base(), timely.is_narrowed());
    // No administration key is minted with networks: the object does not know where a call comes from.
    if base.constraints.networks.is_some() {
        return Err(RegistryError::denied(Reason::AddressNotAllowed));
    }
    let (row, generation) = standing(store, tenant, &base, now)?.map_err(RegistryError::denied)?;
    seen(store, &row, &generation, now)?;
    let mut bindings = row.bindings(store)?;
    // Nothing can be verified for an audience that the policy has dropped.
    bindings.retain(|held| {
        held.scope.reach() != Reach::AudienceOfThePolicy
            || tenant.policy.audience_numbered(held.audience).is_some()
    });
    let Base { subject, key_id, expires_at, .. } = base;
    Ok(Identified { actor: Actor { subject, key_id, expires_at, bindings }, narrowed })
}

/// How a key is denied whose signing key does not live. That one which has gone did sign it is told to the Worker alone.
fn unknown(tenant: &Tenant, key: &UnverifiedKey<'_>) -> RegistryError {
    let id = key.unproven_base().signing_key;
    let gone = (id.tenant == tenant.number()).then(|| tenant.signing_key_of_any_time(id).ok());
    let genuine = gone
        .flatten()
        .is_some_and(|entry| key.signed_by(&entry).and_then(|key| key.authenticate()).is_ok());
    RegistryError::Denied { reason: Reason::UnknownSigningKey.as_str().into(), genuine }
}

/// Finds the holder of a key of any audience by the key itself, for what may be done by showing it: also before its
/// time has come, and from anywhere. It is not marked as seen, since nobody has used it for what it is for.
///
/// # Errors
/// [`RegistryError::Denied`], [`RegistryError::NarrowedKey`].
pub(crate) fn possession(
    store: &dyn Store,
    tenant: &Tenant,
    credential: &WireSecret,
    now: UnixMillis,
) -> Result<(Actor, Key, Generation), RegistryError> {
    let mut buffer = KeyBuffer::new();
    let key = UnverifiedKey::parse(credential.secret_str(), &mut buffer);
    let key = key.map_err(RegistryError::denied)?;
    let id: SigningKeyId = key.unproven_base().signing_key;
    let ours = id.tenant == tenant.number();
    let entry = if ours { tenant.signing_key_entry(store, id)? } else { None };
    let entry = entry.ok_or_else(|| unknown(tenant, &key))?;
    let authentic = key.signed_by(&entry).and_then(|key| key.authenticate());
    let base = authentic.map_err(RegistryError::denied)?.base();
    let read = wardkey::inspect(credential.secret_str()).map_err(RegistryError::denied)?;
    if read.narrowings().next().is_some() {
        return Err(RegistryError::NarrowedKey);
    }
    let (row, generation) = recorded(store, tenant, &base)?.map_err(RegistryError::denied)?;
    if let Some(reason) = generation.dead(now) {
        return Err(RegistryError::denied(reason));
    }
    let Base { subject, key_id, expires_at, .. } = base;
    Ok((Actor { subject, key_id, expires_at, bindings: Vec::new() }, row, generation))
}

/// The key, if the actor may know of it with this right; otherwise it is as if there were none.
pub(crate) fn visible(
    store: &dyn Store,
    actor: &Actor,
    scope: AdminScope,
    key_id: KeyId,
) -> Result<Key, RegistryError> {
    let key = Key::find(store, key_id)?.ok_or(RegistryError::NotFound)?;
    let allowed = actor.holds(Binding { scope, audience: key.audience });
    if allowed { Ok(key) } else { Err(RegistryError::NotFound) }
}
