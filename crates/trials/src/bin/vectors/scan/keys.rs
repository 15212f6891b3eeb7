//! Keys: whole, glued to something, cut short or mistyped.

use wardkey_trials::fixture::{checksum, with_checksum};

use super::{KEY, KEY_LIKE, add, finds, is, nothing_in};
use crate::file::VectorFile;
use crate::key_bytes::{Fields, ISSUED, Key, PREFIX, key, long_base, long_key, only, within};

pub(super) fn whole(file: &mut VectorFile) {
    let text = key().text();
    let narrowed = Fields { expires_at: Some(ISSUED + 600), ..only(&[0, 1]) };
    let constraints =
        Fields { not_before: Some(ISSUED + 60), ..within(&["10.0.0.0/8", "2001:db8::/32"]) };
    add(file, "the worked example", is(KEY, &text));
    add(file, "the worked example, narrowed", is(KEY, &key().narrowed(narrowed).text()));
    add(
        file,
        "the worked example, with constraints",
        is(KEY, &key().constrained(constraints).text()),
    );
    for prefix in ["wk_live_", "example_live_", "a0_test_", "examplebrand_test_"] {
        add(file, &format!("a key of {prefix}"), is(KEY, &key().with_prefix(prefix).text()));
    }
    // Whoever finds it cannot tell a forgery.
    let forged = key().text_with(&key().signed(), &[0; 16]);
    add(file, "a key whose tag is wrong", is(KEY, &forged));
    for (name, before, behind) in [
        ("in a header", "X-API-Key: ", "\r\nAccept: */*\r\n"),
        ("in JSON", "{\"key\":\"", "\"}"),
        ("in a query", "https://example.org/?key=", "&page=2"),
        ("in a sentence", "Please use ", ". It expires."),
        ("in brackets", "(", ")"),
        ("in a shell", "export KEY='", "'"),
        ("behind an underscore", "_", ""),
        ("behind a hyphen", "-", ""),
        ("behind a digit", "7", ""),
        ("behind a capital", "X", ""),
        ("behind a brand's worth of capitals", "EXAMPLE_TEST_", ""),
        ("behind a letter outside ASCII", "cl\u{e9}", " \u{e9}"),
        ("before a letter outside ASCII", "", "\u{e9}"),
        ("before padding", "", "=="),
    ] {
        let all = format!("{before}{text}{behind}");
        add(file, name, finds(&all, &[(before.len(), KEY, &text)]));
    }
    let other = Key { index: 809, ..key() }.with_prefix("wk_test_").text();
    let all = format!("{text} and {other}, {text}");
    let (second, third) = (text.len() + 5, text.len() + 5 + other.len() + 2);
    let found = [(0, KEY, text.as_str()), (second, KEY, &other), (third, KEY, &text)];
    add(file, "three keys", finds(&all, &found));
}

/// The pattern takes more than the key into its match.
pub(super) fn glued(file: &mut VectorFile) {
    let text = key().text();
    for (name, behind) in [
        ("one digit", "A".to_owned()),
        ("two digits", "AA".into()),
        ("three digits", "AAA".into()),
        ("four digits", "AAAA".into()),
        ("an underscore", "_".into()),
        ("a hyphen", "-".into()),
        ("a word", "_and_more".into()),
        ("300 digits", "x".repeat(300)),
    ] {
        let all = format!("{text}{behind}");
        add(file, &format!("a key with {name} glued to it"), finds(&all, &[(0, KEY, &text)]));
    }
    for (subject, digits) in [("svc:billin", "three"), ("svc:billing1", "two")] {
        let text = Key { subject: subject.into(), ..key() }.text();
        add(
            file,
            &format!("a key that ends with {digits} digits, and a word"),
            finds(&format!("{text}_x"), &[(0, KEY, &text)]),
        );
    }
    let longest = long_key("wk_test_", 358).text();
    let all = format!("{longest}AAAA");
    add(file, "the longest key with four digits glued to it", finds(&all, &[(0, KEY, &longest)]));
    let other = Key { index: 809, ..key() }.text();
    for between in ["", "_", "-", "A", "__"] {
        let all = format!("{text}{between}{other}");
        // A brand has no underscore and no capital, so that these alone are no part of the second prefix.
        let found = [(0, KEY, text.as_str()), (text.len() + between.len(), KEY, &other)];
        add(file, &format!("two keys with {between:?} between them"), finds(&all, &found));
    }
}

