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

/// What a decoder would make of a group of four if it looked at each character's bits and never at [`STRANGE`].
fn triple([a, b, c, d]: [u8; 4]) -> [u8; 3] {
    [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]
}

/// What a table of digits may hold for a character that is none.
const STRANGE: u8 = 0x80;

#[test]
fn no_two_foreign_characters_hide_each_other() {
    let tenant = Tenant::new();
    let (verifier, list) = (tenant.verifier(), tenant.list());
    // Bytes 6 to 8 of the payload are digits 8 to 11 and stand inside the key's id.
    for foreign in 1_u8..16 {
        let places = [0, 1, 2, 3].map(|place| foreign & (1 << place) != 0);
        let mut base = tenant.base();
        base.key_id.0[1..4]
            .copy_from_slice(&triple(places.map(|strange| if strange { STRANGE } else { 5 })));
        let text = tenant.text(&base);
        let decision = verifier.decide(Some(&list), &text, &verifier.low(), NOW);
        assert_eq!(word(&decision), "allow fresh");
        let mut changed = text.into_bytes();
        for place in (0..4).filter(|place| places[*place]) {
            changed[16 + place] = b'!';
        }
        refused(&verifier, &list, std::str::from_utf8(&changed).expect("ASCII"));
    }
}

#[test]
fn no_two_foreign_characters_hide_each_other_in_the_last_group() {
    let tenant = Tenant::new();
    let (verifier, list) = (tenant.verifier(), tenant.list());
    let mut tried = 0;
    // By chance the last bytes of a checksum are what two strange characters would be decoded to.
    for number in 0..100_000_u32 {
        let mut base = tenant.base();
        base.subject = Subject::new("svc:bil").expect("a subject");
        base.key_id.0[..4].copy_from_slice(&number.to_be_bytes());
        let text = tenant.text(&base);
        assert_eq!((text.len() - 8) % 4, 3);
        let (front, last) = text.split_at(text.len() - 3);
        let digits = [0, 1, 2].map(|place| {
            ALPHABET.iter().position(|digit| last.as_bytes()[place] == *digit).expect("a digit")
                as u8
        });
        let [first, second, _] = triple([digits[0], digits[1], digits[2], 0]);
        for [a, b, c] in [[true, true, false], [false, true, true], [true, false, true]] {
            let strange = [(a, digits[0]), (b, digits[1]), (c, digits[2])]
                .map(|(strange, digit)| if strange { STRANGE } else { digit });
            let [one, two, _] = triple([strange[0], strange[1], strange[2], 0]);
            if (one, two) == (first, second) {
                let sign = |strange, place| if strange { "!" } else { &last[place..=place] };
                refused(
                    &verifier,
                    &list,
                    &format!("{front}{}{}{}", sign(a, 0), sign(b, 1), sign(c, 2)),
                );
                tried += 1;
            }
        }
        if tried >= 4 {
            return;
        }
    }
    panic!("no checksum ended as it must");
}
