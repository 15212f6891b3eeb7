//! The documented regular expressions against the scanner.

use regex::bytes::Regex;
use wardkey::{BOOTSTRAP_PATTERN, FindingKind, KEY_PATTERN, Scanner};

use crate::drawn::{Seeded, any_key, any_token};

#[test]
fn the_patterns_match_all_that_is_ours() {
    let key = Regex::new(KEY_PATTERN).expect("a pattern");
    let whole = Regex::new(&format!("^{KEY_PATTERN}$")).expect("a pattern");
    let token = Regex::new(&format!("^{BOOTSTRAP_PATTERN}$")).expect("a pattern");
    let mut random = Seeded(31);
    for _ in 0..2_000 {
        let text = any_key(&mut random).text;
        assert!(whole.is_match(text.as_bytes()), "{text}");
        assert!(token.is_match(any_token(&mut random).as_bytes()));
        // Glued and cut short.
        let len = random.below(20);
        let glued = format!("{}{text}{}", random.digits(len), random.digits(len));
        let found = key.find(glued.as_bytes()).expect("a match");
        assert!(found.start() <= len && found.end() >= len + text.len(), "{glued}");
        assert!(key.is_match(&text.as_bytes()[..text.len() - 1 - random.below(26)]));
    }
}

#[test]
fn pattern_and_scanner_agree_on_what_is_cut_short() {
    let pattern = Regex::new(KEY_PATTERN).expect("a pattern");
    let mut random = Seeded(32);
    let mut seen = [0; 2];
    for _ in 0..500 {
        let text = crate::drawn::key_of(&mut random, "other").text;
        let cut = &text.as_bytes()[..random.below(90).min(text.len() - 1)];
        let found = Scanner::default().finds_any(cut);
        assert_eq!(pattern.is_match(cut), found, "{}", cut.len());
        seen[usize::from(found)] += 1;
    }
    assert!(seen.iter().all(|count| *count > 50));
}

#[test]
fn the_scanner_confirms_what_the_pattern_only_suspects() {
    let pattern = Regex::new(KEY_PATTERN).expect("a pattern");
    let mut random = Seeded(33);
    let key = any_key(&mut random);
    let glued = format!("x{}_and_more", key.text);
    assert_eq!(pattern.find(glued.as_bytes()).expect("a match").range(), 0..glued.len());
    let finding = Scanner::default().scan(glued.as_bytes()).next().expect("a finding");
    assert_eq!(finding.range(), 1..1 + key.text.len());
    assert_eq!(finding.kind(), FindingKind::Key(key.id));
}

#[test]
fn the_scanner_finds_every_token_that_the_pattern_matches() {
    let pattern = Regex::new(&format!("^{BOOTSTRAP_PATTERN}$")).expect("a pattern");
    let mut random = Seeded(34);
    for _ in 0..2_000 {
        let mut digits = |most: usize| {
            let count = 1 + random.below(most);
            (0..count).map(|_| char::from(b'0' + random.below(10) as u8)).collect::<String>()
        };
        let (tenant, expiry) = (digits(5), digits(10));
        let len = 8 + random.below(36);
        let token = format!("wkboot_{tenant}_{expiry}_{}", random.digits(len));
        assert!(pattern.is_match(token.as_bytes()));
        let finding =
            Scanner::default().scan(token.as_bytes()).next().unwrap_or_else(|| panic!("{token}"));
        assert_eq!(
            (finding.range(), finding.kind()),
            (0..token.len(), FindingKind::BootstrapToken)
        );
    }
}
