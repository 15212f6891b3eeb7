//! A damaged key gives nothing away: prefix and length decide.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wardkey::{FindingKind, Scanner};

use crate::drawn::{Key, Seeded, any_key, any_token, key_of};
use crate::scan::found;
use crate::tenant::{ALPHABET, handmade};

/// Characters of a key's end that hold its tag and checksum: what is secret.
const TAIL: usize = 27;
/// So few in a row give nothing away.
const WINDOW: usize = 8;

const FOREIGN: [&str; 18] = [
    "=", "+", "/", ".", " ", "\n", "\r", "\r\n", "=\r\n", "\\\n", "\t", "\0", "%", "~", "\"", "é",
    "\u{200b}", "🔑",
];

/// Asserts that nothing of `secret` is left of `text` when it is redacted.
#[track_caller]
fn nothing_left(scanner: &Scanner<'_>, text: &str, secret: &str, what: &dyn std::fmt::Debug) {
    let redacted = scanner.redact(text).to_string();
    for window in secret.as_bytes().windows(WINDOW) {
        let window = std::str::from_utf8(window).expect("ASCII");
        assert!(!redacted.contains(window), "{what:?}: {text:?} became {redacted:?}");
    }
}

fn known(random: &mut Seeded) -> Key {
    let brand = random.pick(&["wk", "wkadmin", "acme"]);
    key_of(random, brand)
}

fn scanner() -> Scanner<'static> {
    Scanner::new(&["acme"]).expect("a brand")
}

#[test]
fn a_key_cut_short_anywhere_is_redacted() {
    let mut random = Seeded(11);
    for _ in 0..20 {
        let key = known(&mut random).text;
        let prefix_len = key.len() - key.split("_").skip(2).collect::<Vec<_>>().join("_").len();
        for len in 0..key.len() {
            let text = format!("key: {}, cut", &key[..len]);
            let findings: Vec<_> = scanner().scan(text.as_bytes()).collect();
            if len < prefix_len + 32 {
                // The tag begins with character 38 at the earliest.
                assert_eq!(findings, [], "{len}");
            } else {
                assert_eq!(findings.len(), 1, "{len}");
                assert_eq!(findings[0].range(), 5..5 + len);
                assert_eq!(findings[0].kind(), FindingKind::DamagedKey);
                let redacted = format!("key: {}[redacted], cut", &key[..prefix_len]);
                assert_eq!(scanner().redact(&text).to_string(), redacted);
            }
        }
    }
}

#[test]
fn a_key_of_any_brand_cut_short_within_its_tag_is_redacted() {
    let mut random = Seeded(12);
    for _ in 0..50 {
        let key = any_key(&mut random).text;
        for cut in 1..=TAIL {
            let text = &key[..key.len() - cut];
            let findings = found(text.as_bytes());
            assert_eq!(findings.len(), 1, "{text}");
            assert_eq!(findings[0].range(), 0..text.len(), "{text}");
        }
    }
}

#[test]
fn a_key_with_any_one_character_changed_is_redacted() {
    let mut random = Seeded(13);
    let mut tried = 0;
    for (round, glue) in ["", "\"", "=", " "].iter().enumerate() {
        let key = known(&mut random).text;
        for place in 0..key.len() {
            // Digits of the payload change nothing but digits: some are enough, except at its ends.
            let digits = ALPHABET.iter().map(|digit| char::from(*digit).to_string());
            let digits = digits.filter(|_| place < 24 || random.below(8) == 0).collect::<Vec<_>>();
            let foreign = FOREIGN.map(str::to_owned);
            for other in digits.iter().chain(&foreign) {
                if *other == key[place..=place] {
                    continue;
                }
                let text =
                    format!("key{glue}{}{other}{}{glue} x", &key[..place], &key[place + 1..]);
                let tail = &key[key.len() - TAIL..];
                nothing_left(&scanner(), &text, tail, &(round, place, other));
                tried += 1;
            }
        }
    }
    println!("{tried} changed keys, all redacted");
    assert!(tried > 10_000);
}

