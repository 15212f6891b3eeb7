//! `/v1/policy`: read it, try another, replace it; and its schema.

use wardkey_provision::{POLICY_SCHEMA, Policy};
use wardkey_registry::{Call as RegistryCall, PolicyView, Reply};
use worker::{Headers, Response, ResponseBuilder};

use crate::admin_request::AdminRequest;
use crate::problem::ApiError;
use crate::registry_client::unexpected_reply;
use crate::routes::json;
use crate::{Call, body};

/// Reads the policy, or one of its versions.
///
/// 1. The credential: 401, 400 `invalid_request`.
/// 2. `version`, whose faults are told once the registry has accepted the credential: 400 `invalid_field`.
/// 3. The registry: 401, 403 `scope_missing`, 404 `not_found` (no such version), 503.
/// 4. 200 with the policy alone, so that it can be changed and put back; its version is the `ETag`.
pub(crate) async fn read(call: Call) -> Result<Response, ApiError> {
    let admin = AdminRequest::of(&call)?;
    let (registry, authority, version) = admin.accept(version(&call.url)).await?;
    answer(registry.ask(&RegistryCall::ReadPolicy { authority, version }).await?)
}

/// Replaces the policy, or with `?dry_run=true` says what that would change and break.
///
/// 1. The credential: 401, 400 `invalid_request`.
/// 2. The query, If-Match and the body, whose faults are told once the registry has accepted the credential: 400, 408,
///    413, 415, 428 `if_match_needed`.
/// 3. The registry: 401, 403 `scope_missing`, 400 `invalid_field` with the path, 409 `audience_in_use`, 412
///    `policy_changed`, 422, 503.
/// 4. 200 with the policy and its new version as the `ETag`; 200 with the trial, which reaches `audience_in_use` as a
///    broken key.
pub(crate) async fn replace(mut call: Call) -> Result<Response, ApiError> {
    let admin = AdminRequest::of(&call)?;
    let said = asked(&mut call).await;
    let (registry, authority, Replacement { trial, version, policy }) = admin.accept(said).await?;
    let Some(Trial { after }) = trial else {
        let replace = RegistryCall::ReplacePolicy { authority, version, policy };
        return answer(registry.ask(&replace).await?);
    };
    match registry.ask(&RegistryCall::TryPolicy { authority, version, policy, after }).await? {
        Reply::PolicyTrial(trial) => json(200, &trial),
        _ => Err(unexpected_reply()),
    }
}

/// The JSON Schema of policies: the same for every tenant, and public.
///
/// 1. 200 with the schema.
pub(crate) fn schema() -> Result<Response, ApiError> {
    let builder = ResponseBuilder::new()
        .with_status(200)
        .with_header("Content-Type", "application/schema+json")?
        .with_header("Cache-Control", "public, max-age=300")?;
    Ok(builder.fixed(POLICY_SCHEMA.as_bytes().to_vec()))
}

/// What a PUT asks for.
struct Replacement {
    trial: Option<Trial>,
    version: u32,
    policy: Policy,
}

/// That nothing is to be changed.
struct Trial {
    /// Only keys after this one are judged.
    after: Option<String>,
}

async fn asked(call: &mut Call) -> Result<Replacement, ApiError> {
    let trial = trial(&call.url)?;
    let version = if_match(call.request.headers())?;
    let policy = body::json(&mut call.request).await?;
    Ok(Replacement { trial, version, policy })
}

fn version(url: &url::Url) -> Result<Option<u32>, ApiError> {
    let mut version = None;
    for (name, value) in url.query_pairs() {
        if name != "version" {
            return Err(ApiError::invalid("query", "takes version only"));
        }
        let number = value.parse().ok().filter(|number| *number > 0);
        version = Some(number.ok_or_else(|| ApiError::invalid("version", "must be 1 or more"))?);
    }
    Ok(version)
}

fn trial(url: &url::Url) -> Result<Option<Trial>, ApiError> {
    let (mut dry_run, mut after) = (false, None);
    for (name, value) in url.query_pairs() {
        match name.as_ref() {
            "dry_run" => {
                let problem = || ApiError::invalid("dry_run", "must be true or false");
                dry_run = value.parse().map_err(|_| problem())?;
            }
            "after" => after = Some(value.into_owned()),
            _ => return Err(ApiError::invalid("query", "takes dry_run and after only")),
        }
    }
    match (dry_run, after) {
        (true, after) => Ok(Some(Trial { after })),
        (false, None) => Ok(None),
        (false, Some(_)) => Err(ApiError::invalid("after", "is for dry_run=true only")),
    }
}

/// The version that If-Match names. A tag that is none of ours is of version 0, which there never is.
fn if_match(headers: &Headers) -> Result<u32, ApiError> {
    version_of(headers.get("If-Match")?.ok_or(ApiError::IfMatchNeeded)?.trim())
}

fn version_of(text: &str) -> Result<u32, ApiError> {
    // WHY: neither `*` nor a list, which would replace what the caller has not looked at; a weak tag never matches.
    let problem = || ApiError::invalid("If-Match", "must be one ETag, as GET /v1/policy gave it");
    let opaque = text.strip_prefix("W/").unwrap_or(text).strip_prefix('"');
    let opaque = opaque.and_then(|rest| rest.strip_suffix('"')).ok_or_else(problem)?;
    if opaque.contains('"') {
        return Err(problem());
    }
    let ours = opaque.bytes().all(|b| b.is_ascii_digit()) && !opaque.starts_with('0');
    let version = opaque.parse().ok().filter(|_| ours && text.starts_with('"'));
    Ok(version.unwrap_or(0))
}

fn answer(reply: Reply) -> Result<Response, ApiError> {
    let Reply::Policy(PolicyView { version, policy, .. }) = reply else {
        return Err(unexpected_reply());
    };
    let mut response = json(200, &policy)?;
    response.headers_mut().set("ETag", &format!("\"{version}\""))?;
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_is_one_strong_tag_and_what_never_matches_is_version_0() {
        for (tag, version) in [("\"1\"", 1), ("\"4294967295\"", u32::MAX)] {
            assert_eq!(version_of(tag).ok(), Some(version), "{tag}");
        }
        for other in ["W/\"1\"", "\"\"", "\"0\"", "\"01\"", "\"+1\"", "\"4294967296\"", "\"abc\""] {
            assert_eq!(version_of(other).ok(), Some(0), "{other}");
        }
        for none in ["", "*", "1", "\"", "\"1", "\"1\", \"2\"", "W/1"] {
            assert!(version_of(none).is_err(), "{none}");
        }
    }

    #[test]
    fn the_query_says_whether_it_is_a_trial_and_from_which_key_on() {
        let asked = |query: &str| {
            let url = url::Url::parse(&format!("http://localhost/v1/policy{query}"));
            trial(&url.expect("a URL")).map(|trial| trial.map(|trial| trial.after))
        };
        for (query, wanted) in [
            ("", None),
            ("?dry_run=false", None),
            ("?dry_run=true", Some(None)),
            ("?dry_run=true&after=key_1", Some(Some("key_1".to_owned()))),
        ] {
            assert_eq!(asked(query).expect(query), wanted);
        }
        for bad in ["?dry_run", "?dry_run=1", "?dry_run=TRUE", "?after=key_1", "?colour=1"] {
            assert!(asked(bad).is_err(), "{bad}");
        }
    }
}
