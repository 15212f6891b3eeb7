//! `/v1/keys/{id}/…` and `/v1/revoke-self`: the next generation of a key, its pause, and its end.

use serde::Serialize;
use serde::de::DeserializeOwned;
use wardkey::KeyId;
use wardkey_registry::{
    Authority, Call as RegistryCall, KeyReply, KeyView, Reply, RevocationBound, Revoked,
};
use worker::Response;

use crate::admin_request::AdminRequest;
use crate::problem::ApiError;
use crate::registry_client::{RegistryClient, unexpected_reply};
use crate::routes::json;
use crate::routes::keys::{Form, created, key_named};
use crate::{Call, body, clock};

/// Makes a key's next generation.
///
/// 1. The credential: 401, 400 `invalid_request`.
/// 2. The body, which may be left out; its faults are told once the registry has accepted the
///    credential: 400, 408, 413, 415.
/// 3. The registry judges rights and policy as for a new key: 401, 403, 404 `not_found`, 400, 409
///    `rotation_in_progress`, `key_suspended`, `key_ended`, 422, 503.
/// 4. 201 with the key, its new text in `key`; 200 for a repeated request.
pub(crate) async fn rotate(mut call: Call, id: &str) -> Result<Response, ApiError> {
    let admin = AdminRequest::of(&call)?;
    let form = Form::wanted(call.request.headers())?;
    let (registry, authority, key_id, request) = about(admin, &mut call, id).await?;
    let key_id = key_id.to_string();
    created(registry.ask(&RegistryCall::RotateKey { authority, key_id, request }).await?, form)
}

/// Retires all generations but the newest: its holder has it.
///
/// 1. The credential: 401, 400 `invalid_request`.
/// 2. No body, or an empty object: 400, 408, 413, 415.
/// 3. The registry: 401, 403, 404 `not_found`, 409 `key_ended`, 422, 503.
/// 4. 200 with the key and the bound within which the last verifier denies what came before.
pub(crate) async fn confirm(mut call: Call, id: &str) -> Result<Response, ApiError> {
    let admin = AdminRequest::ending(&call)?;
    let (registry, authority, key_id, Nothing {}) = about(admin, &mut call, id).await?;
    let key_id = key_id.to_string();
    match registry.ask(&RegistryCall::ConfirmKey { authority, key_id }).await? {
        Reply::Key(KeyReply { view, list_sequence, bound }) => {
            json(200, &ConfirmedAnswer { key: view.at(clock::now()), list_sequence, bound })
        }
        _ => Err(unexpected_reply()),
    }
}

/// Suspends a key, or resumes it.
///
/// 1. The credential: 401, 400 `invalid_request`.
/// 2. The body, which may be left out: 400, 408, 413, 415.
/// 3. The registry: 401, 403, 404 `not_found`, 409 `key_ended`, `last_admin`, 422, 503.
/// 4. 200 with the key and the bound within which the last verifier knows it.
pub(crate) async fn suspend(
    mut call: Call,
    id: &str,
    suspended: bool,
) -> Result<Response, ApiError> {
    let admin = if suspended { AdminRequest::ending(&call)? } else { AdminRequest::of(&call)? };
    let (registry, authority, key_id, request) = about(admin, &mut call, id).await?;
    let key_id = key_id.to_string();
    let asked = RegistryCall::SuspendKey { authority, key_id, suspended, request };
    revoked(registry.ask(&asked).await?)
}

/// Revokes a key, or one of its generations.
///
/// 1. The credential: 401, 400 `invalid_request`.
/// 2. The body, which may be left out: 400, 408, 413, 415.
/// 3. The registry: 401, 403, 404 `not_found`, 409 `last_admin`, 422, 503.
/// 4. 200 with the key and the bound within which the last verifier denies it.
pub(crate) async fn revoke(mut call: Call, id: &str) -> Result<Response, ApiError> {
    let admin = AdminRequest::ending(&call)?;
    let (registry, authority, key_id, request) = about(admin, &mut call, id).await?;
    let key_id = key_id.to_string();
    revoked(registry.ask(&RegistryCall::RevokeKey { authority, key_id, request }).await?)
}

/// Revokes the generation whose key is shown as the credential, of whatever audience.
///
/// 1. The key in the headers: 401, 400 `invalid_request`.
/// 2. The body, which may be left out; its faults are told once the registry has found the key right: 400, 408,
///    413, 415.
/// 3. The registry: 401 (a dead key included), 403 `narrowed_key`, 409 `last_admin`, 503.
/// 4. 200 with the key and the bound.
pub(crate) async fn revoke_self(mut call: Call) -> Result<Response, ApiError> {
    let holder = AdminRequest::of_holder(&call)?;
    let said = body::json_or_default(&mut call.request).await;
    let (registry, authority, request) = holder.accept(said).await?;
    revoked(registry.ask(&RegistryCall::RevokeSelf { authority, request }).await?)
}

/// What a request says about a key.
async fn about<T: DeserializeOwned + Default>(
    admin: AdminRequest,
    call: &mut Call,
    id: &str,
) -> Result<(RegistryClient, Authority, KeyId, T), ApiError> {
    let said = match key_named(id) {
        Ok(key_id) => body::json_or_default(&mut call.request).await.map(|body| (key_id, body)),
        Err(error) => Err(error),
    };
    let (registry, authority, (key_id, request)) = admin.accept(said).await?;
    Ok((registry, authority, key_id, request))
}

fn revoked(reply: Reply) -> Result<Response, ApiError> {
    let Reply::Revoked(Revoked { view, sequence, bound }) = reply else {
        return Err(unexpected_reply());
    };
    let key = view.at(clock::now());
    json(200, &RevokedAnswer { key, list_sequence: sequence, bound })
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RevokedAnswer {
    #[serde(flatten)]
    key: KeyView,
    list_sequence: u64,
    bound: RevocationBound,
}

/// What an object of the version before answers has neither sequence nor bound.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ConfirmedAnswer {
    #[serde(flatten)]
    key: KeyView,
    #[serde(skip_serializing_if = "Option::is_none")]
    list_sequence: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bound: Option<RevocationBound>,
}

/// A body with nothing in it.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}
