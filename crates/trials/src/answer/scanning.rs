//! What is found in a text, as far as the patterns of FORMAT.md section 6 go.
//!
//! The core finds more than they do, by design: keys of a known brand without their version, damaged prefixes,
//! what was broken in two. Whatever has not the patterns' shape from end to end is left out here.

use serde_json::{Value, json};
use wardkey::{FindingKind, Scanner};

use super::value::{self, Fault};

pub(super) fn scan(case: &Value) -> Result<Value, Fault> {
    let text = value::text(case, "text")?;
    let findings = Scanner::default().scan(text.as_bytes()).filter_map(|finding| {
        let range = finding.range();
        let found = text.get(range.clone())?;
        let (what, has_shape) = match finding.kind() {
            FindingKind::Key(_) => ("key", is_key_like(found)),
            FindingKind::DamagedKey => ("key_like", is_key_like(found)),
            FindingKind::BootstrapToken => ("bootstrap_token", is_bootstrap_token(found)),
            _ => return None,
        };
        has_shape.then(|| json!({ "at": range.start, "what": what, "text": found }))
    });
    Ok(json!({ "ok": { "findings": findings.collect::<Value>() } }))
}

/// `(?:[a-z][a-z0-9]{1,11})_(?:live|test)_A[Q-Za-v][A-Za-z0-9_-]{30,502}`
fn is_key_like(text: &str) -> bool {
    let mut parts = text.splitn(3, '_');
    let (Some(brand), Some("live" | "test"), Some(payload)) =
        (parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let brand_fits = brand.starts_with(|first: char| first.is_ascii_lowercase())
        && brand.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let version_fits = matches!(payload.as_bytes(), [b'A', b'Q'..=b'Z' | b'a'..=b'v', ..]);
    brand_fits
        && (2..=12).contains(&brand.len())
        && version_fits
        && (32..=504).contains(&payload.len())
        && payload.bytes().all(is_digit)
}

/// `wkboot_[0-9]{1,5}_[0-9]{1,10}_[A-Za-z0-9_-]{8,43}`
fn is_bootstrap_token(text: &str) -> bool {
    let mut parts = text.splitn(4, '_');
    let (Some("wkboot"), Some(tenant), Some(time), Some(random)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let is_number = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    is_number(tenant, 5)
        && is_number(time, 10)
        && (8..=43).contains(&random.len())
        && random.bytes().all(is_digit)
}

/// A digit of base64url.
fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}
