//! `/v1/forward-auth/{tenant}/{audience}`: a decision for proxies, as status and headers.

use std::net::IpAddr;

use wardkey::{Allow, Decision, Reason, Requirement, TenantId};
use wardkey_registry::{Reporter, WireSecret};
use worker::{Headers, Response, ResponseBuilder, console_warn};

use crate::Call;
use crate::audience_names::NamedAudience;
use crate::credential;
use crate::edge_verifier::EdgeVerifier;
use crate::own_reports;
use crate::problem::ApiError;

/// Where the proxy says who its caller is.
///
/// WHY it is believed: what is decided here opens nothing but the door of the proxy that asks. Whoever calls this route
/// without a proxy and names an address of their choice deceives nobody but themselves.
const ADDRESS_HEADER: &str = "Wardkey-Client-Address";
/// The stable code of a refusal, for proxies that make the refusal's body themselves.
const CODE_HEADER: &str = "Wardkey-Code";

/// What the proxy's configuration asks for, in the query.
#[derive(Debug)]
struct Wanted {
    scopes: Vec<String>,
    any: bool,
    strict: bool,
    /// The header that holds the key, if that is not Authorization.
    header: Option<String>,
}

/// Decides a key for a proxy.
///
/// 1. The query, as the proxy's configuration fixes it: 400.
/// 2. One credential, in its header and nowhere else: 401 without an error code, 400 `invalid_request`.
/// 3. It is well-formed and of this tenant: 401. Only then may anything be asked of an object.
/// 4. The audience is known, by what the isolate holds or by the registry: 401 as for any unknown key, 429, 503.
/// 5. The core decides, as for `POST /v1/verify`: 401, 403, 503; 400 for a scope that the audience has not, and
///    that only to those whose key is one of this audience.
/// 6. What was decided about an authentic key is counted, and told to the tenant's usage later: no answer waits for it.
/// 7. 200 without a body.
pub(crate) async fn decide(call: Call, tenant: &str, audience: &str) -> Result<Response, ApiError> {
    match judge(&call, tenant, audience).await {
        Ok(response) => Ok(response),
        Err(error) => {
            let code = error.code();
            let mut response = error.into_response(&call.id)?;
            response.headers_mut().set(CODE_HEADER, code)?;
            Ok(response)
        }
    }
}

async fn judge(call: &Call, tenant: &str, audience: &str) -> Result<Response, ApiError> {
    let wanted = Wanted::of(&call.url)?;
    let headers = call.request.headers();
    let place = wanted.header.as_deref().unwrap_or("Authorization");
    credential::refuse_elsewhere(headers, place)?;
    let text = match &wanted.header {
        Some(name) => credential::bare(headers, name)?,
        None => credential::bearer(headers)?,
    };
    let key = wardkey::inspect(text.secret_str()).map_err(ApiError::Denied)?;
    let claimed = key.base().signing_key.tenant;
    if number(tenant) != Some(claimed) {
        return Err(ApiError::Denied(UNKNOWN));
    }
    let registry = call.registry(claimed)?;
    let audience = NamedAudience::new(call, &registry, claimed, audience);
    let mut verifier = audience.verifier().await?;
    let caller = address(headers)?;
    let mut outcome = wanted.decided(&verifier, &text, caller).await;
    if is_doubtful(&outcome)
        && let Some(newer) = audience.doubted().await?
    {
        verifier = newer;
        outcome = wanted.decided(&verifier, &text, caller).await;
    }
    let decision = outcome?;
    let (tenant, audience) = verifier.name();
    own_reports::count(
        call,
        (tenant, audience.0),
        Reporter::FORWARD_AUTH,
        &decision,
        &wanted.scopes,
    );
    match decision {
        Decision::Allow(allow) => allowed(&verifier, &allow),
        Decision::Deny(denial) => Err(ApiError::Denied(denial.reason)),
        Decision::Ask(_) => {
            Err(ApiError::Internal("the verifier answered a question with a question".into()))
        }
    }
}

impl Wanted {
    /// Reads the query: nothing in it may be said twice, but for scopes, and nothing is unknown. What follows
    /// `original=` is the caller's own URL, which Envoy appends to all that it is configured with: a credential in it
    /// was refused with those in every URL, and nothing else in it counts.
    fn of(url: &url::Url) -> Result<Self, ApiError> {
        let mut scopes = Vec::new();
        let (mut any, mut strict, mut header) = (None, None, None);
        let query = url.query().unwrap_or_default();
        let configured = query.split_once("&original=").map_or(query, |(configured, _)| configured);
        for (name, value) in url::form_urlencoded::parse(configured.as_bytes()) {
            let fresh = match name.as_ref() {
                "scope" => {
                    scopes.push(value.into_owned());
                    true
                }
                "match" => any.replace(one_of("match", &value, ["all", "any"])?).is_none(),
                "strict" => strict.replace(one_of("strict", &value, ["false", "true"])?).is_none(),
                "header" => header.replace(header_name(&value)?).is_none(),
                _ => return Err(ApiError::invalid("query", PARAMETERS)),
            };
            if !fresh {
                return Err(ApiError::invalid("query", PARAMETERS));
            }
        }
        if scopes.is_empty() {
            return Err(ApiError::invalid("scope", "must name at least one scope"));
        }
        let (any, strict) = (any.unwrap_or(false), strict.unwrap_or(false));
        Ok(Self { scopes, any, strict, header })
    }

