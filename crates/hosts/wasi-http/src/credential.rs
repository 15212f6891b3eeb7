//! The key that a request brings: exactly one, in `Authorization`, never in the URL.

use crate::answer::Answer;

/// Takes the key out of a request.
///
/// # Errors
/// What the caller is told: 401 for no key, 400 for two, or for one in a URL or in another header.
pub(crate) fn credential<'a>(
    target: &str,
    headers: &'a [(String, Vec<u8>)],
) -> Result<&'a str, Answer> {
    if shows_key(target.as_bytes(), None) {
        return Err(Answer::invalid_request());
    }
    let is_place = |name: &str| name.eq_ignore_ascii_case("authorization");
    let mut values = headers.iter().filter(|(name, _)| is_place(name)).map(|(_, value)| value);
    let value = values.next();
    if values.next().is_some() {
        return Err(Answer::invalid_request());
    }
    let mut elsewhere = headers.iter().filter(|(name, _)| !is_place(name));
    let is_usual = |name: &str| name.eq_ignore_ascii_case("x-api-key");
    if elsewhere.clone().any(|(name, value)| is_usual(name) && shows_key(value, None)) {
        return Err(Answer::invalid_request());
    }
    let value = value.ok_or_else(Answer::missing)?;
    // What is no ASCII is no key: one answer for it and for nonsense would have to be judged.
    let value = str::from_utf8(value).ok().filter(|value| value.is_ascii());
    let value = value.ok_or_else(Answer::invalid_request)?.trim();
    if value.contains(',') {
        return Err(Answer::invalid_request());
    }
    let key = bearer(value).filter(|key| !key.is_empty()).ok_or_else(Answer::missing)?;
    // The service would get what is written elsewhere. Keys of others, which look alike, are its own business.
    let brand = key.split_once("_live_").or_else(|| key.split_once("_test_"));
    let brand = brand.map(|(brand, _)| brand.as_bytes());
    if brand.is_some() && elsewhere.any(|(_, value)| shows_key(value, brand)) {
        return Err(Answer::invalid_request());
    }
    Ok(key)
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, key) = value.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.contains(' ')).then_some(key)
}

/// Whether a text holds a key, as it is or escaped up to three times over: what is escaped twice is a URL in a URL.
fn shows_key(text: &[u8], brand: Option<&[u8]>) -> bool {
    let is_escaped = text.contains(&b'%');
    holds_key(text, brand) || (is_escaped && holds_key(&decoded(&decoded(&decoded(text))), brand))
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
    let is_alone = !before
        .last()
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    starts && is_alone && (2..=12).contains(&length)
}

/// A text with its percent-encoding taken off once.
fn decoded(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let encoded = after.first_chunk::<2>().filter(|_| *first == b'%').and_then(|digits| {
            let digits = str::from_utf8(digits).ok()?;
            u8::from_str_radix(digits, 16).ok()
        });
        bytes.push(encoded.unwrap_or(*first));
        rest = if encoded.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    bytes
}

const ENVIRONMENT: usize = "_live_".len();
/// The shortest payload is longer.
const LEAST_PAYLOAD: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_key_in_its_header_is_taken() {
        let key = format!("wk_live_{}", "A".repeat(100));
        let bearer = |key: &str| format!("Bearer {key}");
        let usual = || ("Authorization", bearer(&key));
        let other = format!("sk_live_{}", "A".repeat(100));
        for (target, headers, found) in [
            ("/", vec![usual()], Ok(key.clone())),
            ("/", vec![("authorization", format!("bEARER   {key} "))], Ok(key.clone())),
            ("/is_test_data", vec![("authorization", bearer("nonsense"))], Ok("nonsense".into())),
            ("/", vec![], Err(401)),
            ("/", vec![("authorization", "Bearer ".to_owned())], Err(401)),
            ("/", vec![("authorization", format!("Basic {key}"))], Err(401)),
            ("/", vec![("authorization", "Bearer ü".to_owned())], Err(400)),
            ("/", vec![usual(), usual()], Err(400)),
            ("/", vec![("authorization", format!("{0}, {0}", bearer(&key)))], Err(400)),
            ("/", vec![usual(), ("x-api-key", key.clone())], Err(400)),
            ("/", vec![usual(), ("cookie", format!("a=b; k={key}"))], Err(400)),
            ("/", vec![usual(), ("cookie", format!("a={other}"))], Ok(key.clone())),
            ("/", vec![usual(), ("X-API-Key", other.clone())], Err(400)),
            ("/", vec![("x-api-key", key.clone())], Err(400)),
            ("/", vec![usual(), ("referer", key.replace('_', "%25255f"))], Err(400)),
            (&format!("/?key={key}"), vec![usual()], Err(400)),
            (&format!("/?key={other}"), vec![usual()], Err(400)),
            (&format!("/a;{key}"), vec![usual()], Err(400)),
            (&format!("{key}@api.example/"), vec![usual()], Err(400)),
            (&format!("/my-file_{key}"), vec![usual()], Ok(key.clone())),
            (&format!("/?next={}", key.replace('_', "%25255F")), vec![usual()], Err(400)),
            (&format!("/{}", key.replace('_', "%5f")), vec![usual()], Err(400)),
            (&format!("/?next={}", key.replace('_', "%255f")), vec![usual()], Err(400)),
            ("/%/%zz", vec![usual()], Ok(key.clone())),
        ] {
            let headers: Vec<_> = headers
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.into_bytes()))
                .collect();
            let judged = credential(target, &headers);
            let judged = judged.map(str::to_owned).map_err(|answer| answer.status);
            assert_eq!(judged, found, "{target} {headers:?}");
        }
    }
}
