//! `key.json`: reading a key (FORMAT.md sections 2.1 to 2.7).

use serde_json::{Value, json};

use crate::file::VectorFile;
use crate::key_bytes::{
    Fields, ISSUED, Key, NETWORKS, block, filling, from, key, long_key, only, until, within,
};
use crate::spelling::{bit_set, field, flipped, networks, sized};

pub(crate) fn file() -> VectorFile {
    let mut file = VectorFile::new(
        "key.json",
        "Reading a key: every tag here is right, unless a case says otherwise, and so is every checksum.",
    );
    texts(&mut file);
    prefixes(&mut file);
    checksums(&mut file);
    numbers(&mut file);
    subjects_and_scopes(&mut file);
    constraints(&mut file);
    fields(&mut file);
    address_ranges(&mut file);
    blocks(&mut file);
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
        stage,
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

fn numbers(file: &mut VectorFile) {
    let stage = "2.2";
    let rest: Vec<u8> = key().base().iter().skip(25).copied().collect();
    for version in [0, 2, 3, 0x80, 255] {
        let text = key().text_of(&[key().front(version), rest.clone()].concat(), &[]);
        add(file, stage, &format!("version {version}"), bad(text));
    }
    for tenant in [0, 1, 255, 256, u16::MAX] {
        add(file, stage, &format!("tenant {tenant}"), good(&Key { tenant, ..key() }));
    }
    for audience in [0, 1, 255] {
        add(file, stage, &format!("audience {audience}"), good(&Key { audience, ..key() }));
    }
    add(file, stage, "epoch 0", bad(Key { epoch: 0, ..key() }.text()));
    for epoch in [1, 2, 255] {
        add(file, stage, &format!("epoch {epoch}"), good(&Key { epoch, ..key() }));
    }
    for byte in [0, 255] {
        add(
            file,
            stage,
            &format!("a key id of bytes {byte}"),
            good(&Key { key_id: [byte; 8], ..key() }),
        );
    }
    for index in [0, 1, u32::MAX - 1, u32::MAX] {
        add(file, stage, &format!("status index {index}"), good(&Key { index, ..key() }));
    }
    let lives = |issued, expires| Key { issued, expires, ..key() };
    file.around(
        stage,
        "a life of 60 s",
        [
            bad(lives(ISSUED, ISSUED + 59).text()),
            good(&lives(ISSUED, ISSUED + 60)),
            good(&lives(ISSUED, ISSUED + 61)),
        ],
    );
    file.around(
        stage,
        "a life of 60 s from 1970 on",
        [bad(lives(0, 59).text()), good(&lives(0, 60)), good(&lives(0, 61))],
    );
    file.around(
        stage,
        "issued 60 s before the last second",
        [
            good(&lives(u32::MAX - 61, u32::MAX)),
            good(&lives(u32::MAX - 60, u32::MAX)),
            bad(lives(u32::MAX - 59, u32::MAX).text()),
        ],
    );
    add(file, stage, "the longest life", good(&lives(0, u32::MAX)));
    for (name, issued, expires) in [
        ("expires as it is issued", ISSUED, ISSUED),
        ("expires before it is issued", ISSUED, ISSUED - 1),
        ("issued in the last second", u32::MAX, u32::MAX),
        ("60 s that only a sum of 32 bits sees", u32::MAX, 59),
        ("120 s that only a sum of 32 bits sees", u32::MAX - 59, 60),
        ("no times", 0, 0),
    ] {
        add(file, stage, name, bad(lives(issued, expires).text()));
    }
}

fn subjects_and_scopes(file: &mut VectorFile) {
    let stage = "2.2";
    let of = |subject: &str| Key { subject: subject.into(), ..key() };
    // Behind the front: a subject as its bytes say, then one scope.
    let raw = |byte: u8, subject: &[u8], rest: &[u8]| {
        let base = [key().front(1).as_slice(), &[byte], subject, rest].concat();
        bad(key().text_of(&base, &[]))
    };
    file.around(
        stage,
        "a subject of 1 character",
        [raw(0, b"", &[2, 7, 2]), good(&of("a")), good(&of("ab"))],
    );
    file.around(
        stage,
        "a subject of 63 characters",
        [
            good(&of(&"z".repeat(62))),
            good(&of(&"9".repeat(63))),
            // 64 is bit 6, which is zero.
            raw(64, &[b'a'; 64], &[1, 1]),
        ],
    );
    add(file, stage, "a subject's length with bit 6 set", raw(0x4b, b"svc:billing", &[2, 7, 2]));
    add(
        file,
        stage,
        "a subject's length with bits 6 and 7 set",
        raw(0xcb, b"svc:billing", &[2, 7, 2, 6, 3, 4, 0, 0, 0, 0]),
    );
    for subject in ["a", "z", "0", "9", "a:._/-9z", "0-", "svc:billing/eu-1.main_2"] {
        let key = Key { index: 1, ..of(subject) };
        add(file, stage, &format!("the subject {subject}"), good(&key));
    }
    for subject in [
        ":a",
        ".a",
        "_a",
        "/a",
        "-a",
        "A",
        "Svc",
        "svc:Billing",
        "ada@example.org",
        "a b",
        "a,b",
        "a;b",
        "a^b",
        "a`b",
        "a{b",
        "a+b",
        "a!b",
        "a\0b",
        "a\u{7f}b",
        "a\u{e9}",
        "a\n",
    ] {
        add(file, stage, &format!("the subject {subject:?}"), bad(of(subject).text()));
    }
    add(
        file,
        stage,
        "a subject of bytes that are no UTF-8",
        raw(3, &[b'a', 0x80, 0xff], &[2, 7, 2]),
    );
    add(file, stage, "a subject cut short", raw(63, &[b'a'; 62], &[]));
    add(file, stage, "no scopes length", raw(63, &[b'a'; 63], &[]));
    add(file, stage, "scopes cut short", raw(63, &[b'a'; 63], &[3, 1, 1]));

    let with = |scopes: &[u8]| Key { scopes: scopes.to_vec(), ..key() };
    let raw_scopes = |scopes: &[u8]| {
        let subject = sized(b"svc:billing");
        let base = [key().front(1), subject, sized(scopes)].concat();
        bad(key().text_of(&base, &[]))
    };
    file.around(stage, "scopes of 1 byte", [raw_scopes(&[]), good(&with(&[7])), good(&with(&[8]))]);
    file.around(
        stage,
        "scopes of 32 bytes",
        [good(&with(&[247])), good(&with(&[248])), raw_scopes(&[1; 33])],
    );
    let every: Vec<u8> = (0..=255).collect();
    add(file, stage, "every scope", good(&with(&every)));
    add(file, stage, "the first and the last scope", good(&with(&[0, 255])));
    for (name, scopes) in [
        ("one byte of zero", &[0][..]),
        ("a last byte of zero", &[1, 0]),
        ("32 bytes of zero", &[0; 32]),
        ("255 bytes", &[1; 255]),
    ] {
        add(file, stage, &format!("scopes: {name}"), raw_scopes(scopes));
    }
}

/// A key whose constraints are these bytes, behind their length.
fn constraint_bytes(content: &[u8]) -> (Value, Value) {
    announced(&sized(content))
}

/// A key that announces constraints, and what follows its scopes.
fn announced(rest: &[u8]) -> (Value, Value) {
    let subject = [&[0x8b], b"svc:billing".as_slice()].concat();
    let base = [key().front(1), subject, sized(&[7, 2]), rest.to_vec()].concat();
    bad(key().text_of(&base, &[]))
}

fn constraints(file: &mut VectorFile) {
    let stage = "2.2";
    let with = |constraints: Fields| key().constrained(constraints);
    add(file, stage, "constraints: a not-before", good(&with(from(ISSUED))));
    add(file, stage, "constraints: networks", good(&with(within(&["10.0.0.0/8"]))));
    let both = |count| Fields {
        not_before: Some(0),
        networks: NETWORKS.iter().take(count).copied().collect(),
        ..Fields::default()
    };
    // A network is 6 bytes: 122, 128 and 134 bytes.
    file.around(
        stage,
        "constraints of 128 bytes",
        [good(&with(both(19))), good(&with(both(20))), bad(with(both(21)).text())],
    );
    let networks_only = |count| Fields { not_before: None, ..both(count) };
    file.around(
        stage,
        "constraints of 128 bytes of networks",
        [
            good(&with(networks_only(20))),
            good(&with(networks_only(21))),
            bad(with(networks_only(22)).text()),
        ],
    );
    let not_before = field(3, &ISSUED.to_be_bytes());
    for (name, rest) in [
        ("announced, and nothing follows", vec![]),
        ("of no bytes", vec![0]),
        ("cut short by one byte", [&[7], not_before.as_slice()].concat()),
        ("longer than they announce", [&[5], not_before.as_slice()].concat()),
        ("with a byte behind", [sized(&not_before).as_slice(), &[0]].concat()),
        ("of 255 bytes", vec![255; 256]),
    ] {
        add(file, stage, &format!("constraints {name}"), announced(&rest));
    }
    let plain = key().base();
    let text = key().text_of(&[plain, sized(&not_before)].concat(), &[]);
    add(file, stage, "constraints that are not announced", bad(text));
    for (name, content) in [
        ("scopes, a field of blocks", field(1, &[7])),
        ("an expiry, a field of blocks", field(2, &[255; 4])),
        ("scopes before a not-before", [field(1, &[7]), not_before.clone()].concat()),
        ("an expiry before a not-before", [field(2, &[255; 4]), not_before.clone()].concat()),
    ] {
        add(file, "2.3", &format!("constraints with {name}"), constraint_bytes(&content));
    }
}

/// Bytes that are no fields, wherever they stand.
fn fields(file: &mut VectorFile) {
    let not_before = field(3, &ISSUED.to_be_bytes());
    let office = field(4, &networks(&["10.0.0.0/8"]));
    for (name, content) in [
        ("of type 0", field(0, &[0; 4])),
        ("of type 5", field(5, &[0; 4])),
        ("of type 131", field(131, &[0; 4])),
        ("of type 255", field(255, &[0; 4])),
        ("of type 5 behind good ones", [not_before.clone(), field(5, &[])].concat()),
        ("in another order", [office.clone(), not_before.clone()].concat()),
        ("that stand twice", [not_before.clone(), not_before.clone()].concat()),
        ("networks that stand twice", [office.clone(), office.clone()].concat()),
        ("a not-before of 0 bytes", field(3, &[])),
        ("a not-before of 3 bytes", field(3, &[0; 3])),
        ("a not-before of 5 bytes", field(3, &[0; 5])),
        ("without a length", vec![3]),
        ("cut short", vec![3, 4, 0, 0, 0]),
        ("with a byte behind", [not_before.clone(), vec![4]].concat()),
        ("with a length that goes beyond", vec![3, 5, 0, 0, 0, 0]),
    ] {
        add(file, "2.3", &format!("fields in the base: {name}"), constraint_bytes(&content));
        let text = key().text_of(&key().base(), &[block(&content)]);
        add(file, "2.3", &format!("fields in a block: {name}"), bad(text));
    }
    let in_block = |content: Vec<u8>| bad(key().text_of(&key().base(), &[block(&content)]));
    for (name, content) in [
        ("scopes of 0 bytes", field(1, &[])),
        ("scopes of 33 bytes", field(1, &[1; 33])),
        ("scopes whose last byte is zero", field(1, &[1, 0])),
        ("scopes of one byte of zero", field(1, &[0])),
        ("an expiry of 3 bytes", field(2, &[0; 3])),
        ("an expiry of 5 bytes", field(2, &[0; 5])),
        ("an expiry before scopes", [field(2, &[0; 4]), field(1, &[1])].concat()),
        ("scopes twice", [field(1, &[1]), field(1, &[2])].concat()),
        ("an expiry twice", [field(2, &[0; 4]), field(2, &[1; 4])].concat()),
    ] {
        add(file, "2.3", &format!("fields in a block: {name}"), in_block(content));
    }
    let all = Fields {
        scopes: Some(vec![0, 9]),
        expires_at: Some(5),
        not_before: Some(u32::MAX),
        networks: vec!["10.0.0.0/8"],
    };
    add(file, "2.3", "a block of every field, never valid", good(&key().narrowed(all)));
    for second in [0, 1, u32::MAX] {
        add(file, "2.3", &format!("a block until {second}"), good(&key().narrowed(until(second))));
        add(file, "2.3", &format!("a block from {second} on"), good(&key().narrowed(from(second))));
        add(
            file,
            "2.3",
            &format!("a base from {second} on"),
            good(&key().constrained(from(second))),
        );
    }
    let widest = Fields { scopes: Some((0..=255).collect()), ..Fields::default() };
    add(file, "2.3", "a block of every scope", good(&key().narrowed(widest)));
    add(
        file,
        "2.3",
        "a block of scopes that the base has not",
        good(&key().narrowed(only(&[3, 200]))),
    );
}

fn address_ranges(file: &mut VectorFile) {
    let stage = "2.3 networks";
    for set in [
        &["0.0.0.0/0"][..],
        &["128.0.0.0/1"],
        &["10.0.0.0/8"],
        &["255.255.255.254/31"],
        &["255.255.255.255/32"],
        &["::/0"],
        &["8000::/1"],
        &["2001:db8::/32"],
        &["2001:db8::1/128"],
        &["::/80"],
        &["::/95"],
        &["::fffe:0:0/96"],
        &["::fffe:0:0/95"],
        &["::1:0:0:0/96"],
        &["1::ffff:0:0/96"],
        &["::/0", "::/1"],
        &["10.0.0.0/7", "9.0.0.0/8", "10.0.0.0/8"],
        &["10.0.0.0/8", "2001:db8::/32"],
        &["255.255.255.255/32", "::/0"],
    ] {
        add(
            file,
            stage,
            &format!("the networks {}", set.join(" ")),
            good(&key().constrained(within(set))),
        );
    }
    let entry = |family: u8, len: u8, address: &[u8]| [&[family, len], address].concat();
    let v6 = |start: &[u8]| [start, &vec![0; 16 - start.len()]].concat();
    let mapped = |end: &[u8]| [[0; 10].as_slice(), &[255, 255], end].concat();
    for (name, entries) in [
        ("none", vec![]),
        ("one byte", vec![4]),
        ("an entry cut short", entry(4, 8, &[10, 0, 0])),
        ("a byte behind the last entry", [entry(4, 8, &[10, 0, 0, 0]), vec![4]].concat()),
        ("of family 0", entry(0, 0, &[0; 4])),
        ("of family 5", entry(5, 8, &[10, 0, 0, 0])),
        ("of family 7", entry(7, 8, &[0; 16])),
        ("of family 6 with 4 bytes", entry(6, 8, &[10, 0, 0, 0])),
        ("of family 6 with 15 bytes", entry(6, 8, &[0; 15])),
        ("of family 4 with 16 bytes", entry(4, 8, &v6(&[10]))),
        ("33 bits of IPv4", entry(4, 33, &[0; 4])),
        ("255 bits of IPv4", entry(4, 255, &[0; 4])),
        ("129 bits of IPv6", entry(6, 129, &[0; 16])),
        ("255 bits of IPv6", entry(6, 255, &[0; 16])),
        ("a bit behind 31 bits", entry(4, 31, &[10, 0, 0, 1])),
        ("a bit behind 8 bits", entry(4, 8, &[10, 128, 0, 0])),
        ("a bit behind no bits", entry(4, 0, &[128, 0, 0, 0])),
        ("the last bit behind no bits", entry(4, 0, &[0, 0, 0, 1])),
        ("a bit behind 127 bits", entry(6, 127, &[[0; 15].as_slice(), &[1]].concat())),
        ("a bit behind 32 bits of IPv6", entry(6, 32, &v6(&[0x20, 1, 0x0d, 0xb8, 0x80]))),
        ("a bit behind no bits of IPv6", entry(6, 0, &v6(&[0x80]))),
        ("every mapped address", entry(6, 96, &mapped(&[0; 4]))),
        ("97 bits of mapped addresses", entry(6, 97, &mapped(&[128, 0, 0, 0]))),
        ("mapped addresses", entry(6, 104, &mapped(&[10, 0, 0, 0]))),
        ("one mapped address", entry(6, 128, &mapped(&[10, 0, 0, 1]))),
        ("95 bits with the 96th set", entry(6, 95, &mapped(&[0; 4]))),
        ("the same twice", networks(&["10.0.0.0/8", "10.0.0.0/8"])),
        ("descending addresses", networks(&["11.0.0.0/8", "10.0.0.0/8"])),
        ("descending lengths", networks(&["9.0.0.0/8", "10.0.0.0/7"])),
        ("IPv6 before IPv4", networks(&["2001:db8::/32", "10.0.0.0/8"])),
        (
            "a bad one behind a good one",
            [networks(&["10.0.0.0/8"]), entry(4, 33, &[0; 4])].concat(),
        ),
    ] {
        add(file, stage, &format!("no networks: {name}"), constraint_bytes(&field(4, &entries)));
    }
    let text = key().text_of(&key().base(), &[block(&field(4, &entry(4, 31, &[10, 0, 0, 1])))]);
    add(file, stage, "no networks in a block: a bit behind 31 bits", bad(text));
}

fn blocks(file: &mut VectorFile) {
    let stage = "2.4";
    let times = |count| (0..count).fold(key(), |key, nth| key.narrowed(until(ISSUED + nth)));
    for count in [1, 2] {
        add(file, stage, &format!("{count} blocks"), good(&times(count)));
    }
    file.around(stage, "4 blocks", [good(&times(3)), good(&times(4)), bad(times(5).text())]);
    let of = |len| key().narrowed(filling(len));
    file.around(stage, "a block of 64 bytes", [good(&of(63)), good(&of(64)), bad(of(65).text())]);
    let least = |last| bad(key().text_of(&key().base(), &[last]));
    for (name, bytes) in [
        ("a block of no bytes", vec![0x80, 0]),
        ("a block that is only a type", vec![0x80]),
        ("a block cut short", [&[0x80, 7], field(2, &[0; 4]).as_slice()].concat()),
        ("a block with a byte behind", [block(&field(2, &[0; 4])), vec![0]].concat()),
        ("a block with a block's type behind", [block(&field(2, &[0; 4])), vec![0x80]].concat()),
        (
            "a block of no bytes behind a good one",
            [block(&field(2, &[0; 4])), vec![0x80, 0]].concat(),
        ),
        ("a block of type 129", [&[0x81], sized(&field(2, &[0; 4])).as_slice()].concat()),
        ("a block of type 0", [&[0], sized(&field(2, &[0; 4])).as_slice()].concat()),
        ("a block of type 127", [&[0x7f], sized(&field(2, &[0; 4])).as_slice()].concat()),
        ("a block of 255 bytes", block(&[1; 255])),
        ("one byte of zero where blocks are", vec![0]),
        ("a block of scopes without a header", field(1, &bit_set(&[0]))),
    ] {
        add(file, stage, name, least(bytes));
    }
    let both = key().constrained(from(ISSUED)).narrowed(only(&[0])).narrowed(within(&["::/0"]));
    add(file, stage, "constraints and blocks", good(&both));
}

const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
