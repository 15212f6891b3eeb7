//! `key.json`: reading a key (FORMAT.md sections 2.1 to 2.7).

mod alphabet;
mod base;
mod fields;

use serde_json::{Value, json};

use crate::file::VectorFile;
use crate::key_bytes::{Fields, ISSUED, Key, key, long_key, only, within};
use crate::spelling::flipped;

pub(crate) use alphabet::replaced;

pub(crate) fn file() -> VectorFile {
    let mut file = VectorFile::new(
        "key.json",
        "Reading a key: every tag here is right, unless a case says otherwise, and so is every checksum.",
    );
    texts(&mut file);
    alphabet::foreign_characters(&mut file);
    alphabet::that_hide_each_other(&mut file);
    prefixes(&mut file);
    checksums(&mut file);
    base::numbers(&mut file);
    base::subjects_and_scopes(&mut file);
    base::lengths(&mut file);
    fields::constraints(&mut file);
    fields::fields(&mut file);
    fields::address_ranges(&mut file);
    fields::blocks(&mut file);
    file
}

fn read(text: impl Into<String>) -> Value {
    json!({ "do": "read_key", "key": text.into() })
}

fn good(key: &Key) -> (Value, Value) {
    (key.told(), read(key.text()))
}

fn bad(text: impl Into<String>) -> (Value, Value) {
    (json!({ "deny": "malformed" }), read(text))
}

fn typo(text: impl Into<String>) -> (Value, Value) {
    (json!({ "deny": "bad_checksum" }), read(text))
}

fn add(file: &mut VectorFile, stage: &str, name: &str, (expect, case): (Value, Value)) {
    file.add(stage, name, expect, case);
}

/// 2.7, step 1, but for the prefix.
fn texts(file: &mut VectorFile) {
    let stage = "2.7 step 1";
    let text = key().text();
    add(file, "7", "the worked example", good(&key()));
    let narrowed = Fields { expires_at: Some(ISSUED + 600), ..only(&[0, 1]) };
    add(file, "7", "the worked example, narrowed", good(&key().narrowed(narrowed)));
    let constraints =
        Fields { not_before: Some(ISSUED + 60), ..within(&["10.0.0.0/8", "2001:db8::/32"]) };
    add(file, "7", "the worked example, with constraints", good(&key().constrained(constraints)));

    file.around(
        stage,
        "512 characters",
        [
            good(&long_key("wk_test_", 357)),
            good(&long_key("wk_test_", 358)),
            bad(long_key("wky_test_", 358).text()),
        ],
    );
    add(file, stage, "514 characters", bad(long_key("wk_test_", 359).text()));
    add(file, stage, "9,000 characters", bad(text.clone() + &"A".repeat(9_000)));

    let least = || Key { subject: "a".into(), scopes: vec![0], ..key() };
    file.around(
        stage,
        "a payload of 49 bytes",
        [
            bad(key().text_of(&[1; 28], &[])),
            good(&least()),
            good(&Key { subject: "ab".into(), ..least() }),
        ],
    );
    let short = key().text_of(&[1; 28], &[]);
    add(file, stage, "48 bytes, and a wrong checksum too", bad(swapped_last(&short)));
    add(
        file,
        "2.7 step 2",
        "49 bytes, and a wrong checksum",
        typo(least().text().replace("AQAHAg", "AQAHAw")),
    );
    for len in [0, 1, 2, 3, 4, 19, 20] {
        let text = key().text_with(&[], &vec![7; len]);
        add(file, stage, &format!("a checksum behind {len} bytes only"), bad(text));
    }

    for (name, text) in [
        ("no text", String::new()),
        ("a word", "key".into()),
        ("a prefix alone", "example_test_".into()),
        ("a prefix without its last underscore", "example_test".into()),
        ("a space before", format!(" {text}")),
        ("a space behind", format!("{text} ")),
        ("a line feed behind", format!("{text}\n")),
        ("a NUL behind", format!("{text}\0")),
        ("a letter outside ASCII behind", format!("{text}\u{e9}")),
        ("a letter outside ASCII before", format!("\u{e9}{text}")),
        ("a digit of another script inside", text.replacen('5', "\u{665}", 1)),
        ("padded with =", format!("{text}=")),
        ("padded with ==", format!("{text}==")),
        ("padded with ====", format!("{text}====")),
        ("base64's + for -", text.replace('-', "+")),
        ("base64's / for -", text.replace('-', "/")),
        ("a full stop inside", text.replace('-', ".")),
        ("a line feed inside", text.replace('-', "\n")),
        ("a length of 1 modulo 4", format!("{text}A")),
        ("four characters too many", format!("{text}AAAA").replace("AAAA", "A=AA")),
        ("twice", format!("{text}{text}")),
    ] {
        add(file, stage, name, bad(text));
    }
    // Payloads of 60, 61 and 62 bytes leave 0, 4 and 2 spare bits.
    for (subject, spare) in [("svc:billin", 2), ("svc:billing1", 4)] {
        let key = Key { subject: subject.into(), ..key() };
        add(file, stage, &format!("{spare} spare bits, all zero"), good(&key));
        let text = key.text();
        for bit in 0..spare {
            let name = format!("{spare} spare bits, bit {bit} not zero");
            add(file, stage, &name, bad(with_bit_in_last(&text, bit)));
        }
        add(file, stage, &format!("{spare} spare bits, and padded"), bad(text + "="));
    }
}

/// The last character stands for a digit with one bit more.
fn with_bit_in_last(text: &str, bit: u32) -> String {
    let mut text = text.to_owned();
    let digit = text.pop().and_then(|last| ALPHABET.find(last)).unwrap_or_default();
    text.extend(ALPHABET.chars().nth(digit | 1 << bit));
    text
}

