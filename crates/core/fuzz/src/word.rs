//! What is read from short texts: subjects, key ids, brands, scope names, reasons.

use wardkey::{Environment, KeyId, Prefix, Reason, ScopeName, Subject};

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

    let letter = data.first().is_some_and(u8::is_ascii_lowercase);
    let brand = letter && starts_with(text, 2..=12, b"");
    for environment in [Environment::Live, Environment::Test] {
        let read = Prefix::new(text, environment).ok();
        let expected = brand.then(|| format!("{text}_{}_", environment.as_str()));
        assert_eq!(read.as_ref().map(Prefix::as_str), expected.as_deref());
    }

    let scope = text.len() <= 64
        && text.split(':').count() == 2
        && text.split(':').all(|part| starts_with(part, 1..=62, b"._-"));
    assert_eq!(ScopeName::new(text).map(ScopeName::as_str), scope.then_some(text));

    let reason = Reason::named(text);
    assert!(reason.is_none_or(|reason| reason.as_str() == text));

    match () {
        () if reason.is_some() => "reason",
        () if key_id => "key_id",
        () if scope => "scope",
        () if brand => "brand",
        () if subject => "subject",
        () => "no_word",
    }
}

/// Whether a text has such a length, starts with a letter or digit, and goes on with those or others.
fn starts_with(text: &str, len: std::ops::RangeInclusive<usize>, others: &[u8]) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    len.contains(&text.len())
        && text.bytes().next().is_some_and(plain)
        && text.bytes().all(|byte| plain(byte) || others.contains(&byte))
}
