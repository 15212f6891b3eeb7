//! `/v1/keys`: create, read, list, and change what people noted down.

use serde::Serialize;
use wardkey::KeyId;
use wardkey_provision::{KeyRequest, RecordKey, RecordName, SealError, open_record};
use wardkey_registry::{
    Call as RegistryCall, Created, KeyView, ListRequest, ReadKey, RecordPointer, Reply,
};
use worker::{Headers, Response, ResponseBuilder, console_warn};
use zeroize::Zeroizing;

use crate::admin_request::AdminRequest;
use crate::problem::ApiError;
use crate::record_store::RecordStore;
use crate::registry_client::unexpected_reply;
use crate::routes::json;
use crate::{Call, body, clock};

/// Creates a key.
///
/// 1. The credential from the headers: 401, 400 `invalid_request`.
/// 2. The body, whose faults are told once the registry has accepted the credential: 400, 408, 413, 415.
/// 3. The registry judges credential, rights and policy: 401, 403 `scope_missing` or `forbidden_by_rule`
///    with the rule, 400 `invalid_field`, 422 `idempotency_key_reused`, 503.
/// 4. 201 with the key; 200 for a repeated request, without `key` when it cannot be given again.
pub(crate) async fn create(mut call: Call) -> Result<Response, ApiError> {
    let admin = AdminRequest::of(&call)?;
    let form = Form::wanted(call.request.headers())?;
    let said = body::json::<KeyRequest>(&mut call.request).await;
    let (registry, authority, request) = admin.accept(said).await?;
    created(registry.ask(&RegistryCall::CreateKey { authority, request }).await?, form)
}

/// Reads a key: from the sealed record in KV if it is in its present version, else from the registry.
///
/// 1. The credential: 401, 400 `invalid_request`.
/// 2. The registry judges it and gives what opens the record: 401, 403, 404 `not_found`, 503.
/// 3. 200 with the key. `Wardkey-Record` says whether it came from `kv` or the `registry`.
pub(crate) async fn read(call: Call, id: &str) -> Result<Response, ApiError> {
    let admin = AdminRequest::of(&call)?;
    let tenant = admin.tenant;
    let (registry, authority, key_id) = admin.accept(key_named(id)).await?;
    let ask =
        |authority, what| RegistryCall::ReadKey { authority, key_id: key_id.to_string(), what };
    let again = authority.again();
    let Reply::Pointer(pointer) = registry.ask(&ask(authority, ReadKey::Pointer)).await? else {
        return Err(unexpected_reply());
    };
    let name = RecordName { tenant, key_id, version: pointer.version };
    if let Some(view) = from_kv(&call, name, &pointer).await {
        return key_answer(view, "kv");
    }
    match registry.ask(&ask(again, ReadKey::Record)).await? {
        Reply::Key(key) => key_answer(key.view, "registry"),
        _ => Err(unexpected_reply()),
    }
}

/// Some keys, ascending by id, of the audiences that the credential may read.
///
/// 1. The credential: 401, 400 `invalid_request`.
/// 2. `audience`, `subject`, `tag`, `after` (a key's id) and `limit` (1 to 200, default 50), whose faults are told
///    once the registry has accepted the credential: 400 `invalid_field`.
/// 3. The registry: 401, 403, 503.
/// 4. 200 with `keys` and, where there are more, `next_after`.
pub(crate) async fn list(call: Call) -> Result<Response, ApiError> {
    let admin = AdminRequest::of(&call)?;
    let (registry, authority, request) = admin.accept(filter(&call.url)).await?;
    match registry.ask(&RegistryCall::ListKeys { authority, request }).await? {
        Reply::Keys(page) => json(200, &page),
        _ => Err(unexpected_reply()),
    }
}

fn filter(url: &url::Url) -> Result<ListRequest, ApiError> {
    let mut request = ListRequest { limit: DEFAULT_LIMIT, ..ListRequest::default() };
    for (name, value) in url.query_pairs() {
        let field = match name.as_ref() {
            "audience" => &mut request.audience,
            "subject" => &mut request.subject,
            "tag" => &mut request.tag,
            "after" => &mut request.after,
            "limit" => {
                let number = value.parse().ok().filter(|number| (1..=200).contains(number));
                request.limit =
                    number.ok_or_else(|| ApiError::invalid("limit", "must be 1 to 200"))?;
                continue;
            }
            _ => {
                let problem = "takes audience, subject, tag, after and limit only";
                return Err(ApiError::invalid("query", problem));
            }
        };
        *field = Some(value.into_owned());
    }
    Ok(request)
}

