//! What is read from short texts: subjects, key ids, brands, scope names, reasons.

use std::net::IpAddr;

use wardkey::{Environment, KeyId, Network, Prefix, Reason, ScopeName, Subject};

/// Reads the input as each kind of word there is.
///
/// # Panics
/// When core and specification disagree on whether it is one, or it is shown in another spelling.
pub fn run(data: &[u8]) -> &'static str {
    let Ok(text) = str::from_utf8(data) else { return "not_text" };
    let subject = starts_with(text, 1..=63, b":._/-");
    assert_eq!(Subject::new(text).ok().is_some_and(|read| read.as_str() == text), subject);
    assert_eq!(Subject::new(text).is_ok(), subject);

    let hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    let key_id = text.len() == 20 && text.starts_with("key_") && data[4..].iter().all(hex);
    assert_eq!(text.parse::<KeyId>().is_ok(), key_id);
    assert!(text.parse::<KeyId>().map_or(true, |read| read.to_string() == text));

    let brand = is_brand(text);
    for environment in [Environment::Live, Environment::Test] {
        let read = Prefix::new(text, environment).ok();
        let expected = brand.then(|| format!("{text}_{}_", environment.as_str()));
        assert_eq!(read.as_ref().map(Prefix::as_str), expected.as_deref());
    }

    let scope = is_scope_name(text);
    assert_eq!(ScopeName::new(text).map(ScopeName::as_str), scope.then_some(text));

    let network = text.parse::<Network>().ok();
    if let Some(network) = network {
        // The address is read as std reads it; it has one spelling once it is shown.
        assert_eq!(network.to_string().parse(), Ok(network));
        let (address, len) = text.split_once('/').expect("a network has a slash");
        assert_eq!(address.parse(), Ok(network.address()));
        assert_eq!(len, network.prefix_len().to_string());
        assert!(network.contains(network.address()));
        let mapped = match network.address() {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().into(),
            IpAddr::V6(v6) => IpAddr::from(v6),
        };
        assert!(network.contains(mapped));
    }

    let reason = Reason::named(text);
    assert!(reason.is_none_or(|reason| reason.as_str() == text));

    match () {
        () if reason.is_some() => "reason",
        () if network.is_some() => "network",
        () if key_id => "key_id",
        () if scope => "scope",
        () if brand => "brand",
        () if subject => "subject",
        () => "no_word",
    }
}

/// `brand_env_`.
pub(crate) fn is_prefix(text: &str) -> bool {
    let mut parts = text.split('_');
    let [brand, environment, rest] = [parts.next(), parts.next(), parts.next()];
    brand.is_some_and(is_brand)
        && environment.is_some_and(|word| ["live", "test"].contains(&word))
        && rest == Some("")
        && parts.next().is_none()
}

fn is_brand(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase()) && starts_with(text, 2..=12, b"")
}

/// `resource:action`.
pub(crate) fn is_scope_name(text: &str) -> bool {
    let mut parts = text.split(':');
    text.len() <= 64
        && parts.clone().count() == 2
        && parts.all(|part| starts_with(part, 1..=62, b"._-"))
}

/// Whether a text has such a length, starts with a letter or digit, and goes on with those or others.
fn starts_with(text: &str, len: std::ops::RangeInclusive<usize>, others: &[u8]) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    len.contains(&text.len())
        && text.bytes().next().is_some_and(plain)
        && text.bytes().all(|byte| plain(byte) || others.contains(&byte))
}
