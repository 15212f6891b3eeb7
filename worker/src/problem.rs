//! Every refusal of the API: problem details (RFC 9457) with a stable code.

use serde::Serialize;
use wardkey::{HttpAnswer, Reason};
use wardkey_registry::{Conflict, RegistryError};
use worker::{Headers, Response, ResponseBuilder, console_error};

use crate::request_id::RequestId;

/// Why a request is refused.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// No credential.
    NoCredential,
    /// Two credentials, or one in the URL.
    CredentialTwice,
    CredentialInUrl,
    /// The credential, as the core or the registry judged it.
    Denied(Reason),
    /// The credential is good and was narrowed.
    NarrowedKey,
    /// The credential is good and does not hold this right.
    MissingScope(String),
    /// A bootstrap token that opens nothing, or too late.
    BootstrapRefused,
    BootstrapExpired,
    BootstrapUsed,
    TenantExists,
    /// The tenant was destroyed; told where no key is to be judged.
    TenantGone,
    /// A rule of the policy or of the actor's rights.
    Forbidden {
        rule: String,
        detail: String,
    },
    /// What does not fit the state that things are in.
    Conflict {
        conflict: Conflict,
        detail: String,
    },
    /// A replacement that does not say what it replaces.
    IfMatchNeeded,
    /// The policy is another than the one that the caller has seen.
    PolicyChanged {
        version: u32,
    },
    /// A field of the request.
    Invalid {
        field: String,
        problem: String,
    },
    /// A body that is no JSON of the expected shape.
    Body(String),
    BodyTooLarge,
    BodyTooSlow,
    ContentType,
    IdempotencyKeyReused,
    KeyNotGivenAgain {
        key_id: String,
    },
    NotFound,
    NoRoute,
    Method {
        allow: &'static str,
    },
    PlainHttp,
    TooManyRequests,
    /// Too many questions to the registry about one key.
    TooManyStrictCalls,
    /// The registry has too much to do, and has done nothing of this.
    RegistryBusy,
    /// The registry did not answer in time: whether a mutation happened is not known.
    RegistryUnavailable,
    /// A secret or binding of the deployment, by name.
    Misconfigured(&'static str),
    /// Ours; the text is for the operator's log.
    Internal(String),
}

/// The body of a problem.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Problem<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
}

