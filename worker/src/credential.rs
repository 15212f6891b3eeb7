//! The caller's credential: exactly one, in the Authorization header, never in the URL.

use wardkey::{AudienceId, Reason, TenantId};
use wardkey_provision::holds_credential;
use wardkey_registry::WireSecret;
use worker::Headers;

use crate::problem::ApiError;

/// A key whose text is well-formed. **Nothing is proven**: the registry judges it.
pub(crate) struct KeyCredential {
    pub(crate) text: WireSecret,
    /// The tenant that it says it is of: good for finding the registry.
    pub(crate) tenant: TenantId,
}

/// Takes the bearer token out of the headers.
///
/// # Errors
/// [`ApiError::NoCredential`], [`ApiError::CredentialTwice`].
pub(crate) fn bearer(headers: &Headers) -> Result<WireSecret, ApiError> {
    let value = headers.get("Authorization")?.ok_or(ApiError::NoCredential)?;
    // Several headers of one name arrive joined by commas, which no credential holds.
    if value.contains(',') {
        return Err(ApiError::CredentialTwice);
    }
    let (scheme, token) = value.trim().split_once(' ').ok_or(ApiError::NoCredential)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(ApiError::NoCredential);
    }
    Ok(WireSecret::new(token))
}

/// Takes a credential out of a header that holds it and nothing else.
///
/// # Errors
/// As [`bearer`].
pub(crate) fn bare(headers: &Headers, name: &str) -> Result<WireSecret, ApiError> {
    let value = headers.get(name)?.ok_or(ApiError::NoCredential)?;
    if value.contains(',') {
        return Err(ApiError::CredentialTwice);
    }
    let token = value.trim();
    if token.is_empty() { Err(ApiError::NoCredential) } else { Ok(WireSecret::new(token)) }
}

/// Refuses a request that holds a credential in any other header than the one where it belongs: the proxy
/// takes only that one away.
///
/// # Errors
/// [`ApiError::CredentialInUrl`] for headers that repeat a URL, [`ApiError::CredentialTwice`] for others.
pub(crate) fn refuse_elsewhere(headers: &Headers, place: &str) -> Result<(), ApiError> {
    for (name, value) in headers {
        if name.eq_ignore_ascii_case(place) {
            continue;
        }
        if holds_credential(&value) || holds_credential(&decoded(&value)) {
            let repeats_url = URL_HEADERS.iter().any(|url| name.eq_ignore_ascii_case(url));
            let error =
                if repeats_url { ApiError::CredentialInUrl } else { ApiError::CredentialTwice };
            return Err(error);
        }
    }
    Ok(())
}

/// Takes the administration key out of the headers. What is no such key is refused here, before any
/// object is asked.
///
/// # Errors
/// As [`bearer`], and [`ApiError::Denied`] with an answer that is the same for all.
pub(crate) fn administration(headers: &Headers) -> Result<KeyCredential, ApiError> {
    key(headers, |audience| audience == AudienceId::ADMINISTRATION)
}

/// Takes a key of any audience out of the headers.
///
/// # Errors
/// As [`administration`].
pub(crate) fn any_key(headers: &Headers) -> Result<KeyCredential, ApiError> {
    key(headers, |_| true)
}

fn key(headers: &Headers, wanted: impl Fn(AudienceId) -> bool) -> Result<KeyCredential, ApiError> {
    let text = bearer(headers)?;
    let key = wardkey::inspect(text.secret_str()).map_err(ApiError::Denied)?;
    let id = key.base().signing_key;
    if !wanted(id.audience) {
        return Err(ApiError::Denied(Reason::UnknownSigningKey));
    }
    Ok(KeyCredential { text, tenant: id.tenant })
}

/// Refuses a request whose URL holds a credential: URLs are logged by everything they pass.
pub(crate) fn refuse_in_url(url: &url::Url) -> Result<(), ApiError> {
    let in_query =
        url.query_pairs().any(|(name, value)| holds_credential(&name) || holds_credential(&value));
    let in_userinfo = !url.username().is_empty() || url.password().is_some();
    if in_query || in_userinfo || holds_credential(&decoded(url.path())) {
        return Err(ApiError::CredentialInUrl);
    }
    Ok(())
}

/// A path, or what else may be percent-encoded, decoded.
fn decoded(path: &str) -> String {
    // A plus sign stands for itself in a path, and no credential holds one.
    url::form_urlencoded::parse(path.as_bytes())
        .map(|(name, value)| format!("{name} {value} "))
        .collect()
}

/// Where proxies, and browsers, repeat a URL.
const URL_HEADERS: [&str; 5] =
    ["X-Original-URI", "X-Original-URL", "X-Forwarded-Uri", "X-Envoy-Original-Path", "Referer"];