#[test]
fn a_key_with_a_character_missing_spare_or_swapped_is_redacted() {
    let mut random = Seeded(14);
    for _ in 0..5 {
        let key = known(&mut random).text;
        let tail = &key[key.len() - TAIL..];
        for place in 0..key.len() {
            let (front, back) = key.split_at(place);
            nothing_left(&scanner(), &format!("{front}{} x", &back[1..]), tail, &place);
            for spare in ["x", "A", "7", "-", "_", ".", "é", "\n"] {
                nothing_left(&scanner(), &format!("{front}{spare}{back} x"), tail, &(place, spare));
            }
            // In a prefix that is two wrong characters, and rightly too many.
            let payload = key.find("ive_").or(key.find("est_")).expect("a prefix") + 4;
            if place >= payload && back.len() > 1 {
                let swapped = format!("{front}{}{}{}", &back[1..2], &back[..1], &back[2..]);
                nothing_left(&scanner(), &swapped, tail, &place);
            }
        }
    }
}

/// Of a brand that the scanner was not told.
#[test]
fn a_key_of_another_brand_with_a_digit_changed_is_redacted() {
    let mut random = Seeded(15);
    for brand in ["other", "x9", "abcdefghijkl"] {
        let key = key_of(&mut random, brand).text;
        let tail = &key[key.len() - TAIL..];
        let payload = brand.len() + 6;
        for place in (0..brand.len()).chain(payload + 2..key.len()) {
            for other in ["x", "7", "Q", ".", "\n", "é"] {
                let text = format!("k={}{other}{}", &key[..place], &key[place + 1..]);
                nothing_left(&Scanner::default(), &text, tail, &(place, other));
            }
        }
    }
}

#[test]
fn a_damaged_key_hides_no_other_that_is_glued_to_it() {
    let mut random = Seeded(16);
    for _ in 0..300 {
        let (damaged, whole) = (known(&mut random).text, any_key(&mut random));
        let cut = damaged.len() - random.below(TAIL);
        let mut damaged = damaged[..cut].to_owned();
        damaged.replace_range(cut - 30..cut - 29, "~");
        let damaged = damaged.replace('~', if damaged.contains('Q') { "Z" } else { "Q" });
        for text in [
            format!("{damaged}{}", whole.text),
            format!("{}{damaged}", whole.text),
            format!("{damaged}{damaged}{}{damaged}", whole.text),
            format!("{damaged}.{}", whole.text),
        ] {
            let findings: Vec<_> = scanner().scan(text.as_bytes()).collect();
            let ids = findings.iter().filter(|f| f.kind() == FindingKind::Key(whole.id)).count();
            assert_eq!(ids, 1, "{text}");
            let damaged_count =
                findings.iter().filter(|f| f.kind() == FindingKind::DamagedKey).count();
            assert_eq!(damaged_count, text.matches(&damaged).count(), "{text}");
            nothing_left(&scanner(), &text, &damaged[10..], &text);
            nothing_left(&scanner(), &text, &whole.text[whole.text.len() - TAIL..], &text);
        }
    }
}

#[test]
fn a_damaged_bootstrap_token_is_redacted() {
    let mut random = Seeded(17);
    for _ in 0..5 {
        let token = any_token(&mut random);
        let chance = &token[token.len() - 43..];
        for len in 0..token.len() {
            let text = format!("token: {}\" x", &token[..len]);
            let shown = len.saturating_sub(token.len() - 43);
            let findings = found(text.as_bytes());
            assert_eq!(findings.len(), usize::from(shown >= WINDOW), "{text}");
            nothing_left(&Scanner::default(), &text, chance, &len);
        }
        for place in 7..token.len() {
            for other in ["x", "7", "_", ".", " ", "\n", "é", "🔑"] {
                let text = format!("{}{other}{}", &token[..place], &token[place + 1..]);
                nothing_left(&Scanner::default(), &text, chance, &(place, other));
            }
        }
    }
}

