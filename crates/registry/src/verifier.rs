//! What a verifier in front of the registry works with.

use serde::{Deserialize, Serialize};
use wardkey::{AudienceId, UnixMillis};
use wardkey_provision::{Actor, AdminScope, Binding};

use crate::admission::admit;
use crate::error::RegistryError;
use crate::key_set;
use crate::store::Store;
use crate::tenant::Tenant;
use crate::wire::{WireBytes, WireSecret};

/// What a verifier in front of the registry works with.
#[derive(Debug, Serialize, Deserialize)]
pub struct VerifierMaterial {
    /// The audience's number.
    pub audience: u8,
    /// The newest edition of its key set.
    pub key_set_version: u32,
    /// The key set's bytes, unless the verifier has this edition already.
    pub key_set: Option<WireBytes>,
    /// Under which name the Worker counts what it decides for the verifier: none for one that may report it itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted_as: Option<String>,
}

/// Admits a verifier's credential for one audience: the one it names, or the only one it is for.
pub(crate) fn material(
    store: &dyn Store,
    tenant: &Tenant,
    credential: &WireSecret,
    audience: Option<&str>,
    has: &[(u8, u32)],
    now: UnixMillis,
) -> Result<VerifierMaterial, RegistryError> {
    let actor = admit(store, tenant, credential, AdminScope::VerifierVerify, now)?;
    let number = match audience {
        Some(name) => named(tenant, &actor, name)?,
        None => only(&actor)?,
    };
    let reports_itself = key_set::only(&actor).is_ok_and(|own| own == number);
    let counted_as = (!reports_itself).then(|| actor.subject.as_str().to_owned());
    Ok(VerifierMaterial { counted_as, ..key_set::newest(store, tenant, number, has)? })
}

/// Gives the Worker what it works with for an audience, by name.
///
/// # Errors
/// [`RegistryError::NotFound`] for a name that is no audience of the policy; the administration never is.
pub(crate) fn material_named(
    store: &dyn Store,
    tenant: &Tenant,
    audience: &str,
    has: &[(u8, u32)],
) -> Result<VerifierMaterial, RegistryError> {
    let found = tenant.policy.audience(audience).map(|audience| audience.id());
    let number = found
        .filter(|audience| *audience != AudienceId::ADMINISTRATION)
        .ok_or(RegistryError::NotFound)?;
    key_set::newest(store, tenant, number, has)
}

fn named(tenant: &Tenant, actor: &Actor, name: &str) -> Result<AudienceId, RegistryError> {
    // WHY: one answer for an audience that is not there and one that is not the verifier's.
    let found = tenant.policy.audience(name).map(|audience| audience.id());
    found
        .filter(|audience| {
            actor.holds(Binding { scope: AdminScope::VerifierVerify, audience: *audience })
        })
        .ok_or_else(|| RegistryError::Forbidden {
            rule: "verifier_audience".into(),
            detail: "the credential holds no verifier:verify for that audience".into(),
        })
}

fn only(actor: &Actor) -> Result<AudienceId, RegistryError> {
    let mut audiences = actor
        .bindings
        .iter()
        .filter(|held| {
            held.scope == AdminScope::VerifierVerify && held.audience != AudienceId::ADMINISTRATION
        })
        .map(|held| held.audience);
    match (audiences.next(), audiences.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(RegistryError::invalid(
            "audience",
            "must be named: the credential is for more than one",
        )),
        (None, _) => {
            Err(RegistryError::MissingScope { scope: AdminScope::VerifierVerify.as_str().into() })
        }
    }
}
