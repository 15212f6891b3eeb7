//! `/v1/root/rewrap` and `/v1/tenant/destroy`: what wraps the tenant's secret, and its end.

use serde::Deserialize;
use wardkey_registry::{Call as RegistryCall, DestroyRequest, Reply};
use worker::Response;

use crate::admin_request::AdminRequest;
use crate::problem::ApiError;
use crate::registry_client::unexpected_reply;
use crate::routes::json;
use crate::{Call, body};

/// Says which version of the root wraps the tenant's secret.
///
/// 1. The credential: 401, 400 `invalid_request`.
/// 2. The registry: 401, 403, 503.
/// 3. 200 with that version, the newest one, and whether they are the same.
pub(crate) async fn root(call: Call) -> Result<Response, ApiError> {
    let admin = AdminRequest::of(&call)?;
    let (registry, authority, ()) = admin.accept(Ok(())).await?;
    wrapped(registry.ask(&RegistryCall::ReadRoot { authority }).await?)
}

/// Wraps the tenant's secret with the newest version of the root.
///
/// 1. The credential: 401, 400 `invalid_request`.
/// 2. No body, or an empty object: 400, 408, 413, 415.
/// 3. The registry: 401, 403, 422, 503.
/// 4. 200 as [`root`] answers.
pub(crate) async fn rewrap(mut call: Call) -> Result<Response, ApiError> {
    let admin = AdminRequest::of(&call)?;
    let said = body::json_or_default(&mut call.request).await;
    let (registry, authority, Nothing {}) = admin.accept(said).await?;
    wrapped(registry.ask(&RegistryCall::RewrapRoot { authority }).await?)
}

/// Destroys the tenant's secret, for good.
///
/// 1. The credential: 401, 400 `invalid_request`.
/// 2. The body with the tenant's number as `confirm`: 400, 408, 413, 415.
/// 3. The registry: 401, 403, 400 `invalid_field`, 503.
/// 4. 200 with the time at which the last verifier denies. From then on every credential of the tenant is the 401 that
///    all wrong ones are; lists and bootstrap are 410 `tenant_gone`.
pub(crate) async fn destroy(mut call: Call) -> Result<Response, ApiError> {
    let admin = AdminRequest::ending(&call)?;
    let said = body::json::<DestroyRequest>(&mut call.request).await;
    let (registry, authority, request) = admin.accept(said).await?;
    match registry.ask(&RegistryCall::DestroyTenant { authority, request }).await? {
        Reply::Destroyed(destroyed) => json(200, &destroyed),
        _ => Err(unexpected_reply()),
    }
}

fn wrapped(reply: Reply) -> Result<Response, ApiError> {
    match reply {
        Reply::Root(wrap) => json(200, &wrap),
        _ => Err(unexpected_reply()),
    }
}

/// A body with nothing in it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}
