//! What a refused caller is told: problem details (RFC 9457), the same as every route of the registry answers.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use serde_json::json;

use crate::bindings::exports::wardkey::verify::types::HttpAnswer;

/// Status, `error` of the challenge (RFC 6750), code, and seconds for `Retry-After`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) error: Option<String>,
    pub(crate) code: String,
    pub(crate) retry_after_s: Option<u8>,
}

impl Answer {
    /// No credential.
    pub(crate) fn missing() -> Self {
        Self::plain(401, "credential_missing")
    }

    /// Two credentials, one in a URL, or a request that no rule can be found for.
    pub(crate) fn invalid_request() -> Self {
        Self { error: Some("invalid_request".to_owned()), ..Self::plain(400, "invalid_request") }
    }

    /// The host's own failure: nobody learns of it whether the key is good, and no client throws it away.
    pub(crate) fn of_failure() -> Self {
        Self { retry_after_s: Some(1), ..Self::plain(503, "verifier_failed") }
    }

    /// Nothing can be judged yet.
    pub(crate) fn no_key_set() -> Self {
        Self { retry_after_s: Some(1), ..Self::plain(503, "no_key_set") }
    }

    /// The list that is known to be the newest is not in force here.
    pub(crate) fn list_stale() -> Self {
        Self { retry_after_s: Some(1), ..Self::plain(503, "list_stale") }
    }

    /// What the registry refuses for, where the component has no word for it, and when it may be asked again if it says so.
    pub(crate) fn of_registry(status: u16, code: &str, retry_after_s: Option<u8>) -> Self {
        let error = match status {
            400 => Some("invalid_request".to_owned()),
            401 => Some("invalid_token".to_owned()),
            403 => Some("insufficient_scope".to_owned()),
            _ => None,
        };
        let retry_after_s = retry_after_s.or((status == 429).then_some(1));
        Self { error, retry_after_s, ..Self::plain(status, code) }
    }

    /// One that is nothing to do with a credential.
    pub(crate) fn plain(status: u16, code: &str) -> Self {
        Self { status, error: None, code: code.to_owned(), retry_after_s: None }
    }

    pub(crate) fn response(&self) -> Response<Full<Bytes>> {
        let Self { status, error, code, retry_after_s } = self;
        let body = json!({
            "type": format!("urn:wardkey:problem:{code}"), "title": title(*status), "status": status, "code": code,
        });
        let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
        *response.status_mut() =
            StatusCode::from_u16(*status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if *status == 401 || error.is_some() {
            let told =
                error.as_ref().map_or_else(String::new, |error| format!(", error=\"{error}\""));
            let challenge = format!("Bearer realm=\"wardkey\"{told}");
            if let Ok(challenge) = HeaderValue::from_str(&challenge) {
                headers.insert(WWW_AUTHENTICATE, challenge);
            }
        }
        if let Some(seconds) = retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(u16::from(*seconds)));
        }
        response
    }
}

impl From<HttpAnswer> for Answer {
    fn from(HttpAnswer { status, error, code, retry_after_s }: HttpAnswer) -> Self {
        Self { status, error, code, retry_after_s }
    }
}

const fn title(status: u16) -> &'static str {
    match status {
        400 => "The request cannot be judged",
        401 => "The credential is not accepted",
        403 => "The credential does not allow this",
        405 => "The method is not allowed",
        408 => "The request does not come to its end",
        429 => "Too many calls",
        502 => "The service behind cannot be reached",
        504 => "The service behind does not answer",
        _ => "The credential cannot be judged now",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_stands_where_a_credential_would_help() {
        for (answer, challenge, retry) in [
            (Answer::missing(), Some("Bearer realm=\"wardkey\""), None),
            (
                Answer::invalid_request(),
                Some("Bearer realm=\"wardkey\", error=\"invalid_request\""),
                None,
            ),
            (Answer::of_failure(), None, Some("1")),
            (Answer::of_registry(429, "too_many_strict_calls", None), None, Some("1")),
            (Answer::of_registry(429, "too_many_strict_calls", Some(60)), None, Some("60")),
            (Answer::plain(502, "upstream_unreachable"), None, None),
        ] {
            let response = answer.response();
            let header = |name| {
                response.headers().get(name).map(|value: &HeaderValue| value.to_str().unwrap())
            };
            assert_eq!(header(WWW_AUTHENTICATE), challenge, "{answer:?}");
            assert_eq!(header(RETRY_AFTER), retry, "{answer:?}");
            assert_eq!(header(CACHE_CONTROL), Some("no-store"));
            assert_eq!(response.status().as_u16(), answer.status);
        }
    }
}
