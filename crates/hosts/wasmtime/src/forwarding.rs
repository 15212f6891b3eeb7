//! What of a request reaches the service behind, and what of its answer comes back.

use std::net::IpAddr;

use hyper::header::{
    CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
    TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

use crate::bindings::exports::wardkey::verify::types::Allow;

/// Makes the headers of a request that is allowed those of one to the service behind: the credential goes, whatever speaks
/// of one connection only goes, and who calls is said by this proxy alone.
pub(crate) fn to_upstream(
    headers: &mut HeaderMap,
    place: &HeaderName,
    allow: &Allow,
    caller: Option<IpAddr>,
    upstream: &HeaderValue,
) {
    remove_hop_by_hop(headers);
    headers.remove(place);
    let forged: Vec<HeaderName> = headers.keys().filter(|name| is_ours(name)).cloned().collect();
    for name in forged {
        headers.remove(name);
    }
    let asked_for = headers.insert(HOST, upstream.clone());
    if let Some(host) = asked_for {
        headers.insert(FORWARDED_HOST, host);
    }
    if let Some(value) = caller.and_then(|caller| HeaderValue::from_str(&caller.to_string()).ok()) {
        headers.insert(FORWARDED_FOR, value);
    }
    for (name, value) in [(SUBJECT, &allow.subject), (KEY_ID, &allow.key_id)] {
        // INVARIANT: both are ASCII without control characters: the component has checked the key.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
}

/// Takes away what speaks of one connection only (RFC 9110, section 7.6.1).
pub(crate) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.into_iter().chain(HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Whether it says what only this proxy may say, or that the method is another than was judged. Servers are found that take
/// anything but letters and digits for a hyphen.
fn is_ours(name: &HeaderName) -> bool {
    let name = name.as_str().replace(|one: char| !one.is_ascii_alphanumeric(), "-");
    ["wardkey-", "x-forwarded-", "x-http-method"].iter().any(|front| name.starts_with(front))
        || matches!(name.as_str(), "forwarded" | "x-real-ip" | "x-method-override")
}

/// The subject that a key acts as, such as `svc:billing`.
pub(crate) const SUBJECT: HeaderName = HeaderName::from_static("wardkey-subject");
/// The key's stable name.
pub(crate) const KEY_ID: HeaderName = HeaderName::from_static("wardkey-key-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

#[cfg(test)]
mod tests {
    use hyper::header::AUTHORIZATION;

    use super::*;
    use crate::bindings::exports::wardkey::verify::types::Zone;

    #[test]
    fn nobody_but_the_proxy_says_who_calls() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer key"),
            ("host", "api.example"),
            ("wardkey-subject", "svc:root"),
            ("wardkey_subject", "svc:root"),
            ("wardkey-scopes", "all"),
            ("x-forwarded-for", "10.0.0.1"),
            ("x_forwarded_host", "evil.example"),
            ("forwarded", "for=10.0.0.1"),
            ("x-real-ip", "10.0.0.1"),
            ("wardkey.subject", "svc:root"),
            ("wardkey~key~id", "key_0"),
            ("x.forwarded.for", "10.0.0.1"),
            ("x*real!ip", "10.0.0.1"),
            ("x-http-method", "DELETE"),
            ("x-http-method-override", "DELETE"),
            ("x_http_method_override", "DELETE"),
            ("x-method-override", "DELETE"),
            ("connection", "close, x-secret-hop"),
            ("x-secret-hop", "1"),
            ("upgrade", "websocket"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("accept", "text/plain"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers.append(SUBJECT, HeaderValue::from_static("svc:other"));
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
        let upstream = HeaderValue::from_static("127.0.0.1:9000");
        to_upstream(&mut headers, &AUTHORIZATION, &allow, Some([192, 0, 2, 1].into()), &upstream);
        let mut left: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        left.sort_unstable();
        assert_eq!(
            left,
            [
                ("accept", "text/plain"),
                ("host", "127.0.0.1:9000"),
                ("wardkey-key-id", "key_0123456789abcdef"),
                ("wardkey-subject", "svc:billing"),
                ("x-forwarded-for", "192.0.2.1"),
                ("x-forwarded-host", "api.example"),
            ]
        );
    }
}
