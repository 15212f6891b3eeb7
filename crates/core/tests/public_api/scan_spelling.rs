//! A key that was escaped, broken into lines, joined or coloured on its way: it is found and covered whole.

use wardkey::{FindingKind, Scanner};

use crate::drawn::{Key, Seeded, any_key, any_token, key_of};
use crate::scan::found;

/// What stands between two characters, put there by what passed the text on.
const JOINTS: [&str; 27] = [
    "\n",
    "\r\n",
    "\n    ",
    "\r\n\t\t",
    "=\n",
    "=\r\n",
    "\\\n",
    "\\\n    ",
    "\\\r\n\t",
    "\" +\n    \"",
    "' +\r\n '",
    "\" + \"",
    "'.'",
    "\"\n  \"",
    "\" \\\n  \"",
    "\\n",
    "\\r\\n",
    "\\\\n",
    "\n> ",
    "\n> > ",
    "\n# ",
    "\n * ",
    "\n    // ",
    "\u{1b}[m\u{1b}[K",
    "\u{1b}[01;31m\u{1b}[K",
    "\u{1b}[0m",
    "\u{1b}[0m\n\u{1b}[32m",
];

fn scanner() -> Scanner<'static> {
    Scanner::new(&["acme"]).expect("a brand")
}

fn known(random: &mut Seeded) -> Key {
    let brand = random.pick(&["wk", "wkadmin", "acme"]);
    key_of(random, brand)
}

fn broken(text: &str, width: usize, joint: &str) -> String {
    let lines: Vec<_> =
        text.as_bytes().chunks(width).map(|line| String::from_utf8_lossy(line)).collect();
    lines.join(joint)
}

/// Asserts that there is one finding, a key, and that it is all of `key` as it stands in `text`.
#[track_caller]
fn whole(text: &str, written: &str, key: &Key) {
    let findings: Vec<_> = scanner().scan(text.as_bytes()).collect();
    let start = text.find(written).expect("planted");
    let listed: Vec<_> = findings.iter().map(|f| (f.range(), f.kind())).collect();
    assert_eq!(listed, [(start..start + written.len(), FindingKind::Key(key.id))], "{text:?}");
}

#[test]
fn a_joint_anywhere_leaves_a_key_whole() {
    let mut random = Seeded(41);
    for joint in JOINTS {
        let key = any_key(&mut random);
        let brand_len = key.text.find('_').expect("a prefix");
        for place in 1..key.text.len() {
            // An escape in a brand may as well be a backslash before a brand that starts with its letter.
            if place <= brand_len && joint.ends_with('n') {
                continue;
            }
            let (front, back) = key.text.split_at(place);
            let written = format!("{front}{joint}{back}");
            whole(&format!("key: \"{written}\", x"), &written, &key);
        }
    }
}

#[test]
fn a_key_over_several_lines_is_covered_whole() {
    let mut random = Seeded(42);
    for joint in JOINTS {
        for width in (10..=60).step_by(5) {
            let key = any_key(&mut random);
            let written = broken(&key.text, width, joint);
            if key.text.find('_') > Some(width) && joint.ends_with('n') {
                continue;
            }
            whole(&format!("key: \"{written}\", x"), &written, &key);
        }
    }
}

/// Its checksum fits no more, so that it is known by its brand and its length alone.
#[test]
fn a_damaged_key_over_several_lines_is_covered() {
    let mut random = Seeded(43);
    for joint in JOINTS {
        for width in [20, 30, 40, 64] {
            let key = known(&mut random).text;
            for cut in 0..30 {
                let written = broken(&key[..key.len() - 1 - cut], width, joint);
                let text = format!("key: '{written}', x");
                let findings: Vec<_> = scanner().scan(text.as_bytes()).collect();
                assert_eq!(findings.len(), 1, "{text:?}");
                let range = findings[0].range();
                assert_eq!(range.start, 6, "{text:?}");
                let left = &text[range.end..6 + written.len()];
                let left = left.strip_prefix(joint).unwrap_or(left);
                assert!(left.len() < 8, "{left:?} is left of {text:?}");
            }
        }
    }
}

