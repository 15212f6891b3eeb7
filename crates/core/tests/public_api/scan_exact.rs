//! Exactly what is cut: at every bound one character less or more.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wardkey::{FindingKind, Scanner};

use crate::drawn::{Key, Seeded, key_of};
use crate::tenant::handmade;

/// Asserts that what is found of the text is what stands between `⟦` and `⟧`. A `{12}` stands for twelve characters.
#[track_caller]
fn exactly(marked: &str) {
    let mut parts = marked.split('{');
    let mut marked = parts.next().expect("a part").to_owned();
    for part in parts {
        let (len, rest) = part.split_once('}').expect("a length");
        let digits = "abcdefghijk0123456789ABCDEFGHIJK".chars().cycle();
        marked.extend(digits.take(len.parse().expect("a length")));
        marked.push_str(rest);
    }
    let text = marked.replace(['⟦', '⟧'], "");
    let mut found = String::new();
    let mut end = 0;
    for finding in Scanner::new(&["acme"]).expect("a brand").scan(text.as_bytes()) {
        let range = finding.range();
        found.push_str(&format!("{}⟦{}⟧", &text[end..range.start], &text[range.clone()]));
        end = range.end;
    }
    found.push_str(&text[end..]);
    assert_eq!(found, marked);
}

#[test]
fn a_damaged_key_is_covered_from_its_brand_to_where_it_reaches() {
    for marked in [
        // Where the brand begins is known, or it is as long as may be without a joint.
        "ab⟦wk_live_AQ{30}⟧",
        "ab⟦acme_live_AQ{30}⟧",
        ".⟦other_live_AQ{30}⟧",
        "9⟦other_live_AQ{30}⟧",
        "abc\n⟦other_live_AQ{30}⟧",
        "ab\n⟦cd_live_AQ{30}⟧",
        "⟦x\n9_live_AQ{30}⟧",
        "⟦abc\nde\n_live_AQ{30}⟧",
        "a⟦bcdefghijklm_live_AQ{30}⟧",
        "9⟦_live_AQ{30}⟧",
        // 32 characters are least.
        "wk_live_AQ{29}",
        "other_live_AQ{29}",
        "wk_lve_AQ{29}",
        "wk_liv.AQ{29}",
        "⟦wk_lve_AQ{30}⟧",
        "⟦wk_liv.AQ{30}⟧",
        // Of a known brand also with others between.
        "⟦wk_live_AQ{22}~{8}⟧",
        "wk_live_AQ{22}~{7}",
        "⟦wk_live_AQ{30}~{8}⟧~{7}",
        "⟦wk_live_AQ{30}\n{8}~{8}\n{8}⟧~{8}",
        // Of others, or with a damaged prefix, if they are as many as a key has, less two.
        "⟦other_live_AQ{38}~{24}⟧",
        "⟦other_live_AQ{38}⟧~{23}",
        "⟦other_live_AQ{38}\n{24}⟧",
        "⟦other_live_AQ{38}⟧\n{23}",
        "⟦other_live_AQ{30}⟧~{16}\n{16}",
        "⟦wk_lve_AQ{38}~{24}⟧",
        "⟦wk_lve_AQ{38}⟧~{23}",
        "⟦wk_liv.AQ{38}~{24}⟧",
        "⟦wk_liv.AQ{38}⟧~{23}",
        // Without a version, or of the next one.
        "⟦wk_live_{64}⟧",
        "⟦wk_live_{32}⟧",
        "wk_live_{31}",
        "⟦wk_live_{32}⟧~{31}",
        "⟦wk_live_{32}~{32}⟧",
        "⟦wk_live_Ag{30}⟧~{31}",
        "⟦other_live_Ag{30}⟧",
        "other_live_Aw{80}",
        "other_live_AA{80}",
        "other_live_{80}",
        // Another stands within its prefix, or behind it.
        "⟦wk_liwk_te.st_AQ{40}⟧",
        "wk_live⟦wk_live_AQ{40}⟧",
        "wk_live⟦wk_live_AQ{40}⟧⟦wk_test_AQ{40}⟧",
        "⟦other_live_AQ{40}⟧⟦wk_test_AQ{40}⟧",
        "⟦wk_test_AQ{30}⟧⟦wk_live_AQ{40}⟧",
        "wk_test_AQ{29}⟦wk_live_AQ{40}⟧",
    ] {
        exactly(marked);
    }
}

