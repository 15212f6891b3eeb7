//! The end of a tenant: its secret is destroyed, and with it whatever could be verified, minted, signed or opened.

use serde::{Deserialize, Serialize};
use wardkey::{AudienceId, Bounds};
use wardkey_provision::AdminScope;

use crate::admission::{Circumstances, admit};
use crate::audit_log::{self, Act, Outcome};
use crate::error::RegistryError;
use crate::list_copies;
use crate::reason;
use crate::store::{Store, Value};
use crate::tenant::Tenant;
use crate::tenant_report;

/// What must be said to destroy a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DestroyRequest {
    /// The tenant's number, once more.
    pub confirm: u16,
    /// In the actor's words: at most 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A tenant that is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Destroyed {
    /// Its number, which is never used again.
    pub tenant: u16,
    /// Unix milliseconds.
    pub destroyed_at_ms: u64,
    /// Unix milliseconds at which the last verifier denies the last key: no head is published any more, and the list
    /// of each has gone stale for every scope.
    pub verifies_until_ms: u64,
}

/// Destroys the tenant's secret. There is no way back, and no repeating: no credential can be judged any more.
pub(crate) fn destroy(
    store: &dyn Store,
    tenant: &Tenant,
    request: &DestroyRequest,
    circumstances: &Circumstances<'_>,
) -> Result<Destroyed, RegistryError> {
    let Circumstances { credential, request_id, now, .. } = *circumstances;
    let actor = admit(store, tenant, credential, AdminScope::TenantManage, now)?;
    let reason = reason::checked(request.reason.as_deref())?;
    if request.confirm != tenant.number().0 {
        return Err(RegistryError::invalid("confirm", "must be the number of the tenant"));
    }
    let act = Act {
        actor: Some(&actor),
        action: "tenant.destroy",
        audience: AudienceId::ADMINISTRATION,
        target: None,
        reason,
        outcome: Outcome::Done,
        request_id,
    };
    audit_log::append(store, now, act)?;
    Tenant::keep_time(store, now)?;
    let rows = store.query("SELECT wrapped_secret FROM tenant", &[])?;
    let len = rows.first().ok_or(RegistryError::NoTenant)?.blob(0)?.len();
    // WHY: as many bytes, and alone: SQLite then writes over the old ones where they lie.
    store.execute("UPDATE tenant SET wrapped_secret = ?", &[Value::Blob(vec![0; len])])?;
    store.execute("UPDATE tenant SET destroyed_at = ?", &[now.0.into()])?;
    for table in ["outbox", "head", "idempotency"] {
        store.execute(&format!("DELETE FROM {table}"), &[])?;
    }
    tenant_report::post(store, now)?;
    list_copies::withdraw(store, now)?;
    let [_, _, _, low_ms, max_skew_ms] = Bounds::DEFAULT.figures();
    Ok(Destroyed {
        tenant: tenant.number().0,
        destroyed_at_ms: now.0,
        verifies_until_ms: now.0 + u64::from(low_ms) + u64::from(max_skew_ms),
    })
}