/// The last two characters change places.
fn swapped_last(text: &str) -> String {
    let mut swapped = text.to_owned();
    let (last, before) = (swapped.pop(), swapped.pop());
    swapped.extend(last.into_iter().chain(before));
    swapped
}

fn prefixes(file: &mut VectorFile) {
    let stage = "2.1";
    let with = |prefix: &str| key().with_prefix(prefix);
    let bad_prefix = |prefix: &str| bad(with(prefix).text());
    file.around(
        stage,
        "a brand of 2 characters",
        [bad_prefix("w_test_"), good(&with("wk_test_")), good(&with("wky_test_"))],
    );
    file.around(
        stage,
        "a brand of 12 characters",
        [
            good(&with("examplebran_test_")),
            good(&with("examplebrand_test_")),
            bad_prefix("examplebrands_test_"),
        ],
    );
    add(file, stage, "the environment live", good(&with("example_live_")));
    for prefix in ["a0_test_", "z9_test_", "example2test_test_"] {
        add(file, stage, &format!("the prefix {prefix}"), good(&with(prefix)));
    }
    for prefix in [
        "",
        "_",
        "_test_",
        "test_",
        "__test_",
        "0a_test_",
        "Ex_test_",
        "eX_test_",
        "e-x_test_",
        "e.x_test_",
        "e x_test_",
        "`a_test_",
        "{a_test_",
        "a`_test_",
        "a{_test_",
        "a/_test_",
        "a:_test_",
        "example_prod_",
        "example_tes_",
        "example_tests_",
        "example_Test_",
        "example_TEST_",
        "example_live",
        "example-test-",
        "example__test_",
        "ex_ample_test_",
        "example_test__",
        " example_test_",
    ] {
        add(file, stage, &format!("the prefix {prefix:?}"), bad_prefix(prefix));
    }
}

fn checksums(file: &mut VectorFile) {
    let stage = "2.7 step 2";
    let (signed, tag) = (key().signed(), key().tag());
    let text = key().text();
    for (name, text) in [
        ("a digit of the checksum", text.replace("J7-4", "J7-5")),
        ("the first digit of the checksum", text.replace("NCe_", "NSe_").replace("xs0J", "xs1J")),
        ("a digit of the tag", text.replace("2fnYDE", "2fnYDF").replace("52AxE", "52AxF")),
        ("a digit of the base", text.replace("AQAHAg", "AQAHAw")),
        ("the version", text.replace("_AQAH", "_AgAH")),
        ("the brand", text.replace("example_", "exampla_")),
        ("the environment", text.replace("_test_", "_live_")),
        ("two characters of the tag that changed places", text.replace("E2wvE", "E2vwE")),
        ("two characters of the base that changed places", text.replace("AAAyhr", "AAAhyr")),
        ("letters of another case", text.replace("AQAHAgEAES", "aqahageaes")),
    ] {
        add(file, stage, &format!("mistyped: {name}"), typo(text));
    }
    add(file, stage, "cut by four characters", typo(text.replace("J7-4", "")));
    add(file, stage, "longer by four characters", typo(text.clone() + "AAAA"));
    let bytes = [signed.as_slice(), &tag].concat();
    let crc = wardkey_trials::fixture::checksum("example_test_", &bytes).to_be_bytes();
    let whole =
        |crc: &[u8]| "example_test_".to_owned() + &encoded(&[bytes.as_slice(), crc].concat());
    for at in 0..4 {
        for bits in [0x01, 0x80] {
            let name = format!("byte {at} of the checksum, changed by {bits:02x}");
            add(file, stage, &name, typo(whole(&flipped(&crc, at, bits))));
        }
    }
    let reversed: Vec<u8> = crc.iter().rev().copied().collect();
    add(file, stage, "the checksum with its last byte first", typo(whole(&reversed)));
    let without_prefix = wardkey_trials::fixture::checksum("", &bytes).to_be_bytes();
    add(file, stage, "a checksum over the payload alone", typo(whole(&without_prefix)));
    add(file, stage, "a checksum of zeros", typo(whole(&[0; 4])));

    let bad_version = [key().front(2), signed.iter().skip(25).copied().collect()].concat();
    let text = key().text_with(&bad_version, &tag);
    add(file, "2.7 step 3", "version 2 under the right checksum", bad(text.clone()));
    add(file, stage, "version 2 under a wrong checksum", typo(swapped_last(&text)));
    for (name, at, bits) in [("first", 0, 0x80), ("last", 15, 0x01)] {
        let wrong = flipped(&tag, at, bits);
        let text = key().text_with(&signed, &wrong);
        let expect = told_with_tag(&key(), &wrong);
        file.add(
            "2.7",
            format!("a wrong tag, which nobody compares here: its {name} byte"),
            expect,
            read(text),
        );
    }
}

fn told_with_tag(key: &Key, tag: &[u8]) -> Value {
    let checked = [key.signed().as_slice(), tag].concat();
    let crc = wardkey_trials::fixture::checksum(&key.prefix, &checked);
    let mut told = key.told();
    if let Some(ok) = told.get_mut("ok").and_then(Value::as_object_mut) {
        ok.insert("tag".into(), json!(crate::spelling::hex(tag)));
        ok.insert("crc".into(), json!(format!("{crc:08x}")));
    }
    told
}

/// base64url without padding of whole bytes.
fn encoded(bytes: &[u8]) -> String {
    let digits = bytes.chunks(3).flat_map(|group| {
        let bits = group.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        let bits = bits << (8 * (3 - group.len()));
        (0..=group.len())
            .filter_map(move |place| ALPHABET.chars().nth(bits >> (18 - 6 * place) & 63))
    });
    digits.collect()
}

const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