#[test]
fn what_is_like_a_prefix_by_two_characters_is_none() {
    for text in [
        "wk_prod_AQ{60}",
        "wk_state_AQ{60}",
        "wk_AQ{60}",
        "wk_li_AQ.{60}",
        "see wk; to remove_AQ{60}",
        "acme: to remove it, move_AQ{60}",
        "wk, if it is alive_AQ{60}",
        "test_AQ{60}",
        "ve_AQ{60}",
        "st_AQ{60}",
    ] {
        exactly(text);
    }
}

#[test]
fn a_token_is_covered_to_where_it_reaches() {
    for marked in [
        "⟦wkboot_12345_1700000000_{43}⟧ab",
        "⟦wkboot_1_1700000000_{43}⟧ab",
        "⟦wkboot_12345_1700000000_{20}~{23}⟧ab",
        "⟦wkboot_12345_1700000000_{20}~{21}⟧",
        "⟦wkboot_1_1700000000_{20}~{21}⟧",
        "⟦wkboot_12345_1700000000_{20}⟧~{20}",
        "⟦wkboot_1_1700000000_{20}⟧~{20}",
        "⟦wkboot_12345_1700000000_{8}⟧",
        "wkboot_12345_1700000000_{7}",
        "⟦wkboot_1_1700000000_{8}⟧",
        "wkboot_1_1700000000_{7}",
        // Little before what interrupts it.
        "⟦wkboot_12345_1700000000_{7}~{26}⟧",
        "wkboot_12345_1700000000_{7}~{25}",
        // Its numbers are damaged.
        "⟦wkboot_123456_1700000000_{42}⟧a",
        "⟦wkboot_12345x_1700000000_{14}⟧",
        "wkboot_12345x_1700000000_{13}",
        "⟦wkboot_1_17000000000_{18}⟧",
        "wkboot_1_17000000000_{17}",
        "⟦wkboot_{25}~{25}⟧",
        "⟦wkboot_{32}⟧~{17}",
        "⟦wkboot_{32}~{18}⟧",
        "wkboot_{31}",
        "wkboot_{31}~{18}",
        // Its expiry is short.
        "⟦wkboot_1_1_{8}⟧",
        "wkboot_1_1_{7}",
        "⟦wkboot_12345_123456789_{8}⟧",
        "wkboot_12345_123456789_{7}",
        "wkboot_1__{8}",
        "wkboot__1_{8}",
        "wkboot_123456_1_{8}",
        // Behind others.
        "x⟦wkboot_1_1_{8}⟧⟦wkboot_1_1_{8}⟧",
        "⟦wkboot_1_1_{8}⟧⟦wk_live_AQ{30}⟧",
        "wkboot_1_1_{7}⟦wk_live_AQ{30}⟧",
    ] {
        exactly(marked);
    }
}

/// Its base64url may be anything, also what a damaged key looks like.
#[test]
fn a_prefix_within_a_whole_key_cuts_it_not() {
    let mut random = Seeded(51);
    let mut checked = random.bytes(30);
    checked[0] = 1;
    checked[25..29].copy_from_slice(&[1, b's', 1, 1]);
    let within = format!("wk_live_AQ{}", "x".repeat(38));
    checked.extend(URL_SAFE_NO_PAD.decode(&within).expect("base64url"));
    checked.extend(random.bytes(21));
    let key = handmade("wk_live_", &checked);
    assert!(key[8..].contains(&within));
    for front in ["", "wk_live", "wk_li"] {
        exactly(&format!("{front}⟦{key}⟧"));
    }
}

