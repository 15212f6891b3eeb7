//! Texts that people write and others read: names, owners, reasons.

use wardkey::Scanner;

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

/// Whether a text holds one of our credentials, whole or damaged, plain or in base64, whatever surrounds it: what
/// [`Scanner`] finds.
///
/// # Constraints
/// Of a brand other than Wardkey's own it takes a key whose checksum fits, or one that still shows its version.
pub fn holds_credential(text: &str) -> bool {
    Scanner::default().deep().finds_any(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use wardkey::{
        AudienceId, Base, Constraints, Environment, Epoch, KeyId, Prefix, ScopeSet, SigningKeyId,
        StatusIndex, Subject, TenantId, UnixSeconds,
    };

    use crate::mint::key_text;
    use crate::tenant_secret::TenantSecret;

    /// Whole keys of an own brand and of another.
    fn keys() -> [String; 2] {
        let secret = TenantSecret::new(TenantId(7), [1; 32]);
        let base = Base {
            signing_key: SigningKeyId {
                tenant: TenantId(7),
                audience: AudienceId(2),
                epoch: Epoch::FIRST,
            },
            key_id: KeyId([1, 2, 3, 4, 5, 6, 7, 8]),
            status_index: StatusIndex(808),
            issued_at: UnixSeconds(1_700_000_000),
            expires_at: UnixSeconds(1_700_003_600),
            subject: Subject::new("svc:billing").expect("a subject"),
            scopes: ScopeSet::from_iter([3]),
            constraints: Constraints::default(),
        };
        ["wk", "acme"].map(|brand| {
            let prefix = Prefix::new(brand, Environment::Test).expect("a brand");
            let text = key_text(&secret, &prefix, &base).expect("a key");
            text.secret_str().to_owned()
        })
    }

    #[test]
    fn a_credential_is_found_whatever_surrounds_it() {
        let token = format!("wkboot_1_1800000000_{}", "a".repeat(43));
        let cut = |text: &str, len| text.split_at(len).0.to_owned();
        let mut secrets = vec![token.clone(), cut(&token, 40)];
        for key in keys() {
            // Cut short, mistyped, and as HTTP's Basic would carry it.
            secrets.push(cut(&key, 60));
            secrets.push(format!("{}~{}", cut(&key, 50), key.split_at(51).1));
            secrets.push(STANDARD.encode(format!("user:{key}")));
            secrets.push(key);
        }
        // By prefix and length alone, whatever the rest says.
        secrets.push(format!("wk_live_{}", "Ab-_".repeat(10)));
        secrets.push(format!("wkadmin_test_{}", "x".repeat(40)));
        for secret in secrets {
            for text in [
                secret.clone(),
                format!("leaked: {secret}."),
                format!("x{secret}"),
                format!("/{secret}/"),
                format!("(\"{secret}\")"),
            ] {
                assert!(holds_credential(&text), "{text}");
                assert!(check_free_text(&text, 512).is_err());
            }
        }
        for text in [
            "billing",
            "see wk_live_ in the docs",
            "a_test_of_many_words_in_a_row",
            "wkboot_",
            "the_test_of_a_name_that_is_as_long_as_any_key_of_ours_and_still_is_none",
        ] {
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
