//! `GET /v1/key-set`: what a verifier works with. A secret.

use wardkey::TenantId;
use wardkey_registry::{Call as RegistryCall, Reply, VerifierMaterial};
use worker::{Headers, Response, ResponseBuilder};

use crate::Call;
use crate::admin_request::AdminRequest;
use crate::problem::ApiError;
use crate::registry_client::unexpected_reply;

/// Gives the key set of the one audience that the credential is for.
///
/// 1. The credential: 401, 400 `invalid_request`.
/// 2. `audience`, which may be left out; its faults are told once the registry has accepted the credential: 400.
/// 3. The registry: 401, 403 (`forbidden_by_rule` for a credential of several audiences included), 503.
/// 4. 200 with the bytes, their edition in `Wardkey-Key-Set-Version` and in a strong `ETag`; 304 for
///    `If-None-Match` with the newest edition.
pub(crate) async fn take(call: Call) -> Result<Response, ApiError> {
    let admin = AdminRequest::of(&call)?;
    let tenant = admin.tenant;
    let wanted = Wanted::of(call.request.headers())?;
    let (registry, authority, audience) = admin.accept(audience(&call.url)).await?;
    let has = wanted.editions(tenant);
    let asked = RegistryCall::ReadKeySet { authority, audience, has };
    let Reply::Verifier(VerifierMaterial { audience, key_set_version, key_set, .. }) =
        registry.ask(&asked).await?
    else {
        return Err(unexpected_reply());
    };
    let builder = ResponseBuilder::new()
        .with_header("Cache-Control", "no-store")?
        .with_header("ETag", &format!("\"{}-{audience}-{key_set_version}\"", tenant.0))?
        .with_header("Wardkey-Key-Set-Version", &key_set_version.to_string())?;
    match key_set.filter(|_| !wanted.nothing_that_exists) {
        Some(bytes) => Ok(builder
            .with_header("Content-Type", "application/octet-stream")?
            .fixed(bytes.as_bytes().to_vec())),
        None => Ok(builder.with_status(304).empty()),
    }
}

/// What `If-None-Match` names (RFC 9110 section 13.1.2).
struct Wanted {
    tags: Vec<(u16, u8, u32)>,
    /// `*`: whatever there is.
    nothing_that_exists: bool,
}

impl Wanted {
    fn of(headers: &Headers) -> Result<Self, ApiError> {
        let text = headers.get("If-None-Match")?.unwrap_or_default();
        let tags = text.split(',').filter_map(tag).collect();
        Ok(Self { tags, nothing_that_exists: text.trim() == "*" })
    }

    fn editions(&self, tenant: TenantId) -> Vec<(u8, u32)> {
        let ours = self.tags.iter().filter(|(owner, _, _)| *owner == tenant.0);
        ours.map(|(_, audience, version)| (*audience, *version)).take(MAX_TAGS).collect()
    }
}

/// An entity tag of ours; the comparison is the weak one.
fn tag(text: &str) -> Option<(u16, u8, u32)> {
    let text = text.trim();
    let quoted = text.strip_prefix("W/").unwrap_or(text);
    let mut parts = quoted.strip_prefix('"')?.strip_suffix('"')?.splitn(3, '-');
    let tag =
        (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(tag)
}

/// The audience's name.
fn audience(url: &url::Url) -> Result<Option<String>, ApiError> {
    let mut audience = None;
    for (name, value) in url.query_pairs() {
        if name != "audience" || audience.is_some() {
            return Err(ApiError::invalid("query", "takes one audience only"));
        }
        audience = Some(value.into_owned());
    }
    Ok(audience)
}

/// Most entity tags that are looked at: a verifier has one.
const MAX_TAGS: usize = 16;
