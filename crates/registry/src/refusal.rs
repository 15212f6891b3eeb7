//! What a refused call leaves behind: an entry for an act that its actor may not do (or, of many, that they were
//! counted), an alarm for a right tag without its row, and that the credential was seen. And how a tenant refuses that
//! is gone.

use wardkey::{AudienceId, Reason, UnixMillis, Unproven};

use crate::admission::{Identified, identify};
use crate::audit_log::{self, Act, Outcome};
use crate::call::Call;
use crate::check::never_issued;
use crate::error::RegistryError;
use crate::key_book::Key;
use crate::refusal_count;
use crate::store::{Store, transaction};
use crate::tenant::Tenant;

/// Keeps it.
pub(crate) fn note(
    store: &dyn Store,
    tenant: &Tenant,
    call: &Call,
    error: &RegistryError,
    now: UnixMillis,
) -> Result<(), RegistryError> {
    let Some(authority) = call.authority() else {
        return Ok(());
    };
    let is_denied = error.reason().is_some_and(|reason| reason != Reason::NeverIssued);
    // Whose credential was not found good is no actor: to look again would cost as much as the call.
    if is_denied || matches!(error, RegistryError::Internal { .. }) {
        return Ok(());
    }
    transaction(store, || {
        if error.reason() == Some(Reason::NeverIssued) {
            // Its tag was found right, so that it is of the audience that it says it is of.
            let key = wardkey::inspect(authority.credential.secret_str()).ok();
            let base = key.as_ref().map(Unproven::base);
            let audience =
                base.map_or(AudienceId::ADMINISTRATION, |base| base.signing_key.audience);
            let target = base.map(|base| base.key_id.to_string());
            return never_issued(store, audience, target, &authority.request_id, now);
        }
        // The refusal has undone that the credential was seen; whoever is no actor leaves nothing.
        let Ok(Identified { actor, .. }) = identify(store, tenant, &authority.credential, now)
        else {
            return Ok(());
        };
        let Some((audience, rule)) = refused_right(store, call, error)? else {
            return Ok(());
        };
        if !refusal_count::admits(store, &actor, call.action(), now)? {
            return Ok(());
        }
        let act = Act {
            actor: Some(&actor),
            action: call.action(),
            audience,
            target: call.target().map(|key_id| key_id.to_string()),
            reason: Some(&rule),
            outcome: Outcome::Refused,
            request_id: &authority.request_id,
        };
        audit_log::append(store, now, act)
    })
}

/// The right that was lacking, and in whose audience; none for what is no question of rights.
fn refused_right(
    store: &dyn Store,
    call: &Call,
    error: &RegistryError,
) -> Result<Option<(AudienceId, String)>, RegistryError> {
    Ok(match error {
        RegistryError::MissingScope { .. } => {
            Some((AudienceId::ADMINISTRATION, "scope_missing".into()))
        }
        RegistryError::NarrowedKey => Some((AudienceId::ADMINISTRATION, "narrowed_key".into())),
        RegistryError::Forbidden { rule, .. } => Some((AudienceId::ADMINISTRATION, rule.clone())),
        // A key that is there and was not found is one that the actor may not see.
        RegistryError::NotFound => {
            let hidden =
                call.target().map(|key_id| Key::find(store, key_id)).transpose()?.flatten();
            hidden.map(|key| (key.audience, "not_visible".into()))
        }
        _ => None,
    })
}

/// How a tenant that is gone refuses a call: a key, which nobody can judge any more, like any other that is wrong;
/// what is public, and a bootstrap, plainly.
pub(crate) fn by_one_that_is_gone(error: RegistryError, call: &Call) -> RegistryError {
    let about_a_key = call.authority().is_some() || matches!(call, Call::Check { .. });
    match error {
        RegistryError::TenantGone if about_a_key => RegistryError::denied(Reason::TenantGone),
        other => other,
    }
}
