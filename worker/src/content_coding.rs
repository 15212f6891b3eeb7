//! Whether a caller takes an answer compressed: RFC 9110, section 12.5.3.

use js_sys::Reflect;
use worker::Request;

use crate::problem::ApiError;

/// Whether the caller takes gzip.
pub(crate) fn takes_gzip(request: &Request) -> Result<bool, ApiError> {
    // WHY: Cloudflare writes its own Accept-Encoding over the caller's, and keeps that one here where it has.
    let original = Reflect::get(request.inner(), &"cf".into())
        .and_then(|cf| Reflect::get(&cf, &"clientAcceptEncoding".into()))
        .ok()
        .and_then(|text| text.as_string());
    let accepted = match original {
        Some(text) => Some(text),
        None => request.headers().get("Accept-Encoding")?,
    };
    Ok(accepted.is_some_and(|text| names_gzip(&text)))
}

/// Whether an Accept-Encoding takes gzip, and wants nothing else more than that.
fn names_gzip(accepted: &str) -> bool {
    let (mut gzip, mut identity, mut any) = (None, None, None);
    for coding in accepted.split(',') {
        let (name, weight) = match coding.split_once(';') {
            Some((name, parameter)) => (name, weight(parameter)),
            None => (coding, Some(MOST)),
        };
        // What has no weight that can be read is not taken.
        let weight = weight.unwrap_or(0);
        let name = name.trim();
        if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
            gzip = Some(weight);
        } else if name.eq_ignore_ascii_case("identity") {
            identity = Some(weight);
        } else if name == "*" {
            any = Some(weight);
        }
    }
    let gzip = gzip.or(any).unwrap_or(0);
    gzip > 0 && gzip >= identity.unwrap_or(0)
}

/// The weight in `q=0.5`, in thousandths.
fn weight(parameter: &str) -> Option<u16> {
    let (name, value) = parameter.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let (whole, decimals) = value.trim().split_once('.').unwrap_or((value.trim(), ""));
    if decimals.len() > 3 || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(MOST),
        _ => None,
    }
}

/// The weight of what has none: 1.
const MOST: u16 = 1_000;

#[cfg(test)]
mod tests {
    use super::names_gzip;

    #[test]
    fn gzip_is_taken_where_it_is_named_with_a_weight() {
        for taken in [
            "gzip",
            "GZip",
            "x-gzip",
            "br, gzip",
            "gzip, deflate, br, zstd",
            "gzip;q=0.001",
            "deflate;q=1 , gzip ; q=0.5",
            "gzip;Q=1.000",
            "*",
            "*;q=0.1",
            "identity;q=0.5, gzip",
            "identity;q=0, *",
            "br;q=0, *;q=0.5",
            "gzip;q=0.5, identity;q=0.5",
        ] {
            assert!(names_gzip(taken), "{taken}");
        }
    }

    #[test]
    fn it_is_not_taken_where_it_is_refused_or_not_named() {
        for refused in [
            "",
            ",",
            "identity",
            "br",
            "gzip;q=0",
            "gzip;q=0.000",
            "gzip;q=0, *",
            "*;q=0",
            "*;q=0, br",
            "gzip;q=0.5, identity",
            "identity;q=1, *;q=0.5",
            "gzipped",
            "not gzip",
            "gzip;q=",
            "gzip;q=-1",
            "gzip;q=1.001",
            "gzip;q=2",
            "gzip;q=0.1234",
            "gzip;q=+1",
            "gzip;level=9",
            "gzip;q=1;q=0",
            "\"gzip\"",
        ] {
            assert!(!names_gzip(refused), "{refused}");
        }
    }
}
