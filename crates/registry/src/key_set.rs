//! Key sets: who takes one can mint any key that its verifiers accept, so that each taking is in the log. They are
//! made anew each time and written nowhere.

use wardkey::{AudienceId, Bounds};
use wardkey_provision::{Actor, AdminScope, key_set_bytes};

use crate::admission::{Circumstances, admit};
use crate::audit_log::{self, Act, Outcome};
use crate::epochs;
use crate::error::RegistryError;
use crate::store::Store;
use crate::tenant::Tenant;
use crate::usage::Reporter;
use crate::verifier::VerifierMaterial;
use crate::wire::WireBytes;

/// Gives the key set of the one audience that the credential is for. What is not given, because the verifier has
/// it, is not in the log.
pub(crate) fn take(
    store: &dyn Store,
    tenant: &Tenant,
    audience: Option<&str>,
    has: &[(u8, u32)],
    circumstances: &Circumstances<'_>,
) -> Result<VerifierMaterial, RegistryError> {
    let Circumstances { request_id, now, .. } = *circumstances;
    let (actor, number) = verifier(store, tenant, audience, circumstances)?;
    let material = newest(store, tenant, number, has)?;
    if material.key_set.is_some() {
        let act = Act {
            actor: Some(&actor),
            action: "key_set.read",
            audience: number,
            target: Some(format!("key set {}", material.key_set_version)),
            reason: None,
            outcome: Outcome::Done,
            request_id,
        };
        audit_log::append(store, now, act)?;
        Tenant::keep_time(store, now)?;
    }
    Ok(material)
}

/// Admits a verifier that reports usage: whoever may take the key set, and so could have judged every key of the audience.
pub(crate) fn reporter(
    store: &dyn Store,
    tenant: &Tenant,
    audience: Option<&str>,
    circumstances: &Circumstances<'_>,
) -> Result<Reporter, RegistryError> {
    let (actor, number) = verifier(store, tenant, audience, circumstances)?;
    Ok(Reporter {
        audience: number.0,
        key_id: actor.key_id.to_string(),
        request_id: circumstances.request_id.into(),
    })
}

/// Who holds the credential, and the one audience that it may take the key set of.
fn verifier(
    store: &dyn Store,
    tenant: &Tenant,
    audience: Option<&str>,
    circumstances: &Circumstances<'_>,
) -> Result<(Actor, AudienceId), RegistryError> {
    let Circumstances { credential, now, .. } = *circumstances;
    let actor = admit(store, tenant, credential, AdminScope::VerifierKeySet, now)?;
    let number = only(&actor)?;
    if let Some(name) = audience
        && tenant.audience_named(name) != Some(number)
    {
        // WHY: one answer for an audience that is not there and one that is not the verifier's.
        return Err(refused("the credential holds no verifier:key-set for that audience"));
    }
    Ok((actor, number))
}

/// The newest edition of an audience's key set; its bytes, unless the verifier has that edition.
pub(crate) fn newest(
    store: &dyn Store,
    tenant: &Tenant,
    number: AudienceId,
    has: &[(u8, u32)],
) -> Result<VerifierMaterial, RegistryError> {
    let policy = tenant
        .policy
        .audience_numbered(number)
        .ok_or_else(|| RegistryError::internal("a binding names no audience of the policy"))?;
    let version = epochs::editions(store, number)?.current;
    let key_set = if has.contains(&(number.0, version)) {
        None
    } else {
        let signing_keys = Tenant::signing_keys(store, number)?;
        let prefix = tenant.prefix(number)?;
        let bytes = key_set_bytes(
            &tenant.secret,
            policy,
            &prefix,
            version,
            &Bounds::DEFAULT,
            &signing_keys,
        )
        .map_err(|error| RegistryError::internal(error.to_string()))?;
        Some(WireBytes::new(bytes.as_slice()))
    };
    Ok(VerifierMaterial { audience: number.0, key_set_version: version, key_set, counted_as: None })
}

/// The audience that the credential may take the key set of.
pub(crate) fn only(actor: &Actor) -> Result<AudienceId, RegistryError> {
    let held = actor.bindings.iter().filter(|held| held.scope == AdminScope::VerifierKeySet);
    let mut audiences = held.map(|held| held.audience);
    match (audiences.next(), audiences.next()) {
        (Some(one), None) if one != AudienceId::ADMINISTRATION => Ok(one),
        _ => Err(refused(
            "a key set is given to a credential that holds verifier:key-set for exactly one audience: make such a key",
        )),
    }
}

fn refused(detail: &str) -> RegistryError {
    RegistryError::Forbidden { rule: "key_set_audience".into(), detail: detail.into() }
}
