//! Wherever a whole key or token stands, in JSON, URLs, headers, shells or logs, it is found and replaced.

use wardkey::{FindingKind, Scanner};

use crate::drawn::{Seeded, any_key, any_token};
use crate::scan::found;

/// Where a key or a token may stand, with `KEY` in its place.
const SURROUNDINGS: [&str; 40] = [
    // JSON, also in JSON in JSON
    r#"{"key":"KEY","n":1}"#,
    r#"{"headers":{"authorization":"Bearer KEY"}}"#,
    r#"{"body":"{\"key\":\"KEY\"}"}"#,
    "[\"KEY\",\"KEY\"]",
    // URLs
    "https://api.example/v1/things?key=KEY&page=2",
    "https://user:KEY@api.example/path",
    "https://api.example/KEY/rest#KEY",
    "postgres://u:KEY@db/x?api_key=KEY",
    "url=https%3A%2F%2Fapi.example%2F%3Fkey%3DKEY%26x",
    // Headers
    "GET / HTTP/1.1\r\nAuthorization: Bearer KEY\r\nHost: x\r\n\r\n",
    "X-API-Key:KEY",
    "authorization=KEY;cookie: session=KEY; path=/",
    // YAML, TOML, env, ini
    "env:\n  - name: API_KEY\n    value: KEY\n",
    "key: 'KEY' # KEY",
    "keys: [KEY, KEY]",
    "WARDKEY_KEY=KEY\nOTHER=1\n",
    "[api]\nkey = \"KEY\"\n",
    // Shell
    "export KEY_OF_MINE=KEY; curl -H \"X-API-Key: KEY\" https://api.example",
    "curl -u KEY: https://api.example | tee log",
    "VAR=$(echo KEY)`echo KEY`",
    "KEY",
    "\tKEY\n",
    // Minified JavaScript
    "!function(e){var t=\"KEY\",n='KEY';e.k=t}(window);",
    "const a=`KEY`,b=/KEY/g;fetch(u,{headers:{\"x-api-key\":`${\"KEY\"}`}})",
    "e.exports={k:\"KEY\"}},function(e,t){",
    // Stack traces and logs
    "thread 'main' panicked at src/main.rs:7:5:\nbad key KEY\n   0: std::panicking\n",
    "Error: 401 for KEY\n    at Object.<anonymous> (/srv/app.js:1:1)\n    at KEY (node:internal)",
    "Traceback (most recent call last):\n  File \"a.py\", line 1, in f('KEY')\nValueError: KEY",
    "2026-11-23T10:00:00Z level=error key=KEY msg=\"no\"",
    "key=KEY, next",
    "key=KEY. Next",
    "(KEY)<KEY>{KEY}|KEY|\u{201c}KEY\u{201d}é\u{200b}KEY🔑KEY\u{2026}",
    // Prose that speaks of the prefix
    "keys start with wk_live_ or wk_test_, such as KEY",
    "wk_live_ KEY",
    "wk_live_KEY wk_test_KEY",
    "sk_live_KEY wkboot_ KEY",
    // Glued to letters
    "tokenKEY",
    "xKEYx",
    "__KEY__",
    "KEYKEYKEY",
];

/// How what passes a text on may spell the two characters that are neither letters nor numbers.
const SPELLINGS: [(&str, &str); 11] = [
    ("_", "-"),
    // Markdown: Jira, Slack and Confluence export it, and turndown and pandoc write it. Then in JSON.
    ("\\_", "-"),
    ("\\_", "\\-"),
    ("\\\\_", "-"),
    // URLs, also in URLs
    ("%5F", "%2D"),
    ("%5f", "%2d"),
    ("%255F", "-"),
    // HTML
    ("&#95;", "&#45;"),
    // JSON, also in JSON
    ("\\u005f", "\\u002d"),
    ("\\u005F", "\\u002D"),
    ("\\\\u005f", "-"),
];

fn spelt(secret: &str, (underscore, hyphen): (&str, &str)) -> String {
    secret.replace('-', hyphen).replace('_', underscore)
}

fn planted(
    surrounding: &str,
    mut secret: impl FnMut() -> String,
) -> (String, Vec<(usize, String)>) {
    let mut text = String::new();
    let mut places = vec![];
    // `KEY_` and `_KEY=` are names, not places.
    let parts = surrounding.replace("API_KEY", "API_K\0Y").replace("WARDKEY_KEY", "WARDK\0Y");
    let parts = parts.replace("KEY_OF", "K\0Y_OF");
    for (number, part) in parts.split("KEY").enumerate() {
        if number > 0 {
            let secret = secret();
            places.push((text.len(), secret.clone()));
            text.push_str(&secret);
        }
        text.push_str(&part.replace('\0', "E"));
    }
    (text, places)
}

#[test]
fn every_key_is_found_in_every_surrounding_however_it_is_spelt() {
    let mut random = Seeded(1);
    let (mut planted_count, mut found_count) = (0, 0);
    for spelling in (0..33).map(|round| SPELLINGS[round % SPELLINGS.len()]) {
        for surrounding in SURROUNDINGS {
            let mut keys = vec![];
            let (text, places) = planted(surrounding, || {
                let key = any_key(&mut random);
                let spelt = spelt(&key.text, spelling);
                keys.push(key);
                spelt
            });
            planted_count += places.len();
            let findings = found(text.as_bytes());
            found_count += findings.len();
            let expected: Vec<_> = places
                .iter()
                .zip(&keys)
                .map(|((at, spelt), key)| (*at..*at + spelt.len(), FindingKind::Key(key.id)))
                .collect();
            let listed: Vec<_> = findings.iter().map(|f| (f.range(), f.kind())).collect();
            assert_eq!(listed, expected, "{spelling:?} in {surrounding:?}: {text}");
            let mut redacted = text.clone();
            for (((_, spelt), key), finding) in places.iter().zip(&keys).zip(&findings) {
                let prefix = finding.prefix().expect("confirmed").as_str();
                assert!(key.text.starts_with(prefix));
                redacted = redacted.replacen(spelt, &format!("{prefix}[redacted {}]", key.id), 1);
            }
            let scanner = Scanner::default();
            assert_eq!(scanner.redact(&text).to_string(), redacted);
            assert_eq!(scanner.redact(&redacted).to_string(), redacted, "once is enough");
        }
    }
    println!("{planted_count} keys planted, {found_count} found");
    assert!(planted_count > 1_500 && found_count == planted_count);
}

#[test]
fn every_bootstrap_token_is_found_in_every_surrounding_however_it_is_spelt() {
    let mut random = Seeded(2);
    for spelling in SPELLINGS {
        for surrounding in SURROUNDINGS {
            let (text, places) = planted(surrounding, || spelt(&any_token(&mut random), spelling));
            let findings = found(text.as_bytes());
            let listed: Vec<_> = findings.iter().map(|f| (f.range(), f.kind())).collect();
            let expected: Vec<_> = places
                .iter()
                .map(|(at, token)| (*at..*at + token.len(), FindingKind::BootstrapToken))
                .collect();
            assert_eq!(listed, expected, "{spelling:?} in {surrounding:?}: {text}");
            let redacted = Scanner::default().redact(&text).to_string();
            assert_eq!(redacted.matches("wkboot_[redacted]").count(), places.len());
            assert_eq!(Scanner::default().redact(&redacted).to_string(), redacted);
        }
    }
}
