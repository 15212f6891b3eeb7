//! Which version of the root wraps the tenant's secret, and wrapping it with the newest. What is derived from the
//! secret stays as it is: no API key notices.

use rand_core::TryCryptoRng;
use serde::{Deserialize, Serialize};
use wardkey::{AudienceId, UnixMillis};
use wardkey_provision::{AdminScope, RootKeys, WrapError};

use crate::admission::{Circumstances, admit};
use crate::error::RegistryError;
use crate::mutation::{Deed, Mutation};
use crate::store::Store;
use crate::tenant::{Tenant, random};
use crate::tenant_report;
use crate::wire::WireSecret;

/// How far the root's rotation has come in this tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RootWrap {
    /// The tenant.
    pub tenant: u16,
    /// The version of the root that wraps its secret.
    pub wrapped_by: u32,
    /// The newest version that the deployment holds.
    pub newest: u32,
    /// Whether the versions before the newest are not needed for this tenant any more.
    pub done: bool,
}

/// Says which version wraps.
pub(crate) fn read(
    store: &dyn Store,
    root: &RootKeys,
    tenant: &Tenant,
    credential: &WireSecret,
    now: UnixMillis,
) -> Result<RootWrap, RegistryError> {
    admit(store, tenant, credential, AdminScope::TenantManage, now)?;
    Ok(wrap_of(tenant, tenant.wrapped_by, root))
}

/// Wraps the secret with the newest version. Doing it again changes nothing.
pub(crate) fn rewrap(
    store: &dyn Store,
    root: &RootKeys,
    tenant: &Tenant,
    circumstances: &Circumstances<'_>,
    rng: &mut impl TryCryptoRng,
) -> Result<RootWrap, RegistryError> {
    let action = "root.rewrap";
    let mutation =
        Mutation::admit(store, tenant, circumstances, AdminScope::TenantManage, (action, &()))?;
    if let Some(outcome) = mutation.before()? {
        return Ok(outcome);
    }
    let newest = root.newest_version();
    let changed = tenant.wrapped_by != newest;
    if changed {
        let failed = |error: WrapError| RegistryError::internal(error.to_string());
        let wrapped = root.wrap(tenant.number(), &tenant.secret, random(rng)?).map_err(failed)?;
        // What replaces the only copy must open.
        root.unwrap(tenant.number(), &wrapped).map_err(failed)?;
        store.execute("UPDATE tenant SET wrapped_secret = ?", &[wrapped.as_slice().into()])?;
        tenant_report::post(store, circumstances.now)?;
    }
    let reason = format!("root version {} to {newest}", tenant.wrapped_by);
    mutation.log(Deed {
        action,
        audience: AudienceId::ADMINISTRATION,
        target: None,
        reason: Some(&reason),
        changed,
    })?;
    mutation.end(wrap_of(tenant, newest, root))
}

const fn wrap_of(tenant: &Tenant, wrapped_by: u32, root: &RootKeys) -> RootWrap {
    let newest = root.newest_version();
    RootWrap { tenant: tenant.number().0, wrapped_by, newest, done: wrapped_by == newest }
}
