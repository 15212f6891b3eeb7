//! Revoking a key by showing it: whoever finds one can end it.

use serde::{Deserialize, Serialize};

use crate::admission::{Circumstances, possession};
use crate::audit_log::{self, Act, Outcome};
use crate::bound::RevocationBound;
use crate::error::RegistryError;
use crate::key_book::Key;
use crate::last_admin;
use crate::outbox;
use crate::reason;
use crate::revocation_list;
use crate::revoke::Revoked;
use crate::store::Store;
use crate::tenant::Tenant;

/// Why a holder revokes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RevokeSelfRequest {
    /// In the holder's words: at most 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether nobody may be left who could administer the tenant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

/// Revokes the generation that is shown, and no other of its key. Repeating it is refused as any dead key is.
pub(crate) fn revoke_self(
    store: &dyn Store,
    tenant: &Tenant,
    request: &RevokeSelfRequest,
    circumstances: &Circumstances<'_>,
) -> Result<Revoked, RegistryError> {
    let Circumstances { credential, request_id, now, .. } = *circumstances;
    let (holder, key, generation) = possession(store, tenant, credential, now)?;
    let reason = reason::checked(request.reason.as_deref())?;
    generation.revoke(store, reason, now)?;
    last_admin::keep_one(store, tenant, key.audience, request.force, now)?;
    let sequence = revocation_list::kill(store, &[generation.status_index], now)?;
    key.touch(store)?;
    outbox::post(store, key.id, now)?;
    let act = Act {
        actor: Some(&holder),
        action: "key.revoke_self",
        audience: key.audience,
        target: Some(key.id.to_string()),
        reason,
        outcome: Outcome::Done,
        request_id,
    };
    audit_log::append(store, now, act)?;
    Tenant::keep_time(store, now)?;
    let key = Key::find(store, key.id)?.ok_or(RegistryError::NotFound)?;
    let view = key.view(store, &tenant.policy)?;
    Ok(Revoked { view, sequence, bound: RevocationBound::published() })
}
