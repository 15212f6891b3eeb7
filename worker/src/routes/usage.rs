//! `/v1/usage` and `/v1/keys/{id}/usage`: what verifiers report that they decided. Claims of theirs, and no proof.

use wardkey_registry::{Call as RegistryCall, Reply, UsageCall, UsageReply, UsageReport};
use worker::Response;

use crate::admin_request::AdminRequest;
use crate::problem::ApiError;
use crate::registry_client::unexpected_reply;
use crate::routes::json;
use crate::routes::keys::key_named;
use crate::usage_client::UsageClient;
use crate::{Call, body};

/// Counts what a verifier reports.
///
/// 1. The credential, which may take a key set: 401, 400 `invalid_request`.
/// 2. The body, whose faults are told once the registry has accepted the credential: 400, 408, 413, 415.
/// 3. The registry admits the verifier, which fixes tenant and audience: 401, 403 (`forbidden_by_rule` for a credential of
///    several audiences, and for another audience than its own), 503.
/// 4. The tenant's usage takes the report as a whole: 400 `invalid_field`, 503.
/// 5. 200 with what was counted; the same again for a report that is repeated.
pub(crate) async fn report(mut call: Call) -> Result<Response, ApiError> {
    let admin = AdminRequest::of(&call)?;
    let tenant = admin.tenant;
    let said = body::json::<UsageReport>(&mut call.request).await;
    let (registry, authority, report) = admin.accept(said).await?;
    let audience = report.audience.clone();
    let admission = RegistryCall::AdmitReporter { authority, audience };
    let Reply::Reporter(reporter) = registry.ask(&admission).await? else {
        return Err(unexpected_reply());
    };
    let usage = UsageClient::of(&call.env, tenant)?;
    match usage.ask(&UsageCall::Report { tenant: tenant.0, reporter, report }).await? {
        UsageReply::Counted(counted) => json(200, &counted),
        UsageReply::Usage(_) => Err(unexpected_reply()),
    }
}

/// Tells what was reported of a key.
///
/// 1. The credential: 401, 400 `invalid_request`.
/// 2. The registry judges whether it may read the key: 401, 403, 404 `not_found`, 503.
/// 3. 200 with the counts of the last 90 days.
pub(crate) async fn read(call: Call, id: &str) -> Result<Response, ApiError> {
    let admin = AdminRequest::of(&call)?;
    let tenant = admin.tenant;
    let (registry, authority, key_id) = admin.accept(key_named(id)).await?;
    let asked = RegistryCall::ReadUsedKey { authority, key_id: key_id.to_string() };
    let Reply::UsedKey(key) = registry.ask(&asked).await? else {
        return Err(unexpected_reply());
    };
    match UsageClient::of(&call.env, tenant)?.ask(&UsageCall::Read { key }).await? {
        UsageReply::Usage(usage) => json(200, &usage),
        UsageReply::Counted(_) => Err(unexpected_reply()),
    }
}
