//! Creating a key.

use rand_core::TryCryptoRng;
use serde::{Deserialize, Serialize};
use wardkey::{KeyId, StatusIndex, UnixMillis, UnixSeconds};
use wardkey_provision::{AdminScope, Grant, KeyRequest, key_text, mint};

use crate::admission::Circumstances;
use crate::check::standing;
use crate::epochs;
use crate::error::RegistryError;
use crate::generation::Generation;
use crate::idempotency::{Attempt, Remembered};
use crate::key_book::Key;
use crate::key_view::KeyView;
use crate::mutation::{Deed, Mutation};
use crate::outbox;
use crate::store::Store;
use crate::tenant::{Tenant, random, second_of};
use crate::wire::WireSecret;

/// A key that was made.
#[derive(Debug, Serialize, Deserialize)]
pub struct Created {
    /// What was made.
    pub view: KeyView,
    /// Its text. None when the request was repeated too late, or the key has been seen in use since: then
    /// it cannot be given again.
    pub key: Option<WireSecret>,
    /// Whether an earlier request made it.
    pub repeated: bool,
}

/// Creates a key for an actor that may.
pub(crate) fn create(
    store: &dyn Store,
    tenant: &Tenant,
    request: &KeyRequest,
    circumstances: &Circumstances<'_>,
    rng: &mut impl TryCryptoRng,
) -> Result<Created, RegistryError> {
    let now = circumstances.now;
    let action = "key.create";
    let scope = AdminScope::KeysCreate;
    let mutation = Mutation::admit(store, tenant, circumstances, scope, (action, request))?;
    if let Some(created) = before(store, tenant, mutation.attempt.as_ref(), now)? {
        return Ok(created);
    }
    let grant = Grant::decide(&tenant.policy, &mutation.actor, scope, request, second_of(now)?)?;
    let issued = issue(store, tenant, &grant, Some(mutation.actor.key_id), now, rng)?;
    mutation.log(Deed {
        action,
        audience: grant.audience(),
        target: Some(issued.view.key_id.clone()),
        reason: None,
        changed: true,
    })?;
    finish(store, mutation.attempt.as_ref(), issued, now)
}

/// A key that stands in the book.
pub(crate) struct Issued {
    pub(crate) view: KeyView,
    key: WireSecret,
    index: StatusIndex,
}

/// Mints a grant's key and writes it into the book and the outbox.
pub(crate) fn issue(
    store: &dyn Store,
    tenant: &Tenant,
    grant: &Grant,
    issuer: Option<KeyId>,
    now: UnixMillis,
    rng: &mut impl TryCryptoRng,
) -> Result<Issued, RegistryError> {
    let key_id = KeyId(random(rng)?);
    Key::insert(store, grant, key_id, issuer, now)?;
    add_generation(store, tenant, grant, Next { key_id, number: 1, overlap_s: 0 }, now)
}

/// Which generation comes next.
#[derive(Clone, Copy)]
pub(crate) struct Next {
    pub(crate) key_id: KeyId,
    pub(crate) number: u32,
    /// For how long the one before lives once this one has been seen, in seconds.
    pub(crate) overlap_s: u32,
}

/// Mints the next generation of a key that stands in the book.
pub(crate) fn add_generation(
    store: &dyn Store,
    tenant: &Tenant,
    grant: &Grant,
    next: Next,
    now: UnixMillis,
) -> Result<Issued, RegistryError> {
    let Next { key_id, number, overlap_s } = next;
    let index = StatusIndex(Tenant::take_index(store)?);
    let issued_at = issue_second(store, tenant, grant, now)?;
    let signing_key = Tenant::minting_key(store, grant.audience(), issued_at)?;
    epochs::cover(store, grant.audience(), &signing_key, grant.expires_at())?;
    let base = mint(grant, &tenant.secret, signing_key.epoch, key_id, index, issued_at)
        .map_err(|error| RegistryError::invalid(error.field(), error.to_string()))?
        .base;
    Generation::insert(store, &base, number, overlap_s)?;
    outbox::post(store, key_id, now)?;
    let text = key_text(&tenant.secret, &tenant.prefix(grant.audience())?, &base)
        .map_err(|error| RegistryError::invalid(error.field(), error.to_string()))?;
    let row = Key::find(store, key_id)?
        .ok_or_else(|| RegistryError::internal("the key just written is gone"))?;
    Ok(Issued {
        view: row.view(store, &tenant.policy)?,
        key: WireSecret::new(text.secret_str()),
        index,
    })
}

/// Remembers a fresh outcome and hands it out.
pub(crate) fn finish(
    store: &dyn Store,
    attempt: Option<&Attempt>,
    issued: Issued,
    now: UnixMillis,
) -> Result<Created, RegistryError> {
    if let Some(attempt) = attempt {
        attempt.remember(store, now, &issued.view, Some(issued.index))?;
    }
    Ok(Created { view: issued.view, key: Some(issued.key), repeated: false })
}

/// What came of the same request before; the key's text only while nobody can have used it twice.
pub(crate) fn before(
    store: &dyn Store,
    tenant: &Tenant,
    attempt: Option<&Attempt>,
    now: UnixMillis,
) -> Result<Option<Created>, RegistryError> {
    let Some(attempt) = attempt else {
        return Ok(None);
    };
    let Some(Remembered { outcome: view, key_again }) = attempt.before::<KeyView>(store, now)?
    else {
        return Ok(None);
    };
    let key = key_again.map(|index| text_again(store, tenant, index, now)).transpose()?.flatten();
    // What is remembered is the key as it was made; what is answered is the key as it is.
    let made = view.key_id.parse().ok().map(|id| Key::find(store, id)).transpose()?.flatten();
    let view = made.map_or(Ok(view), |key| key.view(store, &tenant.policy))?.at(now);
    Ok(Some(Created { view, key, repeated: true }))
}

fn text_again(
    store: &dyn Store,
    tenant: &Tenant,
    index: StatusIndex,
    now: UnixMillis,
) -> Result<Option<WireSecret>, RegistryError> {
    let Some((key_id, generation)) = Generation::find(store, index)? else {
        return Ok(None);
    };
    let Some(key) = Key::find(store, key_id)? else {
        return Ok(None);
    };
    let base = key.base(tenant.number(), &generation);
    // Only of a generation that lives in every respect, and that nobody has been seen with.
    if generation.seen || standing(store, tenant, &base, now)?.is_err() {
        return Ok(None);
    }
    let text = key_text(&tenant.secret, &tenant.prefix(key.audience)?, &base)
        .map_err(|error| RegistryError::internal(error.to_string()))?;
    Ok(Some(WireSecret::new(text.secret_str())))
}

/// The second of issue: never one that a cut-off has killed already.
fn issue_second(
    store: &dyn Store,
    tenant: &Tenant,
    grant: &Grant,
    now: UnixMillis,
) -> Result<UnixSeconds, RegistryError> {
    let cutoff = tenant.cutoff(store, grant.audience())?;
    Ok(second_of(now)?.max(UnixSeconds(cutoff.0.0.saturating_add(1))))
}
