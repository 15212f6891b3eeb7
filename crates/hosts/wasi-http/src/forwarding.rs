//! What of a request reaches the service behind.

use wit_bindgen::{FutureReader, StreamReader, StreamResult, spawn_local};

use crate::bindings::wardkey::verify::types::Allow;
use crate::bindings::wasi::http::types::{ErrorCode, Fields, Request, Trailers};
use crate::bindings::{wit_future, wit_stream};

/// The same request without the credential: the service hears who calls from the guard alone. Its body streams.
///
/// Nothing if the host takes no such request.
pub(crate) fn to_service(
    request: Request,
    headers: &[(String, Vec<u8>)],
    allow: &Allow,
    address_header: Option<&str>,
) -> Option<Request> {
    let headers = Fields::from_list(&told(headers, allow, address_header)).ok()?;
    let method = request.get_method();
    let target = request.get_path_with_query();
    let scheme = request.get_scheme();
    let authority = request.get_authority();
    // Whether the body came whole is between the host and the service.
    let (_unused, accepted) = wit_future::new(|| Ok(()));
    let (body, trailers) = Request::consume_body(request, accepted);
    let (contents, no_trailers) = without_trailers(body, trailers);
    let (request, _sent) = Request::new(headers, Some(contents), no_trailers, None);
    request.set_method(&method).ok()?;
    request.set_path_with_query(target.as_deref()).ok()?;
    request.set_scheme(scheme.as_ref()).ok()?;
    request.set_authority(authority.as_deref()).ok()?;
    Some(request)
}

/// A body on its way, whose trailers stay here: a credential, or a name of the guard's, may stand in them, too, and services
/// are found that take them for headers. One that breaks off breaks off for the service.
///
/// WHY by hand: wasmtime hands on a stream of its own as it is, with its trailers, whatever is said of these.
fn without_trailers(mut body: StreamReader<u8>, trailers: Ended) -> (StreamReader<u8>, Ended) {
    let (mut writer, contents) = wit_stream::new();
    let (end, no_trailers) = wit_future::new(|| Ok(None));
    spawn_local(async move {
        loop {
            let (result, part) = body.read(Vec::with_capacity(CHUNK)).await;
            if !part.is_empty() && !writer.write_all(part).await.is_empty() {
                // The service wants no more of it.
                return;
            }
            if !matches!(result, StreamResult::Complete(_)) {
                break;
            }
        }
        drop(body);
        let end_of_body = trailers.await.map(|_trailers| None);
        drop(writer);
        let _unheard = end.write(end_of_body).await;
    });
    (contents, no_trailers)
}

/// How a body ends: whether whole, and with which trailers.
type Ended = FutureReader<Result<Option<Trailers>, ErrorCode>>;

/// Of a body at a time, in bytes.
const CHUNK: usize = 64 * 1_024;

/// The headers that the service is told.
fn told(
    headers: &[(String, Vec<u8>)],
    allow: &Allow,
    address_header: Option<&str>,
) -> Vec<(String, Vec<u8>)> {
    let address_header = address_header.map(str::to_ascii_lowercase);
    // A proxy in front writes its header in one spelling: another one is the caller's.
    let is_forged = |name: &str| {
        let own = address_header.as_deref();
        own.is_some_and(|own| name != own && folded(name) == folded(own))
    };
    let is_kept = |name: &str| {
        let name = name.to_ascii_lowercase();
        !is_taken_away(&folded(&name)) && !is_forged(&name)
    };
    let others = headers.iter().filter(|(name, _)| is_kept(name)).cloned();
    let ours = [("wardkey-subject", &allow.subject), ("wardkey-key-id", &allow.key_id)];
    let ours = ours.map(|(name, value)| (name.to_owned(), value.clone().into_bytes()));
    others.chain(ours).collect()
}

/// A name in small letters as servers are found to read it, which take anything but letters and digits for a hyphen.
fn folded(name: &str) -> String {
    name.replace(|one: char| !one.is_ascii_alphanumeric(), "-")
}

/// The credential, what only the guard may say, what says that the method is another than was judged, and what wasi:http
/// forbids in a request that is made.
fn is_taken_away(folded: &str) -> bool {
    let is_of_connection = matches!(
        folded,
        "connection"
            | "host"
            | "http2-settings"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    );
    let is_ours = folded == "authorization" || folded.starts_with("wardkey-");
    let is_method = folded.starts_with("x-http-method") || folded == "x-method-override";
    is_ours || is_method || is_of_connection
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
            ("wardkey.subject", "svc:root"),
            ("wardkey~key~id", "key_0"),
            ("x-http-method", "DELETE"),
            ("X_HTTP_Method_Override", "DELETE"),
            ("x.method.override", "DELETE"),
            ("Connection", "close"),
            ("x_real_ip", "10.0.0.1"),
            ("x.real.ip", "10.0.0.1"),
            ("x-real-ip", "192.0.2.1"),
            ("trailer", "wardkey-subject"),
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
        let told = told(&headers, &allow, Some("X-Real-IP"));
        let told: Vec<(&str, &str)> = told
            .iter()
            .map(|(name, value)| (name.as_str(), str::from_utf8(value).unwrap()))
            .collect();
        assert_eq!(
            told,
            [
                ("x-real-ip", "192.0.2.1"),
                ("accept", "text/plain"),
                ("wardkey-subject", "svc:billing"),
                ("wardkey-key-id", "key_0123456789abcdef"),
            ]
        );
    }
}