/// `grep --color` marks what was sought, wherever that is.
#[test]
fn a_coloured_part_leaves_a_key_whole() {
    let mut random = Seeded(44);
    let key = key_of(&mut random, "wkadmin");
    for start in 0..30 {
        for end in start + 1..30 {
            let (front, part, back) = (&key.text[..start], &key.text[start..end], &key.text[end..]);
            let written = format!("{front}\u{1b}[01;31m\u{1b}[K{part}\u{1b}[m\u{1b}[K{back}");
            let text = format!("a.env:KEY={written}\n");
            let findings: Vec<_> = scanner().scan(text.as_bytes()).collect();
            let first = if start == 0 { 10 + 11 } else { 10 };
            let listed: Vec<_> = findings.iter().map(|f| (f.range(), f.kind())).collect();
            let expected = (first..10 + written.len(), FindingKind::Key(key.id));
            assert_eq!(listed, [expected], "{text:?}");
        }
    }
}

#[test]
fn a_joint_leaves_nothing_of_a_token() {
    let mut random = Seeded(45);
    for joint in JOINTS {
        let token = any_token(&mut random);
        for place in 1..token.len() {
            let (front, back) = token.split_at(place);
            let text = format!("token: \"{front}{joint}{back}\", x");
            let redacted = Scanner::default().redact(&text).to_string();
            for window in token.as_bytes()[token.len() - 43..].windows(8) {
                let window = std::str::from_utf8(window).expect("ASCII");
                assert!(!redacted.contains(window), "{text:?} became {redacted:?}");
            }
        }
    }
}

/// Two damages at once, as long as what is left shows that it was a key.
#[test]
fn a_key_of_a_known_brand_that_is_cut_and_split_gives_nothing_away() {
    let mut random = Seeded(46);
    for _ in 0..5 {
        let key = known(&mut random).text;
        let payload = key.find("ive_").or(key.find("est_")).expect("a prefix") + 4;
        for split in payload + 2..key.len() - 8 {
            for cut in (split + 8..key.len()).filter(|cut| cut - payload >= 32) {
                for foreign in ["~", "=", "\n    ", "\u{e9}"] {
                    let text = format!("{}{foreign}{}: x", &key[..split], &key[split..cut]);
                    let findings: Vec<_> = scanner().scan(text.as_bytes()).collect();
                    assert_eq!(findings.len(), 1, "{text:?}");
                    assert_eq!(findings[0].range(), 0..text.len() - 3, "{text:?}");
                }
            }
        }
    }
}

/// A list of others' names, one a line, is no key, however long it is.
#[test]
fn names_of_other_brands_are_not_joined() {
    // A colour parts nothing.
    for joint in JOINTS.iter().filter(|joint| !joint.starts_with('\u{1b}')) {
        let names = ["foo_test_Array_of_a", "foo_test_Queue_of_b", "foo_live_Stack_of_c"];
        let text = names.join(joint);
        assert_eq!(found(text.as_bytes()), [], "{text:?}");
    }
}

#[test]
fn a_prefix_glued_to_a_prefix_hides_nothing() {
    let mut random = Seeded(47);
    for _ in 0..20 {
        let key = known(&mut random);
        let payload = key.text.find("ive_").or(key.text.find("est_")).expect("a prefix") + 4;
        for front in ["wk_live", "wk_test", "wk_lv", "wkadmin_liv"] {
            let text = format!("{front}{}_", key.text);
            let findings: Vec<_> = scanner().scan(text.as_bytes()).collect();
            let expected = (front.len()..text.len() - 1, FindingKind::Key(key.id));
            let listed: Vec<_> = findings.iter().map(|f| (f.range(), f.kind())).collect();
            assert_eq!(listed, [expected], "{text}");
            let (split, cut) = (payload + 36, payload + 57);
            let text = format!("{front}{}~{}", &key.text[..split], &key.text[split..cut]);
            let last = scanner().scan(text.as_bytes()).last().expect("a finding");
            assert_eq!(last.range().end, text.len(), "{text}");
        }
    }
}
