//! Credentials inside base64.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{NO_PAD, PAD, STANDARD};
use wardkey::{FindingKind, Scanner};

use crate::drawn::{Seeded, any_key, any_token};
use crate::tenant::handmade;

fn lines(text: &str, width: usize, line_break: &str) -> String {
    let lines: Vec<_> =
        text.as_bytes().chunks(width).map(|line| String::from_utf8_lossy(line)).collect();
    lines.join(line_break)
}

/// What a base64 digit of `text` was decoded from, with `range` taken out.
fn without(text: &[u8], range: std::ops::Range<usize>) -> String {
    let rest = [&text[..range.start], &text[range.end..]].concat();
    String::from_utf8(rest).expect("ASCII")
}

#[test]
fn every_wrapped_key_is_found_at_every_alignment_in_every_layout() {
    let mut random = Seeded(21);
    let scanner = Scanner::default().deep();
    let (mut planted, mut found) = (0, 0);
    for round in 0..4 {
        let engines = [(&alphabet::STANDARD, PAD), (&alphabet::STANDARD, NO_PAD)];
        let engines =
            engines.iter().chain(&[(&alphabet::URL_SAFE, PAD), (&alphabet::URL_SAFE, NO_PAD)]);
        for (alphabet, padding) in engines {
            let engine = GeneralPurpose::new(alphabet, *padding);
            for before in 0..7 {
                for (width, line_break) in [
                    (usize::MAX, ""),
                    (76, "\n"),
                    (76, "\r\n"),
                    (64, "\n"),
                    (60, "\r\n    "),
                    (19, "\n"),
                    (4, "\n"),
                    (3, "\r\n"),
                    (1, "\n"),
                ] {
                    let key = any_key(&mut random);
                    // A user name, as in HTTP's Basic, or bytes of any kind.
                    let mut inner =
                        if round % 2 == 0 { vec![b'.'; before] } else { random.bytes(before) };
                    // What may be part of a brand would make another key of a damaged one, not of this.
                    inner.extend(key.text.as_bytes());
                    let after = random.below(9);
                    let tail = random.bytes(after);
                    inner.extend(&tail);
                    let wrapped = lines(&engine.encode(&inner), width, line_break);
                    let text = format!("auth: {wrapped}; x");
                    let findings: Vec<_> = scanner.scan(text.as_bytes()).collect();
                    (planted, found) = (planted + 1, found + findings.len());
                    let what = format!("{width} {line_break:?} {before} {after}");
                    assert_eq!(findings.len(), 1, "{what}: {text}");
                    assert_eq!(findings[0].kind(), FindingKind::Key(key.id), "{what}");
                    assert!(findings[0].is_base64());
                    // What is left decodes to nothing of the key, and all around it stays.
                    let range = findings[0].range();
                    assert!(range.start >= 6 && range.end <= 6 + wrapped.len());
                    let left = without(text.as_bytes(), range.clone());
                    let digits =
                        left.bytes().filter(|b| b.is_ascii_alphanumeric() || b"+/-_".contains(b));
                    let of_key = (key.text.len() * 8).div_ceil(6);
                    let of_all = (inner.len() * 8).div_ceil(6);
                    let left = digits.count() - "authx".len();
                    assert!((of_all - 1..=of_all).contains(&(left + of_key)), "{what}");
                    let redacted = scanner.redact(&text).to_string();
                    let place = format!("[redacted {} base64]", key.id);
                    assert!(redacted.contains(&place), "{redacted}");
                    assert_eq!(scanner.redact(&redacted).to_string(), redacted);
                    // Without `deep` it is none of ours.
                    assert!(!Scanner::default().finds_any(text.as_bytes()), "{text}");
                }
            }
        }
    }
    println!("{planted} wrapped keys planted, {found} found");
    assert_eq!(found, planted);
}

