//! A buffer holds the key that was read into it last, and nothing of another.

use wardkey::{KeyBuffer, UnverifiedKey};

use crate::tenant::Tenant;

fn held(buffer: &KeyBuffer) -> Option<wardkey::KeyId> {
    buffer.key().map(|key| key.unproven_base().key_id)
}

#[test]
fn a_buffer_tells_of_the_key_that_it_was_given_last_and_of_no_text_that_was_refused() {
    let tenant = Tenant::new();
    let good = tenant.key();
    let foreign = good.replacen('A', "!", 1);
    let (front, last) = good.split_at(good.len() - 1);
    let mistyped = format!("{front}{}", if last == "A" { "E" } else { "A" });
    let too_long = format!("{good}{}", "A".repeat(512));
    let one_more = format!("{good}A");
    let refused =
        ["", "no key", "wk_live_", &good[..60], &foreign, &mistyped, &too_long, &one_more];
    for text in refused {
        let mut buffer = KeyBuffer::new();
        assert_eq!(held(&buffer), None);
        assert!(UnverifiedKey::parse(&good, &mut buffer).is_ok());
        assert_eq!(held(&buffer), Some(tenant.base().key_id));
        assert!(UnverifiedKey::parse(text, &mut buffer).is_err(), "{text}");
        assert_eq!(held(&buffer), None, "{text}");
    }
}

/// What a buffer held before never shows in what it is asked next.
#[test]
fn a_key_is_judged_alike_in_a_new_buffer_and_in_a_used_one() {
    let tenant = Tenant::new();
    let verifier = tenant.verifier();
    let (list, required) = (tenant.list(), verifier.low());
    let mut used = KeyBuffer::new();
    let good = tenant.key();
    for text in [&good[..], "no key", &good[1..], &good, "wk_live_AAAA", &good] {
        let query = || wardkey::Query {
            required: &required,
            now: crate::tenant::NOW,
            caller: None,
            refresh: wardkey::Refresh::NotTried,
            registry: wardkey::Registry::NotAsked,
        };
        let fresh = wardkey::verify(&verifier.key_set, Some(&list), text, query());
        let again = wardkey::verify_in(
            &mut used,
            &verifier.key_set,
            Some(&list),
            text.as_bytes(),
            &query(),
            |judgement| judgement.decision(),
        );
        assert_eq!(format!("{fresh:?}"), format!("{again:?}"), "{text}");
    }
}