/// Changes what people noted down of a key: name, owner, tags, meta.
///
/// 1. The credential: 401, 400 `invalid_request`.
/// 2. The body, whose faults are told once the registry has accepted the credential: 400, 408, 413, 415.
/// 3. The registry: 401, 403, 404, 409 `needs_rotation` for what stands inside the key, 422, 503.
/// 4. 200 with the key.
pub(crate) async fn update(mut call: Call, id: &str) -> Result<Response, ApiError> {
    let admin = AdminRequest::of(&call)?;
    let said = match key_named(id) {
        Ok(key_id) => body::json(&mut call.request).await.map(|body| (key_id, body)),
        Err(error) => Err(error),
    };
    let (registry, authority, (key_id, request)) = admin.accept(said).await?;
    let key_id = key_id.to_string();
    match registry.ask(&RegistryCall::UpdateKey { authority, key_id, request }).await? {
        Reply::Key(key) => json(200, &key.view.at(clock::now())),
        _ => Err(unexpected_reply()),
    }
}

pub(crate) fn key_named(id: &str) -> Result<KeyId, ApiError> {
    id.parse().map_err(|_| ApiError::NotFound)
}

/// Keys of a page unless `limit` says otherwise.
const DEFAULT_LIMIT: u32 = 50;

/// How a caller wants a new key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// With all that is known of it.
    Json,
    /// Its text alone, for a file or a pipe.
    Text,
}

impl Form {
    /// What the Accept header asks for; JSON by default.
    pub(crate) fn wanted(headers: &Headers) -> Result<Self, ApiError> {
        let accept = headers.get("Accept")?.unwrap_or_default();
        let first = accept.split([',', ';']).next().unwrap_or_default().trim();
        Ok(if first.eq_ignore_ascii_case("text/plain") { Self::Text } else { Self::Json })
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct CreatedAnswer<'a> {
    #[serde(flatten)]
    view: KeyView,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
}

/// The answer to whoever has had a key made. `Location` says where it can be read from now on.
pub(crate) fn created(reply: Reply, form: Form) -> Result<Response, ApiError> {
    let Reply::Created(Created { view, key, repeated }) = reply else {
        return Err(unexpected_reply());
    };
    let status = if repeated { 200 } else { 201 };
    let location = format!("/v1/keys/{}", view.key_id);
    let key = key.as_ref().map(|key| key.secret_str());
    let mut response = match (form, key) {
        (Form::Text, None) => return Err(ApiError::KeyNotGivenAgain { key_id: view.key_id }),
        (Form::Text, Some(key)) => {
            let builder = ResponseBuilder::new()
                .with_status(status)
                .with_header("Content-Type", "text/plain; charset=utf-8")?
                .with_header("Cache-Control", "no-store")?
                .with_header("Wardkey-Key-Id", &view.key_id)?;
            builder.fixed(key.as_bytes().to_vec())
        }
        (Form::Json, key) => {
            let note = key.is_none().then_some(
                "an earlier request made this key and its text cannot be given again: rotate it, or revoke it and create another",
            );
            json(status, &CreatedAnswer { view, key, note })?
        }
    };
    if !repeated {
        response.headers_mut().set("Location", &location)?;
    }
    Ok(response)
}

/// The record in KV, if it is there in its present version.
async fn from_kv(call: &Call, name: RecordName, pointer: &RecordPointer) -> Option<KeyView> {
    let records = RecordStore::of(&call.env).ok()?;
    // KV may lag, lack the record, fail or take its time: a reason to ask the registry, and no more.
    let sealed = records.sealed(name.tenant, name.key_id).await.ok().flatten()?;
    let secret = pointer.record_key.as_bytes().try_into().ok()?;
    match open_record(&RecordKey::new(Zeroizing::new(secret)), name, &sealed) {
        Ok(record) => serde_json::from_slice(&record).ok(),
        Err(SealError::Version { .. }) => None,
        Err(error) => {
            // Somebody has been at it: a lagging copy would be of another version.
            console_warn!("{} record of {} in KV: {error}", call.id.as_str(), name.key_id);
            None
        }
    }
}

fn key_answer(view: KeyView, source: &str) -> Result<Response, ApiError> {
    let mut response = json(200, &view.at(clock::now()))?;
    response.headers_mut().set("Wardkey-Record", source)?;
    Ok(response)
}