/// Base64 in lines as MIME breaks it, in a JSON string, in quoted e-mail, in comments and lists.
#[test]
fn lines_of_base64_are_joined_whatever_stands_between_them_at_every_offset() {
    let mut random = Seeded(25);
    let scanner = Scanner::default().deep();
    for line_break in [
        "\\n",
        "\\r\\n",
        "\\\\n",
        "\\\\r\\\\n",
        "\n> ",
        "\r\n> ",
        "\n> > ",
        "\n# ",
        "\n* ",
        "\n * ",
        "\n// ",
        "\n    // ",
        "\\\n    ",
        "\" +\n    \"",
        "' +\r\n'",
    ] {
        for width in [76, 19] {
            for before in 0..width + 4 {
                let key = any_key(&mut random);
                let inner = [&vec![b'.'; before], key.text.as_bytes(), b". and more"].concat();
                let digits = STANDARD.encode(&inner);
                // Where each digit stands among the lines.
                let place = |digit: usize| 9 + digit + digit / width * line_break.len();
                let text = format!("{{\"mail\":\"{}\"}}", lines(&digits, width, line_break));
                let findings: Vec<_> = scanner.scan(text.as_bytes()).collect();
                let listed: Vec<_> = findings.iter().map(|f| (f.range(), f.kind())).collect();
                let last = (8 * (before + key.text.len()) - 1) / 6;
                let range = place(8 * before / 6)..place(last) + 1;
                assert_eq!(listed, [(range, FindingKind::Key(key.id))], "{before}: {text}");
            }
        }
    }
}

#[test]
fn wrapped_keys_stand_beside_each_other_and_glued() {
    let mut random = Seeded(22);
    for _ in 0..200 {
        let keys: Vec<_> = (0..3).map(|_| any_key(&mut random)).collect();
        let ids: Vec<_> = keys.iter().map(|key| FindingKind::Key(key.id)).collect();
        let joined = |by: &str| {
            let texts: Vec<_> = keys.iter().map(|key| key.text.as_str()).collect();
            texts.join(by)
        };
        let glue = random.below(4);
        let texts = [
            // Several in one, and several that are glued to one another after encoding.
            STANDARD.encode(joined("")),
            STANDARD.encode(joined("\n")),
            keys.iter().map(|key| STANDARD.encode(&key.text).replace('=', "")).collect(),
            format!("{}{}", random.digits(glue), STANDARD.encode(joined(":"))),
        ];
        for text in texts {
            let findings = Scanner::default().deep().scan(text.as_bytes());
            assert_eq!(findings.map(|f| f.kind()).collect::<Vec<_>>(), ids, "{text}");
        }
        // Plain and wrapped side by side.
        let text = format!("{} {}", joined(","), STANDARD.encode(joined(",")));
        let findings = Scanner::default().deep().scan(text.as_bytes());
        assert_eq!(findings.map(|f| f.kind()).collect::<Vec<_>>(), [&ids[..], &ids].concat());
    }
}

#[test]
fn damaged_keys_and_tokens_are_found_in_base64() {
    let mut random = Seeded(23);
    for _ in 0..300 {
        let key = crate::drawn::key_of(&mut random, "wk").text;
        let cut = &key[..key.len() - 1 - random.below(20)];
        let mistyped = format!("{}~{}", &key[..60], &key[61..]);
        let token = any_token(&mut random);
        for (secret, kind) in [
            (cut, FindingKind::DamagedKey),
            (&mistyped, FindingKind::DamagedKey),
            (&token, FindingKind::BootstrapToken),
        ] {
            for before in 0..3 {
                let inner = format!("{}{secret}", &"u: "[..before]);
                let text = format!("Basic {}", STANDARD.encode(&inner));
                let findings: Vec<_> = Scanner::default().deep().scan(text.as_bytes()).collect();
                assert_eq!(findings.len(), 1, "{inner}");
                assert_eq!(findings[0].kind(), kind);
                let skipped = (before * 8) / 6;
                assert_eq!(findings[0].range().start, 6 + skipped);
                assert!(text[findings[0].range().end..].trim_end_matches('=').is_empty());
            }
        }
    }
}

#[test]
fn base64_without_credentials_is_left_alone() {
    let mut random = Seeded(24);
    let scanner = Scanner::default().deep();
    for len in [100, 1_000, 100_000] {
        let text = STANDARD.encode(random.bytes(len));
        for text in [lines(&text, 76, "\n"), text] {
            assert_eq!(scanner.scan(text.as_bytes()).count(), 0);
        }
    }
    for prose in ["see wk_live_ in the docs", "a_test_of_words", "wkboot_1_2_"] {
        assert_eq!(scanner.scan(STANDARD.encode(prose).as_bytes()).count(), 0);
    }
}

/// What was encoded before ends with its padding, although quoted-printable breaks lines with the same character.
#[test]
fn padding_before_a_line_hides_nothing_behind_it() {
    let mut random = Seeded(26);
    let scanner = Scanner::default().deep();
    for before in ["QQ=", "QQ==", "QUI=", "AAAAA="] {
        for line_break in ["\n", "\r\n", "\n> "] {
            let key = any_key(&mut random);
            let text = format!("{before}{line_break}{}", STANDARD.encode(&key.text));
            let findings: Vec<_> = scanner.scan(text.as_bytes()).map(|f| f.kind()).collect();
            assert_eq!(findings, [FindingKind::Key(key.id)], "{text}");
        }
    }
}

