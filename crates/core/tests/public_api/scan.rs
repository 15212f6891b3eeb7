//! What is found as a whole key or token, in any text: nothing of it shows, and nothing else is cut.

use wardkey::{Finding, FindingKind, KeyId, Scanner};

use crate::drawn::{Seeded, any_key, any_token, key_of};
use crate::tenant::{ALPHABET, handmade};

pub(crate) fn found(text: &[u8]) -> Vec<Finding> {
    Scanner::default().scan(text).collect()
}

#[test]
fn every_length_that_a_key_may_have_is_found() {
    let mut random = Seeded(3);
    for prefix in ["wk_live_", "z9z9z9z9z9z9_test_"] {
        for checked_len in 45.. {
            // Of the payload a scanner knows the version, the key id and the base's lengths.
            let mut checked = random.bytes(checked_len);
            checked[0] = 1;
            let mut room = checked_len - 45;
            let mut length = |most: usize| {
                let len = random.below(room.min(most) + 1);
                room -= len;
                u8::try_from(len).expect("short")
            };
            let (subject, scopes, constraints) = (1 + length(62), 1 + length(31), length(129));
            let scopes_at = 26 + usize::from(subject);
            checked[25] = subject | u8::from(constraints > 0) << 7;
            checked[scopes_at] = scopes;
            if constraints > 0 {
                checked[scopes_at + 1 + usize::from(scopes)] = constraints - 1;
            }
            let key = handmade(prefix, &checked);
            if key.len() > 512 {
                assert!(checked_len > 360);
                break;
            }
            let glued = format!("{}{key}{}", random.digits(40), random.digits(600));
            let finding = &found(glued.as_bytes())[0];
            assert_eq!(finding.range(), 40..40 + key.len(), "{checked_len}");
            assert!(!finding.is_base64());
            assert_eq!(
                finding.kind(),
                FindingKind::Key(KeyId(checked[5..13].try_into().expect("8")))
            );
        }
    }
}

#[test]
fn a_checksum_that_fits_another_spelling_makes_no_whole_key() {
    let mut random = Seeded(7);
    let mut aliases = 0;
    for _ in 0..50 {
        let key = any_key(&mut random).text;
        let payload_len = key.len() - key.find("ive_").or(key.find("est_")).expect("a prefix") - 4;
        let last = ALPHABET.iter().position(|digit| key.as_bytes().ends_with(&[*digit]));
        if !payload_len.is_multiple_of(4) {
            let alias = char::from(ALPHABET[last.expect("a digit") + 1]);
            let text = format!("{}{alias}", &key[..key.len() - 1]);
            assert_eq!(found(text.as_bytes())[0].kind(), FindingKind::DamagedKey, "{text}");
            aliases += 1;
        }
    }
    assert!(aliases > 10);
}

/// Its layout is not fixed yet, so that it is taken for damaged, of whatever brand.
#[test]
fn a_key_of_version_2_is_redacted() {
    let mut random = Seeded(8);
    let mut checked = random.bytes(120);
    checked[0] = 2;
    let key = handmade("acme_live_", &checked);
    let finding = &found(key.as_bytes())[0];
    assert_eq!((finding.range(), finding.kind()), (0..key.len(), FindingKind::DamagedKey));
    checked[0] = 3;
    assert!(found(handmade("acme_live_", &checked).as_bytes()).is_empty());
    assert_eq!(found(handmade("wk_live_", &checked).as_bytes()).len(), 1);
}

#[test]
fn keys_glued_to_anything_are_told_apart() {
    let mut random = Seeded(4);
    for _ in 0..500 {
        let mut text = String::new();
        let mut expected = vec![];
        for _ in 0..4 {
            let len = random.below(30);
            text.push_str(&random.digits(len));
            let key = any_key(&mut random);
            expected.push((text.len()..text.len() + key.text.len(), FindingKind::Key(key.id)));
            text.push_str(&key.text);
        }
        text.push_str(&random.digits(100));
        let findings = found(text.as_bytes());
        let listed: Vec<_> = findings.iter().map(|f| (f.range(), f.kind())).collect();
        assert_eq!(listed, expected);
    }
}

