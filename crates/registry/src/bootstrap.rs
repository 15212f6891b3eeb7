//! Bootstrap: the tenant's first administrator, or a new one for a tenant that lost all of its own.

use rand_core::TryCryptoRng;
use serde::{Deserialize, Serialize};
use wardkey::{AudienceId, Subject, TenantId, UnixMillis, UnixSeconds};
use wardkey_provision::{Grant, Policy, RootKeys};

use crate::audit_log::{self, Act, Outcome};
use crate::create::{Created, before, finish, issue};
use crate::error::RegistryError;
use crate::idempotency::Attempt;
use crate::store::Store;
use crate::tenant::{Tenant, second_of};
use crate::wire::WireBytes;
use crate::{revocation_list, schema, tenant_report};

/// What a bootstrap asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BootstrapRequest {
    /// Who the administrator's key shall act as.
    pub subject: String,
    /// The new tenant's policy; none to recover a tenant that lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// Lifetime of the administrator's key, in seconds. Default 90 days.
    #[serde(default = "expires_in")]
    pub expires_in: u32,
}

/// Which token was shown, and the request that it belongs to.
pub(crate) struct Token<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) hash: &'a WireBytes,
    pub(crate) idempotency_key: Option<&'a str>,
    pub(crate) request_id: &'a str,
}

/// Makes or recovers the tenant. The Worker has compared the token's hash with the deployment's before.
pub(crate) fn bootstrap(
    store: &dyn Store,
    root: &RootKeys,
    token: &Token<'_>,
    request: &BootstrapRequest,
    clock: UnixMillis,
    rng: &mut impl TryCryptoRng,
) -> Result<Created, RegistryError> {
    let subject = Subject::new(&request.subject)
        .map_err(|error| RegistryError::invalid("subject", error.to_string()))?;
    if request.expires_in < wardkey::MIN_LIFETIME_SECONDS {
        return Err(RegistryError::invalid("expires_in", "must be at least 60 seconds"));
    }
    let existing = Tenant::find(store, root)?;
    let now = existing.as_ref().map_or(clock, |tenant| tenant.time(clock));
    if let Some(tenant) = &existing
        && was_used(store, token.hash)?
    {
        let attempt = attempt(tenant, token, request)?;
        return before(store, tenant, attempt.as_ref(), now)?.ok_or(RegistryError::BootstrapUsed);
    }
    let (action, tenant) = match (existing, &request.policy) {
        (None, None) => {
            return Err(RegistryError::invalid("policy", "must be given for a new tenant"));
        }
        (Some(_), Some(_)) => return Err(RegistryError::TenantExists),
        (Some(tenant), None) => ("tenant.recover", tenant),
        (None, Some(policy)) => {
            policy.check()?;
            schema::create(store)?;
            Tenant::create(store, root, token.tenant, policy, now, rng)?;
            revocation_list::start(store, now)?;
            tenant_report::post(store, now)?;
            ("tenant.create", Tenant::load(store, root)?)
        }
    };
    store.execute(
        "INSERT INTO bootstrap (token_hash, used_at) VALUES (?, ?)",
        &[token.hash.as_bytes().into(), now.0.into()],
    )?;
    let second = second_of(now)?;
    let expires_at = second.0.checked_add(request.expires_in).map(UnixSeconds);
    let expires_at = expires_at
        .ok_or_else(|| RegistryError::invalid("expires_in", "ends after the year 2106"))?;
    let grant = Grant::bootstrap(&tenant.policy, subject, expires_at)?;
    let issued = issue(store, &tenant, &grant, None, now, rng)?;
    let act = Act {
        actor: None,
        action,
        audience: AudienceId::ADMINISTRATION,
        target: Some(issued.view.key_id.clone()),
        reason: None,
        outcome: Outcome::Done,
        request_id: token.request_id,
    };
    audit_log::append(store, now, act)?;
    Tenant::keep_time(store, now)?;
    let attempt = attempt(&tenant, token, request)?;
    finish(store, attempt.as_ref(), issued, now)
}

fn was_used(store: &dyn Store, hash: &WireBytes) -> Result<bool, RegistryError> {
    let rows =
        store.query("SELECT 1 FROM bootstrap WHERE token_hash = ?", &[hash.as_bytes().into()])?;
    Ok(!rows.is_empty())
}

fn attempt(
    tenant: &Tenant,
    token: &Token<'_>,
    request: &BootstrapRequest,
) -> Result<Option<Attempt>, RegistryError> {
    let actor: String = token.hash.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    Attempt::new(
        &tenant.secret,
        format!("bootstrap {actor}"),
        token.idempotency_key,
        "bootstrap",
        request,
    )
}

const fn expires_in() -> u32 {
    90 * 24 * 3600
}
