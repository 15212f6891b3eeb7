//! `/v1/signing-keys/{audience}/rotate`: the next signing key of an audience.

use wardkey_registry::{Call as RegistryCall, Reply, RotateSigningKeysRequest};
use worker::Response;

use crate::admin_request::AdminRequest;
use crate::problem::ApiError;
use crate::registry_client::unexpected_reply;
use crate::routes::json;
use crate::{Call, body};

/// Makes the next signing key, planned or after a compromise.
///
/// 1. The credential: 401, 400 `invalid_request`.
/// 2. The body; its faults are told once the registry has accepted the credential: 400, 408, 413, 415.
/// 3. The registry: 401, 403 (an audience that is not there included), 400, 409 `epoch_pending`, `too_many_epochs`,
///    `epochs_used_up`, `last_admin`, 422, 503.
/// 4. 200 with the signing keys that live, those that died, and how many keys are to be issued anew.
pub(crate) async fn rotate(mut call: Call, audience: &str) -> Result<Response, ApiError> {
    let admin = AdminRequest::ending(&call)?;
    let said = body::json::<RotateSigningKeysRequest>(&mut call.request).await;
    let (registry, authority, request) = admin.accept(said).await?;
    let audience = audience.to_owned();
    match registry.ask(&RegistryCall::RotateSigningKeys { authority, audience, request }).await? {
        Reply::SigningKeys(rotated) => json(200, &rotated),
        _ => Err(unexpected_reply()),
    }
}