/// Base64 broken within a part of a prefix is looked for by other means than what stands in one piece.
#[test]
fn what_is_plain_wrapped_or_broken_is_found_in_order() {
    let mut random = Seeded(27);
    let scanner = Scanner::default().deep();
    for width in [8, 10, 19] {
        for before in 0..3 {
            let keys: Vec<_> = (0..7).map(|_| any_key(&mut random)).collect();
            let mut text = String::new();
            for (number, key) in keys.iter().enumerate() {
                let wrapped = STANDARD.encode([&b".."[..before], key.text.as_bytes()].concat());
                text.push_str(&match number % 3 {
                    0 => key.text.clone(),
                    1 => lines(&wrapped, width, "\n"),
                    _ => wrapped,
                });
                text.push_str("; ");
            }
            let findings = scanner.scan(text.as_bytes());
            let listed: Vec<_> = findings.map(|f| (f.kind(), f.is_base64())).collect();
            let expected = keys.iter().zip(0..);
            let expected =
                expected.map(|(key, number)| (FindingKind::Key(key.id), number % 3 != 0));
            assert_eq!(listed, expected.collect::<Vec<_>>(), "{width} {before}: {text}");
        }
    }
}

/// A brand may be what tokens begin with, whose underscore is where the needles of both meet.
#[test]
fn a_damaged_key_of_a_brand_like_a_token_is_a_key_also_if_its_prefix_is_broken() {
    let key = crate::drawn::key_of(&mut Seeded(28), "wkboot").text;
    let wrapped = STANDARD.encode(&key[..key.len() - 5]);
    for place in 9..=16 {
        let (front, back) = wrapped.split_at(place);
        let text = format!("{front}\n{back}");
        let findings: Vec<_> = Scanner::default().deep().scan(text.as_bytes()).collect();
        let kinds: Vec<_> = findings.iter().map(wardkey::Finding::kind).collect();
        assert_eq!(kinds, [FindingKind::DamagedKey], "{text}");
    }
}

/// What is wrapped may have been broken into lines before.
#[test]
fn the_longest_key_is_whole_in_base64_also_with_as_many_bytes_of_joints() {
    let mut random = Seeded(29);
    let mut checked = random.bytes(374);
    checked[0] = 1;
    checked[25..29].copy_from_slice(&[1, b's', 1, 1]);
    let key = handmade("wk_live_", &checked);
    assert_eq!(key.len(), 512);
    let broken = lines(&key, 10, "\n    // # ");
    for before in 0..=10 {
        for secret in [&key, &broken] {
            let inner = format!("{}{secret}", ".".repeat(before));
            let text = STANDARD.encode(&inner);
            let findings: Vec<_> = Scanner::default().deep().scan(text.as_bytes()).collect();
            assert_eq!(findings.len(), 1, "{inner}");
            assert!(matches!(findings[0].kind(), FindingKind::Key(_)), "{inner}");
            let expected = 8 * before / 6..(8 * inner.len()).div_ceil(6);
            assert_eq!(findings[0].range(), expected, "{inner}");
        }
    }
}

/// What the next key leaves of a damaged one gives nothing away, wherever in a text it is wrapped.
#[test]
fn what_another_key_cuts_short_in_base64_is_found_if_it_is_long_enough() {
    for (len, count) in [(23, 1), (32, 2)] {
        let inner = format!("wk_test_AQ{}wk_live_AQ{}", "a".repeat(len - 2), "b".repeat(40));
        let text = format!("{}: {}", "x".repeat(200), STANDARD.encode(inner));
        let findings: Vec<_> = Scanner::default().deep().scan(text.as_bytes()).collect();
        let last = findings.last().expect("a finding");
        assert_eq!((findings.len(), last.range().start), (count, 202 + 8 * (8 + len) / 6));
    }
}

/// Although what follows it would go on like the key, if digits were only counted.
#[test]
fn padding_ends_what_was_wrapped() {
    let secret = format!("wk_live_AQ{}", "a".repeat(40));
    let wrapped = STANDARD.encode(&secret);
    assert!(wrapped.ends_with('='));
    for line_break in ["\n", "\r\n"] {
        let text = format!("{wrapped}{line_break}w{}", STANDARD.encode("b".repeat(60)));
        let findings: Vec<_> = Scanner::default().deep().scan(text.as_bytes()).collect();
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].range(), 0..wrapped.trim_end_matches('=').len());
    }
}
