//! What a refused caller is told: problem details (RFC 9457), the same as every route of the registry answers.

use serde_json::json;
use wit_bindgen::spawn_local;

use crate::bindings::wardkey::verify::types::HttpAnswer;
use crate::bindings::wasi::http::types::{Fields, Response};
use crate::bindings::{wit_future, wit_stream};

/// Status, `error` of the challenge (RFC 6750), code, seconds for `Retry-After`, and methods for `Allow`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) error: Option<String>,
    pub(crate) code: String,
    pub(crate) retry_after_s: Option<u8>,
    pub(crate) allow: Option<String>,
}

impl Answer {
    /// No credential.
    pub(crate) fn missing() -> Self {
        Self::plain(401, "credential_missing")
    }

    /// Two credentials, or one where none belongs.
    pub(crate) fn invalid_request() -> Self {
        Self::of_registry(400, "invalid_request", None)
    }

    /// The guard's own failure: nobody learns of it whether the key is good, and no client throws it away.
    pub(crate) fn of_failure() -> Self {
        Self { retry_after_s: Some(1), ..Self::plain(503, "verifier_failed") }
    }

    /// Nothing can be judged yet.
    pub(crate) fn no_key_set() -> Self {
        Self { retry_after_s: Some(1), ..Self::plain(503, "no_key_set") }
    }

    /// What the registry refuses for, where the verifier has no word for it, and when it may be asked again if it says so.
    pub(crate) fn of_registry(status: u16, code: &str, retry_after_s: Option<u8>) -> Self {
        let error = match status {
            400 => Some("invalid_request"),
            401 => Some("invalid_token"),
            403 => Some("insufficient_scope"),
            _ => None,
        };
        let retry_after_s = retry_after_s.or((status == 429).then_some(1));
        Self { error: error.map(str::to_owned), retry_after_s, ..Self::plain(status, code) }
    }

    /// One that is nothing to do with a credential.
    pub(crate) fn plain(status: u16, code: &str) -> Self {
        Self { status, error: None, code: code.to_owned(), retry_after_s: None, allow: None }
    }

    /// A method that no rule lets anybody use, and those that rules are about.
    pub(crate) fn method_not_allowed(allowed: String) -> Self {
        Self { allow: Some(allowed), ..Self::plain(405, "method_not_allowed") }
    }

    pub(crate) fn response(&self) -> Response {
        let (mut writer, body) = wit_stream::new();
        let (trailers, no_trailers) = wit_future::new(|| Ok(None));
        drop(trailers);
        // INVARIANT: no name or value is other than a header's may be.
        let headers = Fields::from_list(&self.headers()).unwrap_or_else(|_| Fields::new());
        let (response, _sent) = Response::new(headers, Some(body), no_trailers);
        if response.set_status_code(self.status).is_err() {
            // INVARIANT: a new response is a 200, which no refusal may be.
            let _set = response.set_status_code(503);
        }
        let text = self.body();
        spawn_local(async move { writer.write_all(text.into_bytes()).await });
        response
    }

    fn headers(&self) -> Vec<(String, Vec<u8>)> {
        let Self { status, error, retry_after_s, allow, .. } = self;
        let mut headers = vec![
            ("content-type".to_owned(), b"application/problem+json".to_vec()),
            ("cache-control".to_owned(), b"no-store".to_vec()),
        ];
        if *status == 401 || error.is_some() {
            let told =
                error.as_ref().map_or_else(String::new, |error| format!(", error=\"{error}\""));
            let challenge = format!("Bearer realm=\"wardkey\"{told}");
            headers.push(("www-authenticate".to_owned(), challenge.into_bytes()));
        }
        if let Some(seconds) = retry_after_s {
            headers.push(("retry-after".to_owned(), seconds.to_string().into_bytes()));
        }
        if let Some(methods) = allow {
            headers.push(("allow".to_owned(), methods.clone().into_bytes()));
        }
        headers
    }

    fn body(&self) -> String {
        let Self { status, code, .. } = self;
        let problem = json!({
            "type": format!("urn:wardkey:problem:{code}"), "title": title(*status), "status": status, "code": code,
        });
        problem.to_string()
    }
}

impl From<HttpAnswer> for Answer {
    fn from(HttpAnswer { status, error, code, retry_after_s }: HttpAnswer) -> Self {
        Self { status, error, code, retry_after_s, allow: None }
    }
}

const fn title(status: u16) -> &'static str {
    match status {
        400 => "The request cannot be judged",
        401 => "The credential is not accepted",
        403 => "The credential does not allow this",
        405 => "The method is not allowed",
        429 => "Too many calls",
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
            (Answer::method_not_allowed("GET".to_owned()), None, None),
        ] {
            let headers = answer.headers();
            let header = |name: &str| {
                let found = headers.iter().find(|(found, _)| found == name);
                found.map(|(_, value)| str::from_utf8(value).unwrap())
            };
            assert_eq!(header("www-authenticate"), challenge, "{answer:?}");
            assert_eq!(header("retry-after"), retry, "{answer:?}");
            assert_eq!(header("cache-control"), Some("no-store"));
            assert_eq!(header("allow"), (answer.status == 405).then_some("GET"));
        }
    }
}
