//! What of a request reaches the service behind.

use crate::bindings::wardkey::verify::types::Allow;
use crate::bindings::wasi::http::types::{Fields, Request};
use crate::bindings::wit_future;

/// The same request without the credential: the service hears who calls from the guard alone. Its body streams.
///
/// Nothing if the host takes no such request.
pub(crate) fn to_service(
    request: Request,
    headers: &[(String, Vec<u8>)],
    allow: &Allow,
) -> Option<Request> {
    let headers = Fields::from_list(&told(headers, allow)).ok()?;
    let method = request.get_method();
    let target = request.get_path_with_query();
    let scheme = request.get_scheme();
    let authority = request.get_authority();
    // Whether the body came whole is between the host and the service.
    let (_unused, accepted) = wit_future::new(|| Ok(()));
    let (body, trailers) = Request::consume_body(request, accepted);
    let (request, _sent) = Request::new(headers, Some(body), trailers, None);
    request.set_method(&method).ok()?;
    request.set_path_with_query(target.as_deref()).ok()?;
    request.set_scheme(scheme.as_ref()).ok()?;
    request.set_authority(authority.as_deref()).ok()?;
    Some(request)
}

/// The headers that the service is told.
fn told(headers: &[(String, Vec<u8>)], allow: &Allow) -> Vec<(String, Vec<u8>)> {
    let others = headers.iter().filter(|(name, _)| !is_taken_away(name)).cloned();
    let ours = [("wardkey-subject", &allow.subject), ("wardkey-key-id", &allow.key_id)];
    let ours = ours.map(|(name, value)| (name.to_owned(), value.clone().into_bytes()));
    others.chain(ours).collect()
}

/// The credential, what only the guard may say, and what wasi:http forbids in a request that is made.
/// Some services take an underscore for a hyphen.
fn is_taken_away(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    let is_of_connection = matches!(
        name.as_str(),
        "connection"
            | "host"
            | "http2-settings"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "transfer-encoding"
            | "upgrade"
    );
    name == "authorization" || name.starts_with("wardkey-") || is_of_connection
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::wardkey::verify::types::Zone;

    #[test]
    fn nobody_but_the_guard_says_who_calls() {
        let headers: Vec<(String, Vec<u8>)> = [
            ("Authorization", "Bearer key"),
            ("host", "api.example"),
            ("wardkey-subject", "svc:root"),
            ("WARDKEY_SUBJECT", "svc:root"),
            ("wardkey-scopes", "all"),
            ("transfer-encoding", "chunked"),
            ("accept", "text/plain"),
        ]
        .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
        .into();
        let allow = Allow {
            tenant: 1,
            audience: 1,
            epoch: 1,
            key_id: "key_0123456789abcdef".to_owned(),
            status_index: 1,
            expires_at_s: 1,
            subject: "svc:billing".to_owned(),
            scopes: vec![0],
            narrowed: false,
            sequence: 1,
            age_ms: 0,
            zone: Zone::Fresh,
        };
        let told = told(&headers, &allow);
        let told: Vec<(&str, &str)> = told
            .iter()
            .map(|(name, value)| (name.as_str(), str::from_utf8(value).unwrap()))
            .collect();
        assert_eq!(
            told,
            [
                ("accept", "text/plain"),
                ("wardkey-subject", "svc:billing"),
                ("wardkey-key-id", "key_0123456789abcdef"),
            ]
        );
    }
}