impl ApiError {
    pub(crate) fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), problem: problem.into() }
    }

    pub(crate) const fn method(allow: &'static str) -> Self {
        Self::Method { allow }
    }

    /// The answer that the caller gets. Internal failures go to the operator's log by request id; the
    /// caller learns the id and nothing else.
    pub(crate) fn into_response(self, id: &RequestId) -> worker::Result<Response> {
        if let Self::Internal(message) = &self {
            console_error!("{} internal: {message}", id.as_str());
        }
        let (status, code, title) = self.summary();
        let field = match &self {
            Self::Invalid { field, .. } => Some(field.as_str()),
            _ => None,
        };
        let rule = match &self {
            Self::Forbidden { rule, .. } => Some(rule.as_str()),
            _ => None,
        };
        let problem = Problem {
            r#type: format!("urn:wardkey:problem:{code}"),
            title,
            status,
            code,
            detail: self.detail(),
            field,
            rule,
        };
        let headers = Headers::new();
        headers.set("Content-Type", "application/problem+json")?;
        headers.set("Cache-Control", "no-store")?;
        if let Some(challenge) = self.challenge() {
            headers.set("WWW-Authenticate", &challenge)?;
        }
        if let Some(seconds) = self.retry_after_s() {
            headers.set("Retry-After", &seconds.to_string())?;
        }
        if let Self::Method { allow } = self {
            headers.set("Allow", allow)?;
        }
        let body = serde_json::to_vec(&problem)?;
        Ok(ResponseBuilder::new().with_status(status).with_headers(headers).fixed(body))
    }

    /// The HTTP status.
    pub(crate) const fn status(&self) -> u16 {
        self.summary().0
    }

    /// The stable code.
    pub(crate) const fn code(&self) -> &'static str {
        self.summary().1
    }

    /// Status, code and title.
    const fn summary(&self) -> (u16, &'static str, &'static str) {
        match self {
            Self::NoCredential => (401, "credential_missing", "A credential is needed"),
            Self::CredentialTwice => (400, "invalid_request", "Two credentials"),
            Self::CredentialInUrl => (400, "invalid_request", "A credential in the URL"),
            Self::Denied(reason) => {
                let HttpAnswer { status, code, .. } = reason.answer();
                let title = match status {
                    401 => "The credential is not accepted",
                    403 => "The credential does not allow this",
                    _ => "The credential cannot be judged now",
                };
                (status, code, title)
            }
            Self::MissingScope(_) => (403, "scope_missing", "The credential does not allow this"),
            Self::NarrowedKey => (403, "narrowed_key", "A narrowed key cannot act"),
            Self::BootstrapRefused => {
                (401, "bootstrap_refused", "The bootstrap token is not accepted")
            }
            Self::BootstrapExpired => (401, "bootstrap_expired", "The bootstrap token has expired"),
            Self::BootstrapUsed => (409, "bootstrap_used", "The bootstrap token was used before"),
            Self::TenantExists => (409, "tenant_exists", "The tenant exists already"),
            Self::TenantGone => (410, "tenant_gone", "The tenant is gone"),
            Self::Forbidden { .. } => (403, "forbidden_by_rule", "A rule refuses this"),
            Self::Conflict { conflict, .. } => (409, conflict.as_str(), "This does not fit now"),
            Self::IfMatchNeeded => (428, "if_match_needed", "If-Match is needed"),
            Self::PolicyChanged { .. } => (412, "policy_changed", "The policy has changed"),
            Self::Invalid { .. } => (400, "invalid_field", "A field is not acceptable"),
            Self::Body(_) => (400, "invalid_body", "The body is not what this route takes"),
            Self::BodyTooLarge => (413, "body_too_large", "The body is too large"),
            Self::BodyTooSlow => (408, "body_too_slow", "The body took too long"),
            Self::ContentType => (415, "content_type", "The body is not JSON"),
            Self::IdempotencyKeyReused => {
                (422, "idempotency_key_reused", "The Idempotency-Key was used for another request")
            }
            Self::KeyNotGivenAgain { .. } => {
                (409, "key_not_given_again", "The key exists and is not given again")
            }
            Self::NotFound => (404, "not_found", "There is no such thing"),
            Self::NoRoute => (404, "no_route", "There is no such route"),
            Self::Method { .. } => (405, "method_not_allowed", "Another method is needed"),
            Self::PlainHttp => (403, "https_required", "Keys travel over https only"),
            Self::TooManyRequests => (429, "too_many_requests", "Too many requests"),
            Self::TooManyStrictCalls => {
                (429, "too_many_strict_calls", "Too many strict calls with this key")
            }
            Self::RegistryBusy => (503, "registry_busy", "The registry has too much to do"),
            Self::RegistryUnavailable => {
                (503, "registry_unavailable", "The registry did not answer")
            }
            Self::Misconfigured(_) => (500, "misconfigured", "The deployment is not configured"),
            Self::Internal(_) => (500, "internal", "Something failed here"),
        }
    }

    /// What happened and what to do about it. It never repeats what the caller sent.
    fn detail(&self) -> String {
        match self {
            Self::NoCredential => "Send a key as Authorization: Bearer, or in the header that this service takes it in.".into(),
            Self::CredentialTwice => "Send exactly one Authorization header with one credential.".into(),
            Self::CredentialInUrl => "Send credentials in the Authorization header. This one has been exposed in a URL: revoke it.".into(),
            Self::Denied(reason) => denied_detail(*reason).into(),
            Self::MissingScope(scope) => format!("This needs a credential with {scope}."),
            Self::NarrowedKey => "Use the key as it was issued: a narrowed one can be verified and cannot administer.".into(),
            Self::BootstrapRefused => "Send the token whose SHA-256 the deployment holds as WARDKEY_BOOTSTRAP_SHA256.".into(),
            Self::BootstrapExpired => "Make a new token and set its SHA-256 as WARDKEY_BOOTSTRAP_SHA256.".into(),
            Self::BootstrapUsed => "Each token works once. Make a new one to recover the tenant.".into(),
            Self::TenantExists => "Leave policy out to recover the tenant with a new administrator, or name another tenant in a new token.".into(),
            Self::TenantGone => "The tenant was destroyed. Its number is never used again: name another tenant in a new token.".into(),
            Self::Forbidden { detail, .. } | Self::Conflict { detail, .. } => detail.clone(),
            Self::IfMatchNeeded => "Send the ETag that GET /v1/policy gave as If-Match, so that nobody's change is lost.".into(),
            Self::PolicyChanged { version } => format!("Its ETag is \"{version}\" by now: read it again and decide anew."),
            Self::Invalid { field, problem } => format!("{field}: {problem}"),
            Self::Body(problem) => problem.clone(),
            Self::BodyTooLarge => "Bodies are at most 65536 bytes.".into(),
            Self::BodyTooSlow => "Send the whole body within 10 seconds.".into(),
            Self::ContentType => "Send JSON with Content-Type: application/json.".into(),
            Self::IdempotencyKeyReused => "Use a new Idempotency-Key for a new request, or repeat the first one unchanged.".into(),
            Self::KeyNotGivenAgain { key_id } => format!("{key_id} was made by an earlier request and its text cannot be given again: rotate it, or revoke it and create another."),
            Self::NotFound => "Nothing of that name is visible to this credential.".into(),
            Self::NoRoute => "GET /openapi.json has the routes that there are.".into(),
            Self::Method { allow } => format!("This route takes {allow}."),
            Self::PlainHttp => "Repeat the request over https. If it carried a key, that key has been exposed: revoke it.".into(),
            Self::TooManyRequests => "Wait for as long as Retry-After says.".into(),
            Self::TooManyStrictCalls => "The key may be good and cannot be judged now: wait for as long as Retry-After says.".into(),
            Self::RegistryBusy => "Nothing was changed. Repeat the request after as long as Retry-After says.".into(),
            Self::RegistryUnavailable => "Whether a change was made is not known. Repeat the request with the same Idempotency-Key.".into(),
            Self::Misconfigured(name) => format!("{name} is missing or malformed in the deployment."),
            Self::Internal(_) => "Nothing was changed. The operator's log has the details under the request id.".into(),
        }
    }

    /// The challenge of RFC 6750, for what concerns the credential.
    fn challenge(&self) -> Option<String> {
        let error = match self {
            Self::NoCredential => return Some(REALM.into()),
            Self::BootstrapRefused | Self::BootstrapExpired => "invalid_token",
            Self::CredentialTwice | Self::CredentialInUrl => "invalid_request",
            Self::Denied(reason) => reason.answer().error?,
            // RFC 6750 section 3: whatever a token does not open is answered with a challenge.
            Self::NarrowedKey | Self::Forbidden { .. } => "insufficient_scope",
            Self::MissingScope(scope) => {
                return Some(format!("{REALM}, error=\"insufficient_scope\", scope=\"{scope}\""));
            }
            _ => return None,
        };
        Some(format!("{REALM}, error=\"{error}\""))
    }

    /// After how many seconds to try again, where that helps.
    pub(crate) const fn retry_after_s(&self) -> Option<u8> {
        match self {
            Self::Denied(reason) => reason.answer().retry_after_s,
            Self::RegistryBusy | Self::RegistryUnavailable => Some(1),
            Self::TooManyRequests | Self::TooManyStrictCalls => Some(60),
            _ => None,
        }
    }
}

