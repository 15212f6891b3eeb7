//! `/v1/revocations`: revoking many keys by one act.

use wardkey_registry::{Call as RegistryCall, Reply, RevocationRequest, RevocationState};
use worker::Response;

use crate::admin_request::AdminRequest;
use crate::problem::ApiError;
use crate::registry_client::unexpected_reply;
use crate::routes::json;
use crate::{Call, body};

/// Revokes whatever a selector reaches: a subject's keys, an issuer's, an audience's, all issued up to a second, or
/// everything.
///
/// 1. The credential: 401, 400 `invalid_request`.
/// 2. The body, whose faults are told once the registry has accepted the credential: 400, 408, 413, 415.
/// 3. The registry: 401, 403, 400 `invalid_field`, 409 `last_admin`, 422, 503.
/// 4. 202 while verifiers learn of it batch by batch (the registry denies all of it already), 200 once the list has
///    all of it, from when the bound in the answer runs.
pub(crate) async fn start(mut call: Call) -> Result<Response, ApiError> {
    let admin = AdminRequest::ending(&call)?;
    let said = body::json::<RevocationRequest>(&mut call.request).await;
    let (registry, authority, request) = admin.accept(said).await?;
    answer(registry.ask(&RegistryCall::Revoke { authority, request }).await?)
}

/// How far a revocation is.
///
/// 1. The credential: 401, 400 `invalid_request`.
/// 2. The registry: 401, 403, 404 `not_found`, 503.
/// 3. 202 or 200, as for the one who started it.
pub(crate) async fn read(call: Call, id: &str) -> Result<Response, ApiError> {
    let admin = AdminRequest::of(&call)?;
    let (registry, authority, id) = admin.accept(named(id)).await?;
    answer(registry.ask(&RegistryCall::ReadRevocation { authority, id }).await?)
}

fn named(id: &str) -> Result<String, ApiError> {
    let digits = id.strip_prefix("rev_").ok_or(ApiError::NotFound)?;
    let known =
        digits.len() == 16 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if known { Ok(id.into()) } else { Err(ApiError::NotFound) }
}

fn answer(reply: Reply) -> Result<Response, ApiError> {
    let Reply::Revocation(view) = reply else {
        return Err(unexpected_reply());
    };
    let status = if view.state == RevocationState::Expanding { 202 } else { 200 };
    json(status, &view)
}
