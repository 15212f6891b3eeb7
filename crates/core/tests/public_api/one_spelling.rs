//! A key has one spelling: whatever else is written is refused.

use wardkey::{Decision, Reason, Subject};

use crate::tenant::{ALPHABET, NOW, Tenant, Verifier, word};

/// Characters that no key holds, some that lenient decoders take or skip, and some of two to four
/// bytes.
const FOREIGN: [char; 14] =
    ['=', '+', '/', '.', ' ', '\n', '\r', '\t', '\0', '%', '~', 'é', '\u{200b}', '🔑'];

/// Keys whose base64url ends with 0, 2 and 4 spare bits.
fn keys(tenant: &Tenant) -> [String; 3] {
    ["svc:bil", "svc:bill", "svc:billi"].map(|subject| {
        let mut base = tenant.base();
        base.subject = Subject::new(subject).expect("a subject");
        tenant.text(&base)
    })
}

fn refused(verifier: &Verifier, list: &wardkey::List<Vec<u8>>, text: &str) {
    match verifier.decide(Some(list), text, &verifier.low(), NOW) {
        Decision::Deny(denial) => {
            assert!(
                matches!(denial.reason, Reason::Malformed | Reason::BadChecksum),
                "{text:?}: {denial:?}"
            );
            assert_eq!(denial.reason.answer(), Reason::Malformed.answer());
            assert_eq!(denial.authentic, None);
        }
        other => panic!("{text:?}: {other:?}"),
    }
}

/// Tries every change of `changes` on keys that are themselves allowed.
fn every(changes: impl Fn(&str) -> Vec<String>) {
    let tenant = Tenant::new();
    let (verifier, list) = (tenant.verifier(), tenant.list());
    let mut spare_bits = vec![];
    for key in keys(&tenant) {
        let decision = verifier.decide(Some(&list), &key, &verifier.low(), NOW);
        assert_eq!(word(&decision), "allow fresh");
        spare_bits.push((key.len() - 8) % 4);
        let mut tried = 0;
        for changed in changes(&key) {
            if changed != key {
                refused(&verifier, &list, &changed);
                tried += 1;
            }
        }
        assert!(tried > 0);
    }
    spare_bits.sort();
    assert_eq!(spare_bits, [0, 2, 3]);
}

fn characters() -> impl Iterator<Item = char> + Clone {
    ALPHABET.iter().map(|digit| *digit as char).chain(FOREIGN)
}

#[test]
fn no_change_of_one_character_is_allowed() {
    every(|key| {
        let at = |place: usize, with: char| format!("{}{with}{}", &key[..place], &key[place + 1..]);
        (0..key.len()).flat_map(|place| characters().map(move |with| at(place, with))).collect()
    });
}

#[test]
fn no_inserted_character_is_allowed() {
    every(|key| {
        let at = |place: usize, with: char| format!("{}{with}{}", &key[..place], &key[place..]);
        (0..=key.len()).flat_map(|place| characters().map(move |with| at(place, with))).collect()
    });
}

#[test]
fn no_deletion_transposition_or_truncation_is_allowed() {
    every(|key| {
        let mut changes = vec![];
        for place in 0..key.len() {
            changes.push(format!("{}{}", &key[..place], &key[place + 1..]));
            changes.push(key[..place].to_owned());
            changes.push(key[place + 1..].to_owned());
            if place + 1 < key.len() {
                let (front, back) = (&key[..place], &key[place + 2..]);
                let (one, two) = (&key[place..=place], &key[place + 1..place + 2]);
                changes.push(format!("{front}{two}{one}{back}"));
            }
        }
        changes
    });
}

#[test]
fn no_other_case_padding_or_space_is_allowed() {
    every(|key| {
        vec![
            key.to_uppercase(),
            key.to_lowercase(),
            key.replacen("wk_live_", "WK_LIVE_", 1),
            key.replacen("wk_live_", "", 1),
            key.replacen("wk_live_", "wk_live_wk_live_", 1),
            format!("{key}="),
            format!("{key}=="),
            format!("{key}A"),
            format!(" {key}"),
            format!("{key}\n"),
            format!("Bearer {key}"),
            format!("{key}{key}"),
        ]
    });
}

#[test]
fn no_alias_by_trailing_bits_is_allowed() {
    let tenant = Tenant::new();
    let (verifier, list) = (tenant.verifier(), tenant.list());
    let mut aliases = 0;
    for key in keys(&tenant) {
        let spare = match (key.len() - 8) % 4 {
            0 => continue,
            2 => 4,
            _ => 2,
        };
        let (front, last) = key.split_at(key.len() - 1);
        let value = ALPHABET.iter().position(|digit| last.as_bytes() == [*digit]).expect("a digit");
        assert_eq!(value % (1 << spare), 0);
        // The same payload to a decoder that ignores spare bits.
        for bits in 1..1 << spare {
            let alias = format!("{front}{}", ALPHABET[value + bits] as char);
            let decision = verifier.decide(Some(&list), &alias, &verifier.low(), NOW);
            assert_eq!(word(&decision), "malformed");
            aliases += 1;
        }
    }
    assert_eq!(aliases, 3 + 15);
}