/// One text for each public code, so that nothing before authenticity can be told apart.
const fn denied_detail(reason: Reason) -> &'static str {
    let HttpAnswer { status, .. } = reason.answer();
    match (status, reason) {
        (_, Reason::Expired) => "The key has expired: get a new one.",
        (_, Reason::NotYetValid) => "The key is not valid yet: use it later.",
        (_, Reason::Revoked) => "The key was revoked: get a new one.",
        (_, Reason::Suspended) => "The key is suspended.",
        (_, Reason::Retired) => "The key was rotated: use its newest generation.",
        (_, Reason::Inactive) => "The key is not active.",
        (_, Reason::Narrowed) => {
            "The key was narrowed to less than this needs: use the one it came from."
        }
        (_, Reason::AddressNotAllowed) => "The key may not be used from this address.",
        (403, _) => "The key does not hold the scope that this needs.",
        (503, _) => "Try again: the key may be good.",
        _ => "The key is not accepted.",
    }
}

impl From<RegistryError> for ApiError {
    fn from(error: RegistryError) -> Self {
        let reason = error.reason();
        match error {
            RegistryError::Denied { reason: word, .. } => reason.map_or_else(
                || Self::Internal(format!("the registry denied for {word}")),
                Self::Denied,
            ),
            RegistryError::MissingScope { scope } => Self::MissingScope(scope),
            RegistryError::NarrowedKey => Self::NarrowedKey,
            RegistryError::Invalid { field, problem } => Self::Invalid { field, problem },
            RegistryError::Forbidden { rule, detail } => Self::Forbidden { rule, detail },
            RegistryError::Conflict { conflict, detail } => Self::Conflict { conflict, detail },
            RegistryError::PolicyChanged { version } => Self::PolicyChanged { version },
            RegistryError::NotFound => Self::NotFound,
            // A credential of a tenant that is not there is as unknown as any other.
            RegistryError::NoTenant => Self::Denied(Reason::TenantGone),
            RegistryError::TenantGone => Self::TenantGone,
            RegistryError::TenantExists => Self::TenantExists,
            RegistryError::BootstrapUsed => Self::BootstrapUsed,
            RegistryError::IdempotencyKeyReused => Self::IdempotencyKeyReused,
            // An object runs on for minutes after a deployment, and then knows what the Worker asks.
            RegistryError::Busy => Self::RegistryBusy,
            RegistryError::UnknownCall => unknown_call(),
            RegistryError::Internal { message } if message == UNKNOWN_CALL_ONCE => unknown_call(),
            RegistryError::Internal { message } => Self::Internal(message),
        }
    }
}

impl From<worker::Error> for ApiError {
    fn from(error: worker::Error) -> Self {
        Self::Internal(error.to_string())
    }
}

/// An object of another version does not know what it is asked. It has done nothing, and will know it when it has
/// been restarted.
fn unknown_call() -> ApiError {
    console_error!("the registry runs another version, which does not know this call");
    ApiError::RegistryUnavailable
}

/// How objects said so before [`RegistryError::UnknownCall`].
const UNKNOWN_CALL_ONCE: &str = "the registry does not know this call";
const REALM: &str = "Bearer realm=\"wardkey\"";