/// A payload that is as long as `front` and a checksum that fits it under `prefix`.
fn with_checksum(prefix: &str, front: &[u8]) -> Vec<u8> {
    let text = handmade(prefix, front);
    URL_SAFE_NO_PAD.decode(&text[prefix.len()..]).expect("base64url")
}

#[test]
fn a_checksum_that_fits_by_accident_leaves_no_tail_behind() {
    let mut random = Seeded(19);
    let scanner = scanner();
    // The end, after a whole number of digits, is too early, also within constraints; or what fits is a brand that is
    // the end of a known one.
    for (accident, front, subject, constraints) in [
        ("acme_live_", 47, 60, None),
        ("acme_live_", 47, 10, None),
        ("acme_live_", 68, 10, Some(100)),
        ("me_live_", 101, 10, None),
    ] {
        let mut front = random.bytes(front);
        (front[0], front[25]) = (1, subject);
        let scopes = 26 + usize::from(subject);
        if let Some(scopes) = front.get_mut(scopes) {
            *scopes = 1;
        }
        if let Some(constraints) = constraints {
            (front[25], front[scopes + 2]) = (0x80 | subject, constraints);
        }
        let mut payload = with_checksum(accident, &front);
        payload.extend(random.bytes(80));
        let text = format!("acme_live_{}", URL_SAFE_NO_PAD.encode(&payload));
        let findings: Vec<_> = scanner.scan(text.as_bytes()).collect();
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].range(), 0..text.len());
        assert_eq!(findings[0].kind(), FindingKind::DamagedKey);
    }
}

#[test]
fn a_key_that_the_next_one_makes_whole_hides_nothing_of_it() {
    let mut random = Seeded(20);
    let ends_like_a_prefix_begins = loop {
        let key = any_key(&mut random);
        if key.text.ends_with('w') {
            break key;
        }
    };
    let (first, next) = (ends_like_a_prefix_begins, key_of(&mut random, "wk"));
    let len = first.text.len();
    let text = format!("{}{}", &first.text[..len - 1], next.text);
    let findings: Vec<_> = found(text.as_bytes()).iter().map(|f| (f.range(), f.kind())).collect();
    let expected =
        [(0..len, FindingKind::Key(first.id)), (len..text.len(), FindingKind::Key(next.id))];
    assert_eq!(findings, expected);
}

/// Anything may follow anything: whatever is still a key, or was one, gives nothing away.
#[test]
fn no_mixture_of_keys_and_parts_of_them_leaves_a_tail() {
    let mut random = Seeded(18);
    for _ in 0..MIXTURES {
        let (mut text, mut tails) = (String::new(), vec![]);
        for _ in 0..1 + random.below(8) {
            let key = any_key(&mut random).text;
            match random.below(9) {
                0 | 1 => {
                    text.push_str(&key);
                    tails.push(key[key.len() - TAIL..].to_owned());
                }
                2 => {
                    // Cut short, of a known brand.
                    let key = known(&mut random).text;
                    let cut = &key[..key.len() - 1 - random.below(TAIL - 1)];
                    text.push_str(cut);
                    tails.push(cut[key.len() - TAIL..].to_owned());
                }
                3 => {
                    let key = known(&mut random).text;
                    let place = random.below(key.len() - 1);
                    let other = random.pick(&FOREIGN);
                    text.push_str(&format!("{}{other}{}", &key[..place], &key[place + 1..]));
                    // A neighbour is no part of the change, so that the key ends here.
                    text.push(' ');
                    tails.extend([&key[key.len() - TAIL..]].map(str::to_owned));
                }
                4 => text.push_str(random.pick(&[
                    "wk_live_",
                    "_test_",
                    "wk_",
                    "wkboot_",
                    "acme_live_A",
                ])),
                5 => {
                    let len = random.below(70);
                    text.push_str(&random.digits(len));
                }
                6 => text.push_str(random.pick(&FOREIGN)),
                7 => text.push_str(&key[..random.below(20)]),
                _ => text.push_str(&any_token(&mut random)),
            }
        }
        for tail in tails {
            nothing_left(&scanner(), &text, &tail, &());
        }
    }
}

const MIXTURES: usize = 1_000;
