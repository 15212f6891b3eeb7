//! The key that a request brings: exactly one, in one header, never in the URL.

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HeaderName};

use crate::answer::Answer;

/// Takes the key out of a request. `place`: the header that holds it, as `Bearer …` in `Authorization` and bare in any other.
///
/// # Errors
/// What the caller is told: 401 for no key, 400 for two, or for one in a URL or in another header.
pub(crate) fn credential<'a>(
    target: &str,
    headers: &'a HeaderMap,
    place: &HeaderName,
) -> Result<&'a str, Answer> {
    if holds_key(target.as_bytes(), None) || holds_key(&decoded(target.as_bytes()), None) {
        return Err(Answer::invalid_request());
    }
    let mut values = headers.get_all(place).iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(Answer::invalid_request());
    }
    let usual = |name: &HeaderName| *name == AUTHORIZATION || *name == API_KEY;
    if stands_elsewhere(headers, place, |name| usual(name).then_some(None)) {
        return Err(Answer::invalid_request());
    }
    let value = value.ok_or_else(Answer::missing)?;
    // What is no ASCII is no key: one answer for it and for nonsense would have to be judged.
    let value = value.to_str().map_err(|_| Answer::invalid_request())?.trim();
    if value.contains(',') {
        return Err(Answer::invalid_request());
    }
    let key = if place == AUTHORIZATION { bearer(value) } else { Some(value) };
    let key = key.filter(|key| !key.is_empty()).ok_or_else(Answer::missing)?;
    // The upstream would get what is written elsewhere. Keys of others, which look alike, are its own business.
    let brand = key.split_once("_live_").or_else(|| key.split_once("_test_"));
    let brand = brand.map(|(brand, _)| brand.as_bytes());
    if brand.is_some() && stands_elsewhere(headers, place, |_| Some(brand)) {
        return Err(Answer::invalid_request());
    }
    Ok(key)
}

/// Whether a header but this one holds a key. `looked_for`: nothing for a header that is left alone, else the brand, if only one counts.
fn stands_elsewhere<'b>(
    headers: &HeaderMap,
    place: &HeaderName,
    looked_for: impl Fn(&HeaderName) -> Option<Option<&'b [u8]>>,
) -> bool {
    let mut elsewhere = headers.iter().filter(|(name, _)| *name != place);
    elsewhere.any(|(name, value)| {
        looked_for(name).is_some_and(|brand| {
            holds_key(value.as_bytes(), brand) || holds_key(&decoded(value.as_bytes()), brand)
        })
    })
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, key) = value.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.contains(' ')).then_some(key)
}

/// Whether a text holds what looks like a key: `brand_live_` or `brand_test_` and 60 characters of base64url. `brand`: the only
/// one that counts.
fn holds_key(text: &[u8], brand: Option<&[u8]>) -> bool {
    text.windows(ENVIRONMENT).enumerate().any(|(place, window)| {
        let is_environment = window == b"_live_" || window == b"_test_";
        let branded = || {
            let before = text.get(..place).unwrap_or_default();
            brand.map_or_else(|| ends_with_brand(before), |brand| before.ends_with(brand))
        };
        let payload = || {
            let rest = text.get(place + ENVIRONMENT..).unwrap_or_default();
            let is_base64url =
                |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            rest.iter().take_while(is_base64url).count() >= LEAST_PAYLOAD
        };
        is_environment && branded() && payload()
    })
}

/// Whether a text ends with a brand: a letter, and 1 to 11 letters or digits. Not in the middle of another word: that is
/// a name of somebody's.
fn ends_with_brand(text: &[u8]) -> bool {
    let is_one = |byte: &&u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let length = text.iter().rev().take_while(is_one).count();
    let (before, brand) = text.split_at(text.len() - length);
    let starts = brand.first().is_some_and(u8::is_ascii_lowercase);
    let alone = !before
        .last()
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    starts && alone && (2..=12).contains(&length)
}

/// A text with its percent-encoding taken off, three times: what is encoded twice is a URL in a URL.
fn decoded(text: &[u8]) -> Vec<u8> {
    decoded_once(&decoded_once(&decoded_once(text)))
}

