//! Whole keys and tokens are found and replaced, whatever surrounds them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wardkey::{
    AudienceId, Environment, Epoch, Finding, FindingKind, KeyId, Narrowing, Network, Networks,
    Prefix, Scanner, ScopeSet, StatusIndex, Subject, TenantId, UnixSeconds, narrow,
};

use crate::tenant::{ALPHABET, Tenant, handmade};

/// Randomness that is the same in every run (splitmix64).
pub(crate) struct Seeded(pub(crate) u64);

impl Seeded {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 33).expect("31 bits") % bound
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next().to_be_bytes()[0]).collect()
    }

    /// Characters that may be glued to a key.
    pub(crate) fn digits(&mut self, len: usize) -> String {
        (0..len).map(|_| char::from(self.pick(ALPHABET))).collect()
    }
}

/// A whole key, and the id that it shows.
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) id: KeyId,
}

pub(crate) const BRANDS: [&str; 7] =
    ["wk", "wkadmin", "acme", "a1", "z9z9z9z9z9z9", "abcdefghijkl", "live"];

/// Any key that provision mints, of any brand.
pub(crate) fn any_key(random: &mut Seeded) -> Key {
    let brand = random.pick(&BRANDS);
    key_of(random, brand)
}

pub(crate) fn key_of(random: &mut Seeded, brand: &str) -> Key {
    let environment = random.pick(&[Environment::Live, Environment::Test]);
    let prefix = Prefix::new(brand, environment).expect("a brand");
    let number = u16::try_from(random.below(65_536)).expect("16 bits");
    let audience = AudienceId(random.bytes(1)[0]);
    let mut tenant = Tenant::of(TenantId(number), audience, random.bytes(1)[0]);
    tenant.prefix = prefix;
    let mut base = tenant.base();
    base.signing_key.epoch = Epoch::new(random.bytes(1)[0] | 1).expect("not 0");
    base.key_id = KeyId(random.next().to_be_bytes());
    base.status_index = StatusIndex(u32::try_from(random.next() >> 33).expect("31 bits"));
    let mut subject = String::from("s");
    for _ in 0..random.below(63) {
        subject.push(char::from(random.pick(b"abcdefghijklmnopqrstuvwxyz0123456789:._/-")));
    }
    base.subject = Subject::new(&subject).expect("a subject");
    let last = u8::try_from(random.below(256)).expect("a byte");
    base.scopes = ScopeSet::from_iter([last / 2, last]);
    if random.below(3) == 0 {
        base.constraints.not_before = Some(UnixSeconds(base.issued_at.0 + 10));
    }
    if random.below(4) == 0 {
        let network = Network::new([10, 1, 0, 0].into(), 16).expect("a network");
        base.constraints.networks = Some(Networks::new([network]).expect("networks"));
    }
    let mut text = tenant.text(&base);
    // Some are narrowed, up to four times.
    for _ in 0..random.below(9).saturating_sub(4) {
        let narrowing = Narrowing {
            expires_at: Some(UnixSeconds(base.issued_at.0 + 900)),
            ..Narrowing::default()
        };
        text = narrow(&text, &narrowing).expect("short enough").secret_str().to_owned();
    }
    Key { text, id: base.key_id }
}

pub(crate) fn any_token(random: &mut Seeded) -> String {
    let chance = URL_SAFE_NO_PAD.encode(random.bytes(32));
    format!("wkboot_{}_{}_{chance}", 1 + random.below(65_535), 1_700_000_000 + random.below(1_000))
}

pub(crate) fn found(text: &[u8]) -> Vec<Finding> {
    Scanner::default().scan(text).collect()
}

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
fn every_key_is_found_in_every_surrounding() {
    let mut random = Seeded(1);
    let mut total = 0;
    for round in 0..30 {
        for surrounding in SURROUNDINGS {
            let mut ids = vec![];
            let (text, places) = planted(surrounding, || {
                let key = any_key(&mut random);
                ids.push(key.id);
                key.text
            });
            let findings = found(text.as_bytes());
            let expected: Vec<_> = places
                .iter()
                .zip(&ids)
                .map(|((at, key), id)| (*at..*at + key.len(), FindingKind::Key(*id)))
                .collect();
            let listed: Vec<_> = findings.iter().map(|f| (f.range(), f.kind())).collect();
            assert_eq!(listed, expected, "round {round}, {surrounding:?}");
            let mut redacted = text.clone();
            for (((_, key), id), finding) in places.iter().zip(&ids).zip(&findings) {
                let prefix = finding.prefix().expect("confirmed").as_str();
                assert!(key.starts_with(prefix));
                redacted = redacted.replacen(key, &format!("{prefix}[redacted {id}]"), 1);
            }
            let scanner = Scanner::default();
            assert_eq!(scanner.redact(&text).to_string(), redacted);
            assert_eq!(scanner.redact(&redacted).to_string(), redacted, "once is enough");
            total += places.len();
        }
    }
    println!("{total} keys planted, {total} found");
    assert!(total > 1_500);
}

#[test]
fn every_bootstrap_token_is_found_in_every_surrounding() {
    let mut random = Seeded(2);
    for surrounding in SURROUNDINGS {
        let (text, places) = planted(surrounding, || any_token(&mut random));
        let findings = found(text.as_bytes());
        let listed: Vec<_> = findings.iter().map(|f| (f.range(), f.kind())).collect();
        let expected: Vec<_> = places
            .iter()
            .map(|(at, token)| (*at..*at + token.len(), FindingKind::BootstrapToken))
            .collect();
        assert_eq!(listed, expected, "{surrounding:?}");
        let redacted = Scanner::default().redact(&text).to_string();
        assert_eq!(redacted.matches("wkboot_[redacted]").count(), places.len());
        assert_eq!(Scanner::default().redact(&redacted).to_string(), redacted);
    }
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
        "_live_test_live_test_live_test_live_test_live_test_live_test_live_test_live_",
    ] {
        assert_eq!(scanner.scan(text.as_bytes()).collect::<Vec<_>>(), [], "{text}");
        assert!(!scanner.finds_any(text.as_bytes()));
        assert_eq!(scanner.redact(text).to_string(), text);
    }
    assert!(Scanner::new(&["no_brand"]).is_err());
    assert!(Scanner::new(&[""]).is_err());
}

/// Were the work for one place more than bounded, these would not end.
#[test]
fn a_text_full_of_markers_is_read_in_linear_time() {
    let wrapped = base64::engine::general_purpose::STANDARD.encode("wk_live_AQ".repeat(300));
    let hostile = [
        "_live_",
        "wk_live_",
        "wk_live_AQ",
        "wk_li",
        "ve_AQ",
        "wkve_AQ",
        "wkboot_",
        "wkboot_1_1_",
        "abcdefghijkl_test_AQ",
        "wk_live_.",
        "wk_live_A\r\n",
        "X2xpdmVf",
        "X2xpdm\nVf",
        "\n",
        "a\n",
        "9saXZlX\n",
        " \n  ",
        &wrapped,
        "wk_live_AQ\u{e9}",
        "A",
        "_",
    ];
    let scanner = Scanner::default().deep();
    for part in hostile {
        let text = part.repeat(20_000 / part.len());
        let cut: usize = scanner.scan(text.as_bytes()).map(|finding| finding.range().len()).sum();
        assert!(cut <= text.len(), "{part:?}");
        assert!(!scanner.redact(&text).to_string().is_empty());
    }
}