/// Cut short or mistyped: the pattern still matches.
pub(super) fn like(file: &mut VectorFile) {
    let text = key().text();
    let cut = |digits: usize| -> String { text.chars().take(PREFIX.len() + digits).collect() };
    for digits in [34, 38, 39, 50, 65, 79] {
        let text = cut(digits);
        let name = format!("a key cut after {digits} characters");
        add(file, &name, is(KEY_LIKE, &text));
        let all = format!("key={text}");
        add(file, &format!("{name}, in a text"), finds(&all, &[(4, KEY_LIKE, &text)]));
    }
    add(file, "a key without its prefix", nothing_in(text.trim_start_matches(PREFIX)));
    add(file, "a key without its brand", nothing_in(text.trim_start_matches("example")));
    for (name, from, to) in [
        ("a digit of the base", "AQAHAg", "AQAHAw"),
        ("a digit of the tag", "52AxE", "52AxF"),
        ("a digit of the checksum", "J7-4", "J7-5"),
        ("a spare bit of version 1", "_AQAH", "_ARAH"),
        ("the version, which is then 2", "_AQAH", "_AgAH"),
        ("the environment", "_test_", "_live_"),
        ("a letter of the brand", "example", "exampla"),
    ] {
        add(file, &format!("mistyped: {name}"), is(KEY_LIKE, &text.replacen(from, to, 1)));
    }
    for (name, from, to) in [
        ("an environment that is none", "_test_", "_prod_"),
        ("an environment in capitals", "_test_", "_TEST_"),
        ("an environment of five letters", "_test_", "_tests_"),
        ("a hyphen behind the environment", "_test_", "_test-"),
        ("two underscores behind the environment", "_test_", "_test__"),
        ("a first character that is not A", "_AQAH", "_BQAH"),
    ] {
        add(file, &format!("no key: {name}"), nothing_in(&text.replacen(from, to, 1)));
    }
    // Under a right checksum, too.
    let second = [key().front(2), key().signed().into_iter().skip(25).collect()].concat();
    let version_2 = key().text_with(&second, &key().tag());
    add(file, "version 2 under the right checksum", is(KEY_LIKE, &version_2));
    let capital = format!("E{}", text.trim_start_matches('e'));
    let rest = capital.trim_start_matches('E');
    add(file, "a brand with a capital before it", finds(&capital, &[(1, KEY_LIKE, rest)]));
}

pub(super) fn bounds(file: &mut VectorFile) {
    let text = key().text();
    let cut = |digits: usize| -> String { text.chars().take(PREFIX.len() + digits).collect() };
    file.around(
        "6",
        "32 characters behind the prefix",
        [nothing_in(&cut(31)), is(KEY_LIKE, &cut(32)), is(KEY_LIKE, &cut(33))],
    );
    let least = Key { subject: "a".into(), scopes: vec![0], ..key() }.text();
    let shorter: String = least.chars().take(least.len() - 1).collect();
    file.around(
        "6",
        "66 characters behind the prefix, the shortest key",
        [is(KEY_LIKE, &shorter), is(KEY, &least), finds(&format!("{least}A"), &[(0, KEY, &least)])],
    );
    let [below, at, above] = [("wk_test_", 357), ("wk_test_", 358), ("wky_test_", 358)]
        .map(|(prefix, signed_len)| long_key(prefix, signed_len).text());
    file.around(
        "6",
        "504 characters behind the shortest prefix, the longest key",
        [is(KEY, &below), is(KEY, &at), is(KEY_LIKE, &above)],
    );
    add(file, "the longest base", is(KEY, &long_base(251).text()));
    let with = |brand: &str| key().with_prefix(&format!("{brand}_test_")).text();
    let of = |brand: &str| is(KEY, &with(brand));
    file.around("6", "a brand of 2 characters", [nothing_in(&with("a")), of("ab"), of("abc")]);
    let thirteen = with("examplebrands");
    let rest = thirteen.trim_start_matches('e');
    file.around(
        "6",
        "a brand of 12 characters",
        [of("examplebran"), of("examplebrand"), finds(&thirteen, &[(1, KEY_LIKE, rest)])],
    );
    let second = |digit: char| format!("{PREFIX}A{digit}{}", "x".repeat(40));
    let like = |digit| is(KEY_LIKE, &second(digit));
    file.around(
        "6",
        "Q, the first second character",
        [nothing_in(&second('P')), like('Q'), like('R')],
    );
    file.around(
        "6",
        "v, the last second character",
        [like('u'), like('v'), nothing_in(&second('w'))],
    );
    for digit in ['Z', 'a', 'f', 'g'] {
        add(file, &format!("the second character {digit}"), like(digit));
    }
    for digit in ['[', '`', '@', '0', '9', '-', '_', 'A', 'z'] {
        add(file, &format!("the second character {digit}"), nothing_in(&second(digit)));
    }
}

/// A checksum that fits before the base's own lengths are up: 49 bytes, of which the last four are within the
/// scopes.
pub(super) fn early_ends(file: &mut VectorFile) {
    let base = |scopes: &[u8]| [key().front(1).as_slice(), &[1, b'a', 32], scopes].concat();
    let before = base(&[1; 17]);
    let sum = checksum(PREFIX, &before).to_be_bytes();
    add(
        file,
        "a checksum within the scopes, and nothing behind",
        is(KEY_LIKE, &with_checksum(PREFIX, &before)),
    );
    let whole = base(&[[1; 17].as_slice(), &sum, &[1; 11]].concat());
    let text = key().text_of(&whole, &[]);
    add(file, "a checksum within the scopes, and the right one behind", is(KEY, &text));
    add(
        file,
        "a checksum within the scopes, the right one behind, and a word",
        finds(&format!("{text}_x"), &[(0, KEY, &text)]),
    );
    // 65 whole digits and two bits: no end there, so that nothing but the whole text could be one.
    let wrong = key().text_with(&whole, &[0; 16]).replace("_AQAHAg", "_AQAHAw");
    add(file, "a checksum within the scopes, and a wrong one behind", is(KEY_LIKE, &wrong));
}