/// Asserts whether a key is one for a scanner that tells whole ones from damaged ones.
#[track_caller]
fn is_whole(text: &str, key: &Key, expected: bool) {
    let findings: Vec<_> = Scanner::default().scan(text.as_bytes()).collect();
    let whole = findings.iter().find(|f| f.kind() == FindingKind::Key(key.id));
    assert_eq!(whole.map(wardkey::Finding::range), expected.then_some(0..text.len()), "{text:?}");
}

#[test]
fn joints_are_as_long_as_they_may_be_and_no_longer() {
    let blanks = |count| " ".repeat(count);
    let colour = |count| format!("\u{1b}[{}m", "1".repeat(count));
    let joints = [
        (format!("\n{}", blanks(64)), true),
        (format!("\n{}", blanks(65)), false),
        (format!("\n{}// ", blanks(61)), true),
        (format!("\n{}// {}", blanks(61), blanks(1)), false),
        (format!("\"{}+\"", blanks(63)), true),
        (format!("\"{}+\"", blanks(64)), false),
        ("\"+\"".into(), true),
        ("\"+'".into(), false),
        ("\"+".into(), false),
        ("\"\"".into(), false),
        ("\" \"".into(), false),
        ("\"\t\"".into(), false),
        ("\"\n\"".into(), true),
        ("\n\n".into(), false),
        ("\n \n".into(), false),
        ("\r".into(), false),
        ("\\\\\\\\n".into(), true),
        ("\\\\\\\\\\n".into(), false),
        ("\\\\\\\\r\\\\\\\\n".into(), true),
        ("\\r".into(), false),
        ("\\rn".into(), false),
        ("\\nr".into(), false),
        (" ".into(), false),
        (colour(16), true),
        (colour(17), false),
        (colour(1).repeat(8), true),
        (colour(1).repeat(9), false),
        ("\u{1b}[K".into(), true),
        ("\u{1b}[0".into(), false),
        ("\u{1b}[H".into(), false),
        ("\u{1b}m".into(), false),
    ];
    let mut random = Seeded(52);
    for (joint, expected) in joints {
        let key = key_of(&mut random, "wkadmin");
        // Read backwards in the brand, where an `n` may be a letter, and forwards behind it.
        for place in 1..key.text.len() {
            let letters = joint.ends_with('n') || joint.ends_with('r');
            if place <= "wkadmin_".len() && (letters || !expected) {
                continue;
            }
            let (front, back) = key.text.split_at(place);
            is_whole(&format!("{front}{joint}{back}"), &key, expected);
        }
    }
}

#[test]
fn a_prefix_that_is_escaped_and_split_is_whole() {
    let mut random = Seeded(53);
    let escapes = [
        "_",
        "\\_",
        "\\\\_",
        "\\\\\\\\_",
        "%5F",
        "%5f",
        "%255F",
        "%255f",
        "&#95;",
        "\\u005f",
        "\\u005F",
        "\\\\u005f",
        "\\\\\\\\u005F",
    ];
    for (escape, joint) in escapes.iter().flat_map(|e| ["\n", "\u{1b}[m"].map(|j| (e, j))) {
        for brand in ["wk", "other"] {
            for place in 0..=6 {
                let key = key_of(&mut random, brand);
                let (front, back) = key.text.split_at(brand.len() + place);
                let (middle, payload) = back.split_at(6 - place);
                let brand_front = front.replace('_', escape);
                let text = format!("{brand_front}{joint}{}{payload}", middle.replace('_', escape));
                is_whole(&text, &key, true);
            }
        }
    }
    // What a backslash or `%` would make an escape of is none without.
    for brand in ["au005f", "u005f", "au002d", "a5f", "a2d", "a255f"] {
        let key = key_of(&mut random, brand);
        is_whole(&key.text, &key, true);
        is_whole(&key.text.replace('_', "\\_"), &key, true);
    }
}
