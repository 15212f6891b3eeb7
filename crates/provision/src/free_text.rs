//! Texts that people write and others read: names, owners, reasons.

/// Whether a text of a person's may be kept: 1 to `max_len` bytes, no control characters, no credential.
///
/// Prevents that a key which is pasted into the wrong field is stored and shown.
///
/// # Errors
/// What is wrong with it, without repeating it.
pub fn check_free_text(text: &str, max_len: usize) -> Result<(), String> {
    if text.is_empty() || text.len() > max_len || text.chars().any(char::is_control) {
        return Err(format!("must be 1 to {max_len} bytes without control characters"));
    }
    if holds_credential(text) {
        return Err("looks like a credential and is not kept".into());
    }
    Ok(())
}

/// Whether a text holds what looks like one of our credentials, whatever surrounds it. Prefix and length
/// decide, so that one that is cut short or mistyped counts too.
pub fn holds_credential(text: &str) -> bool {
    let payload_after = |mark: &str| {
        text.match_indices(mark).any(|(at, _)| {
            let after = text.get(at + mark.len()..).unwrap_or_default();
            after.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"-_".contains(b)).count()
                >= SHORTEST_SECRET
        })
    };
    payload_after("_live_") || payload_after("_test_") || payload_after("wkboot_")
}

/// Characters after a prefix from which on a text is taken for a secret; a whole key has 68 and more.
const SHORTEST_SECRET: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_found_whatever_surrounds_it() {
        let key = format!("wk_live_{}", "Ab-_".repeat(17));
        let token = format!("wkboot_1_1800000000_{}", "a".repeat(43));
        let cut: String = key.chars().take(60).collect();
        for secret in [key.as_str(), &token, &cut] {
            for text in [
                secret.to_owned(),
                format!("leaked: {secret}."),
                format!("x{secret}"),
                format!("(\"{secret}\")"),
            ] {
                assert!(holds_credential(&text), "{text}");
                assert!(check_free_text(&text, 256).is_err());
            }
        }
        for text in
            ["billing", "see wk_live_ in the docs", "a_test_of_many_words_in_a_row", "wkboot_"]
        {
            assert!(!holds_credential(text), "{text}");
            assert_eq!(check_free_text(text, 256), Ok(()));
        }
    }

    #[test]
    fn length_and_control_characters_are_judged() {
        assert!(check_free_text("", 10).is_err());
        assert!(check_free_text("0123456789", 10).is_ok());
        assert!(check_free_text("0123456789a", 10).is_err());
        assert!(check_free_text("a\u{7}", 10).is_err());
    }
}