    async fn decided(
        &self,
        verifier: &EdgeVerifier<'_>,
        key: &WireSecret,
        caller: Option<IpAddr>,
    ) -> Result<Decision, ApiError> {
        let required = match verifier.requirement(&self.scopes, self.any) {
            Ok(required) => required,
            Err(ApiError::Invalid { problem, .. }) => {
                return self.misnamed(verifier, key, caller, problem).await;
            }
            Err(error) => return Err(error),
        };
        let required = if self.strict { required.strict() } else { required };
        verifier.decide(key.secret_str(), &required, caller).await
    }

    /// The proxy names a scope that the audience does not have. That is told to holders of a key of the audience
    /// alone: others would learn from it which tenants, audiences and scopes there are.
    async fn misnamed(
        &self,
        verifier: &EdgeVerifier<'_>,
        key: &WireSecret,
        caller: Option<IpAddr>,
        problem: String,
    ) -> Result<Decision, ApiError> {
        console_warn!("forward auth is configured with a scope that is not of the audience");
        let easiest: Requirement = verifier.easiest_requirement()?;
        match verifier.decide(key.secret_str(), &easiest, caller).await? {
            Decision::Deny(denial) if denial.reason.answer() == UNKNOWN.answer() => {
                Ok(Decision::Deny(denial))
            }
            _ => Err(ApiError::invalid("scope", problem)),
        }
    }
}

fn allowed(verifier: &EdgeVerifier<'_>, allow: &Allow) -> Result<Response, ApiError> {
    let builder = ResponseBuilder::new()
        .with_header("Wardkey-Subject", allow.subject.as_str())?
        .with_header("Wardkey-Key-Id", &allow.key_id.to_string())?
        .with_header("Wardkey-Scopes", &verifier.scope_names(&allow.scopes).join(" "))?
        .with_header("Wardkey-Expires-At", &allow.expires_at.0.to_string())?
        .with_header("Cache-Control", "no-store")?;
    let mut response = builder.fixed(Vec::new());
    verifier.rotate_by().say(response.headers_mut())?;
    Ok(response)
}

/// Whether a newer key set, or catalog, could decide otherwise.
const fn is_doubtful(outcome: &Result<Decision, ApiError>) -> bool {
    match outcome {
        Ok(Decision::Deny(denial)) => matches!(
            denial.reason,
            Reason::UnknownSigningKey | Reason::NoKeySet | Reason::RequirementOutdated
        ),
        Err(ApiError::Invalid { .. }) => true,
        _ => false,
    }
}

/// The caller's address, if the proxy says one, and one only: without it, keys that may be used from some
/// networks only are denied.
fn address(headers: &Headers) -> Result<Option<IpAddr>, ApiError> {
    Ok(headers.get(ADDRESS_HEADER)?.and_then(|text| text.trim().parse().ok()))
}

fn number(text: &str) -> Option<TenantId> {
    text.parse().ok().filter(|number: &u16| number.to_string() == text).map(TenantId)
}

/// Whether a parameter has its second value rather than its first.
fn one_of(name: &str, value: &str, values: [&str; 2]) -> Result<bool, ApiError> {
    match values.iter().position(|one| *one == value) {
        Some(at) => Ok(at == 1),
        None => Err(ApiError::invalid(name, format!("must be {}", values.join(" or ")))),
    }
}

fn header_name(value: &str) -> Result<String, ApiError> {
    let known = value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let own = value.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("wardkey-"));
    if value.is_empty()
        || value.len() > 64
        || !known
        || own
        || value.eq_ignore_ascii_case("authorization")
    {
        let problem = "must be a header's name of letters, digits and hyphens; leave it out for Authorization";
        return Err(ApiError::invalid("header", problem));
    }
    Ok(value.into())
}

/// What is no key of the tenant and audience, in whatever way, gets the answer of this one.
const UNKNOWN: Reason = Reason::UnknownSigningKey;
const PARAMETERS: &str = "takes scope (one or more) and, once each, match, strict and header";