fn decoded_once(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let encoded = after.first_chunk::<2>().filter(|_| *first == b'%').and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            u8::from_str_radix(digits, 16).ok()
        });
        bytes.push(encoded.unwrap_or(*first));
        rest = if encoded.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    bytes
}

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const ENVIRONMENT: usize = "_live_".len();
/// The shortest payload is longer.
const LEAST_PAYLOAD: usize = 60;

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn key() -> String {
        format!("wk_live_{}", "A".repeat(100))
    }

    fn judged(
        target: &str,
        headers: &[(&'static str, String)],
        place: &'static str,
    ) -> Result<String, u16> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        let found = credential(target, &map, &HeaderName::from_static(place));
        found.map(str::to_owned).map_err(|answer| answer.status)
    }

    #[test]
    fn exactly_one_key_in_its_header_is_taken() {
        let (key, bearer) = (key(), |key: &str| format!("Bearer {key}"));
        let usual = || ("authorization", bearer(&key));
        for (target, headers, found) in [
            ("/", vec![usual()], Ok(key.clone())),
            ("/", vec![("authorization", format!("bEARER   {key} "))], Ok(key.clone())),
            ("/", vec![("authorization", bearer("nonsense"))], Ok("nonsense".to_owned())),
            ("/", vec![], Err(401)),
            ("/", vec![("authorization", "Bearer ".to_owned())], Err(401)),
            ("/", vec![("authorization", format!("Basic {key}"))], Err(401)),
            ("/", vec![usual(), usual()], Err(400)),
            ("/", vec![("authorization", format!("{0}, {0}", bearer(&key)))], Err(400)),
            ("/", vec![usual(), ("x-api-key", key.clone())], Err(400)),
            ("/", vec![usual(), ("cookie", format!("a=b; k={key}"))], Err(400)),
            (
                "/",
                vec![usual(), ("referer", format!("https://a/?k={}", key.replace('_', "%5F")))],
                Err(400),
            ),
            ("/", vec![("x-api-key", key.clone())], Err(400)),
        ] {
            assert_eq!(judged(target, &headers, "authorization"), found, "{headers:?}");
        }
        for target in [
            format!("/?key={key}"),
            format!("/{key}"),
            format!("/?key={}", key.replace('_', "%5f")),
            format!("/?next={}", key.replace('_', "%255f")),
            format!("/?next={}", key.replace('_', "%25255F")),
            format!("/%zz%/a+{key}"),
            format!("/a;{key}"),
            format!("/a:{key}"),
            format!("/@{key}"),
            format!("/a.{key}"),
        ] {
            assert_eq!(judged(&target, &[usual()], "authorization"), Err(400), "{target}");
        }
    }

    #[test]
    fn another_header_holds_the_bare_key() {
        let key = key();
        assert_eq!(judged("/", &[("x-api-key", key.clone())], "x-api-key"), Ok(key.clone()));
        assert_eq!(judged("/", &[], "x-api-key"), Err(401));
        let both = [("x-api-key", key.clone()), ("authorization", format!("Bearer {key}"))];
        assert_eq!(judged("/", &both, "x-api-key"), Err(400));
        // Another scheme's credential is the upstream's business.
        let basic = [("x-api-key", key.clone()), ("authorization", "Basic YTpi".to_owned())];
        assert_eq!(judged("/", &basic, "x-api-key"), Ok(key));
    }

    #[test]
    fn what_is_no_key_may_be_anywhere() {
        for target in [
            "/",
            "/a_live_b",
            "/is_test_data",
            "/%",
            "/%zz",
            "/_live_",
            &format!("/_live_{}", "A".repeat(100)),
        ] {
            assert!(!holds_key(&decoded(target.as_bytes()), None), "{target}");
        }
        let word = format!("/my-file_wk_live_{}", "A".repeat(100));
        assert!(!holds_key(word.as_bytes(), None));
    }

    #[test]
    fn keys_of_others_are_the_upstreams_business() {
        let (key, other) = (key(), format!("sk_live_{}", "A".repeat(100)));
        let usual = ("authorization", format!("Bearer {key}"));
        for name in ["stripe-key", "cookie", "proxy-authorization", "referer"] {
            let theirs = [usual.clone(), (name, other.clone())];
            assert_eq!(judged("/", &theirs, "authorization"), Ok(key.clone()), "{name}");
            let ours = [usual.clone(), (name, format!("k={key}"))];
            assert_eq!(judged("/", &ours, "authorization"), Err(400), "{name}");
        }
        let both = [usual, ("x-api-key", other)];
        assert_eq!(judged("/", &both, "authorization"), Err(400));
    }
}