#[test]
fn neighbours_may_be_any_bytes() {
    let mut random = Seeded(5);
    for neighbour in 0..=255_u8 {
        for len in 0..5 {
            let key = any_key(&mut random);
            let mut text = vec![neighbour; len];
            text.extend(key.text.as_bytes());
            text.extend(vec![neighbour; len]);
            let findings = found(&text);
            assert_eq!(findings.len(), 1);
            assert_eq!(findings[0].range(), len..len + key.text.len());
            assert_eq!(findings[0].kind(), FindingKind::Key(key.id));
            let pieces = Scanner::default().pieces(&text).map(|piece| match piece {
                wardkey::Piece::Text(bytes) => bytes.to_vec(),
                wardkey::Piece::Credential(finding) => finding.to_string().into_bytes(),
            });
            let mut expected = vec![neighbour; len];
            expected.extend(findings[0].to_string().bytes());
            expected.extend(vec![neighbour; len]);
            assert_eq!(pieces.flatten().collect::<Vec<u8>>(), expected);
        }
    }
}

#[test]
fn a_finding_shows_nothing_of_the_secret() {
    let mut random = Seeded(6);
    let key = key_of(&mut random, "wk");
    let token = any_token(&mut random);
    let text = format!("{} {token} {}", key.text, &key.text[..80]);
    let findings = found(text.as_bytes());
    assert_eq!(findings.len(), 3);
    let scanner = Scanner::default();
    assert_eq!(format!("{:?}", scanner.scan(b"")), "Findings { taken: 0, .. }");
    assert_eq!(format!("{:?}", scanner.redact(&text)), "Redacted { .. }");
    let shown = format!(
        "{findings:?} {} {:?} {:?}",
        findings.iter().map(ToString::to_string).collect::<String>(),
        scanner.scan(text.as_bytes()),
        scanner.redact(&text)
    );
    for secret in [&key.text[8..], &token[7..]] {
        for window in secret.as_bytes().windows(8) {
            assert!(!shown.contains(std::str::from_utf8(window).expect("ASCII")), "{shown}");
        }
    }
}

#[test]
fn what_is_no_credential_is_left_alone() {
    let brands = ["acme"];
    let scanner = Scanner::new(&brands).expect("a brand").deep();
    let long = "a_function_with_a_name_that_never_seems_to_end_at_all_and_goes_on_and_on_and_on";
    for text in [
        "",
        "wk_live_",
        "see wk_live_ in the docs, and wk_test_ too, which is for tests",
        "wk_live_AQAHAgEAAQIDBAUG…",
        "wk_live_[redacted key_00112233445566ff] and acme_test_[redacted]",
        "wkboot_<tenant>_<expiry>_<random> such as wkboot_1_1800000000_…",
        &format!("the_test_{long}"),
        &format!("other_live_{long}"),
        &format!("sk_live_51{}", "Ab0".repeat(33)),
        "key_00112233445566ff",
        // Names of others, one a line.
        "foo_test_Array_of_names\nfoo_test_Queue_of_names\nfoo_test_Stack_of_names\nfoo_test_Tree\n",
        "\tfoo_live_Arrays \\\n\tfoo_live_Queues \\\n\tfoo_live_Stacks\n",
        "wk\\_live\\_ and wk%5Flive%5F and wk_\u{1b}[01;31mlive\u{1b}[m_ are prefixes",
        "_live_test_live_test_live_test_live_test_live_test_live_test_live_test_live_",
    ] {
        assert_eq!(scanner.scan(text.as_bytes()).collect::<Vec<_>>(), [], "{text}");
        assert!(!scanner.finds_any(text.as_bytes()));
        assert_eq!(scanner.redact(text).to_string(), text);
    }
    assert!(Scanner::new(&["no_brand"]).is_err());
    assert!(Scanner::new(&[""]).is_err());
}
