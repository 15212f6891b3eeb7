//! `key_set.json`: reading a key set (FORMAT.md section 3).

use serde_json::{Value, json};

use crate::file::VectorFile;
use crate::key_set_bytes::{Entry, KeySet, entry, key_set, scope};
use crate::spelling::{cut, hex};

pub(crate) fn file() -> VectorFile {
    let mut file = VectorFile::new(
        "key_set.json",
        "Reading a key set. Why it is refused has no stable word: it is malformed.",
    );
    add(&mut file, "the worked example", good(&key_set()));
    first_fields(&mut file);
    bounds(&mut file);
    signing_keys(&mut file);
    catalogs(&mut file);
    cuts(&mut file);
    file
}

fn add(file: &mut VectorFile, name: &str, (expect, case): (Value, Value)) {
    file.add("3", name, expect, case);
}

fn read(bytes: &[u8]) -> Value {
    json!({ "do": "read_key_set", "bytes": hex(bytes) })
}

fn good(key_set: &KeySet) -> (Value, Value) {
    (key_set.told(), read(&key_set.bytes()))
}

fn malformed(bytes: &[u8]) -> (Value, Value) {
    (json!({ "error": "malformed" }), read(bytes))
}

fn bad(key_set: &KeySet) -> (Value, Value) {
    malformed(&key_set.bytes())
}

fn first_fields(file: &mut VectorFile) {
    let of = |format| KeySet { format, ..key_set() };
    file.around("3", "format version 1", [bad(&of(0)), good(&of(1)), bad(&of(2))]);
    add(file, "format version 255", bad(&of(255)));
    for tenant in [0, u16::MAX] {
        add(file, &format!("tenant {tenant}"), good(&KeySet { tenant, ..key_set() }));
    }
    let of = |audience| KeySet { audience, ..key_set() };
    // 0 is the administration.
    file.around("3", "audience 1", [bad(&of(0)), good(&of(1)), good(&of(2))]);
    add(file, "audience 255", good(&of(255)));
    for version in [0, 1, u32::MAX] {
        add(file, &format!("version {version}"), good(&KeySet { version, ..key_set() }));
    }
    add(file, "a list key of zeros", good(&KeySet { list_key: [0; 32], ..key_set() }));
}

fn bounds(file: &mut VectorFile) {
    let with = |bounds| KeySet { bounds, ..key_set() };
    const MOST: [u32; 4] = [5_000, 30_000, 300_000, 3_600_000];
    file.around(
        "3",
        "fresh-for of 5,000 ms",
        [
            good(&with([4_999, 30_000, 300_000, 3_600_000])),
            good(&with(MOST)),
            bad(&with([5_001, 30_000, 300_000, 3_600_000])),
        ],
    );
    file.around(
        "3",
        "high of 30,000 ms",
        [
            good(&with([5_000, 29_999, 300_000, 3_600_000])),
            good(&with(MOST)),
            bad(&with([5_000, 30_001, 300_000, 3_600_000])),
        ],
    );
    file.around(
        "3",
        "standard of 300,000 ms",
        [
            good(&with([5_000, 30_000, 299_999, 3_600_000])),
            good(&with(MOST)),
            bad(&with([5_000, 30_000, 300_001, 3_600_000])),
        ],
    );
    file.around(
        "3",
        "low of 3,600,000 ms",
        [
            good(&with([5_000, 30_000, 300_000, 3_599_999])),
            good(&with(MOST)),
            bad(&with([5_000, 30_000, 300_000, 3_600_001])),
        ],
    );
    file.around(
        "3",
        "fresh-for as long as high",
        [
            good(&with([99, 100, 200, 300])),
            good(&with([100, 100, 200, 300])),
            bad(&with([101, 100, 200, 300])),
        ],
    );
    file.around(
        "3",
        "high as long as standard",
        [
            good(&with([1, 199, 200, 300])),
            good(&with([1, 200, 200, 300])),
            bad(&with([1, 201, 200, 300])),
        ],
    );
    file.around(
        "3",
        "standard as long as low",
        [
            good(&with([1, 2, 299, 300])),
            good(&with([1, 2, 300, 300])),
            bad(&with([1, 2, 301, 300])),
        ],
    );
    add(file, "bounds of zero", good(&with([0; 4])));
    add(file, "bounds that are all one", good(&with([5_000; 4])));
    add(file, "bounds of the last number", bad(&with([u32::MAX; 4])));
    let skewed = |max_skew| KeySet { max_skew, ..key_set() };
    file.around(
        "3",
        "max-skew of 60,000 ms",
        [good(&skewed(59_999)), good(&skewed(60_000)), bad(&skewed(60_001))],
    );
    add(file, "max-skew of 0", good(&skewed(0)));
    add(file, "max-skew of the last number", bad(&skewed(u32::MAX)));
}

fn signing_keys(file: &mut VectorFile) {
    let with = |entries: Vec<Entry>| KeySet { entries, ..key_set() };
    let epochs = |epochs: &[u8]| with(epochs.iter().map(|epoch| entry(*epoch)).collect());
    file.around(
        "3",
        "1 signing key",
        [bad(&epochs(&[])), good(&epochs(&[1])), good(&epochs(&[1, 2]))],
    );
    file.around(
        "3",
        "8 signing keys",
        [
            good(&epochs(&[1, 2, 3, 4, 5, 6, 7])),
            good(&epochs(&[1, 2, 3, 4, 5, 6, 7, 8])),
            bad(&epochs(&[1, 2, 3, 4, 5, 6, 7, 8, 9])),
        ],
    );
    file.around("3", "epoch 1", [bad(&epochs(&[0])), good(&epochs(&[1])), good(&epochs(&[2]))]);
    file.around(
        "3",
        "a second epoch that is the first",
        [bad(&epochs(&[5, 4])), bad(&epochs(&[5, 5])), good(&epochs(&[5, 6]))],
    );
    add(file, "the first and the last epoch", good(&epochs(&[1, 255])));
    add(file, "epoch 0 behind epoch 255", bad(&epochs(&[255, 0])));
    let prefixed = |prefix: &str| with(vec![Entry { prefix: prefix.into(), ..entry(1) }]);
    file.around(
        "3",
        "a prefix of 8 characters",
        [bad(&prefixed("w_test_")), good(&prefixed("wk_test_")), good(&prefixed("wky_test_"))],
    );
    file.around(
        "3",
        "a prefix of 18 characters",
        [
            good(&prefixed("examplebran_test_")),
            good(&prefixed("examplebrand_test_")),
            bad(&prefixed("examplebrands_test_")),
        ],
    );
    for prefix in [
        "",
        "_",
        "wk_test",
        "wk_prod_",
        "Wk_test_",
        "1k_test_",
        "wk_test_x",
        "wk_test__",
        "w\u{e9}_test_",
    ] {
        add(file, &format!("the prefix {prefix:?}"), bad(&prefixed(prefix)));
    }
    let different = vec![entry(1), Entry { prefix: "wk_test_".into(), ..entry(2) }];
    add(file, "two prefixes", good(&with(different)));
    let windows = |mint_from, mint_until, verify_until| {
        with(vec![Entry { mint_from, mint_until, verify_until, ..entry(1) }])
    };
    for (name, key_set) in [
        ("from the first to the last second", windows(0, u32::MAX, u32::MAX)),
        ("that end before they begin", windows(9, 8, 7)),
        ("of one second", windows(5, 5, 5)),
        ("that hold nothing", windows(u32::MAX, 0, 0)),
    ] {
        add(file, &format!("windows {name}"), good(&key_set));
    }
}

fn catalogs(file: &mut VectorFile) {
    let with = |scopes| KeySet { scopes, ..key_set() };
    // Names of their places, so that numbers that are the same have names that are not.
    let numbered = |numbers: &[u8]| {
        let places = numbers.iter().enumerate();
        with(places.map(|(place, number)| scope(*number, 0, &format!("s:{place}"))).collect())
    };
    let every: Vec<u8> = (0..=255).collect();
    file.around(
        "3",
        "1 scope",
        [bad(&with(vec![])), good(&numbered(&[7])), good(&numbered(&[7, 8]))],
    );
    // The 257th can only be a number that was there already.
    let too_many = [every.clone(), vec![255]].concat();
    file.around(
        "3",
        "256 scopes",
        [
            good(&numbered(every.get(1..).unwrap_or_default())),
            good(&numbered(&every)),
            bad(&numbered(&too_many)),
        ],
    );
    file.around(
        "3",
        "a second scope that is the first",
        [bad(&numbered(&[5, 4])), bad(&numbered(&[5, 5])), good(&numbered(&[5, 6]))],
    );
    add(file, "the first and the last scope", good(&numbered(&[0, 255])));
    let one = |level, name: &str| with(vec![scope(0, level, name)]);
    file.around(
        "3",
        "risk level 3",
        [2, 3, 4].map(|level| {
            let key_set = one(level, "invoice:list");
            if level < 4 { good(&key_set) } else { bad(&key_set) }
        }),
    );
    for level in 0..=3 {
        add(file, &format!("risk level {level}"), good(&one(level, "invoice:list")));
    }
    for level in [4, 255] {
        add(file, &format!("risk level {level}"), bad(&one(level, "invoice:list")));
    }
    file.around(
        "3",
        "a scope's name of 3 characters",
        [bad(&one(0, "a:")), good(&one(0, "a:b")), good(&one(0, "a:bc"))],
    );
    let long = |len: usize| one(0, &format!("a:{}", "b".repeat(len - 2)));
    file.around(
        "3",
        "a scope's name of 64 characters",
        [good(&long(63)), good(&long(64)), bad(&long(65))],
    );
    for name in ["0:9", "a.b_c-d:e.f_g-h", "a-:b_"] {
        add(file, &format!("a scope named {name}"), good(&one(0, name)));
    }
    for name in [
        "", "abc", "a:b:c", ":ab", "ab:", "::a", "A:b", "a:B", "a:*", "*:b", "a b:c", ".a:b",
        "a:-b", "_a:b", "a/b:c", "a:b\n", "a:\u{e9}",
    ] {
        add(file, &format!("a scope named {name:?}"), bad(&one(0, name)));
    }
    let names = |first, second| with(vec![scope(0, 0, first), scope(1, 0, second)]);
    add(file, "a scope's name that stands twice", bad(&names("invoice:list", "invoice:list")));
    add(
        file,
        "a scope's name that another begins with",
        good(&names("invoice:list", "invoice:lists")),
    );
    let no_text =
        [key_set().head(), key_set().signing_keys(), vec![0, 1, 0, 0, 3, b'a', b':', 0xff]];
    add(file, "a scope's name of bytes that are no UTF-8", malformed(&no_text.concat()));
}

/// Bytes that end too early or too late.
fn cuts(file: &mut VectorFile) {
    let whole = key_set().bytes();
    add(file, "a byte behind the last scope", malformed(&[whole.as_slice(), &[0]].concat()));
    add(file, "twice", malformed(&[whole.clone(), whole.clone()].concat()));
    let (head, keys) = (key_set().head().len(), key_set().signing_keys().len());
    for len in [
        0,
        1,
        2,
        3,
        4,
        7,
        8,
        11,
        27,
        28,
        59,
        head,
        head + 1,
        head + 2,
        head + 33,
        head + 34,
        head + 46,
        head + 47,
    ]
    .into_iter()
    .chain([
        head + keys - 1,
        head + keys,
        head + keys + 1,
        head + keys + 2,
        head + keys + 5,
        whole.len() - 1,
    ]) {
        add(file, &format!("cut after {len} bytes"), malformed(&cut(&whole, len)));
    }
    for (name, count, bad_count) in
        [("more signing keys than follow", head, 2), ("fewer signing keys than follow", head, 0)]
    {
        let mut bytes = whole.clone();
        if let Some(byte) = bytes.get_mut(count) {
            *byte = bad_count;
        }
        add(file, name, malformed(&bytes));
    }
    for count in [2_u8, 4] {
        let mut bytes = whole.clone();
        if let Some(byte) = bytes.get_mut(head + keys + 1) {
            *byte = count;
        }
        add(file, &format!("a count of {count} scopes before 3"), malformed(&bytes));
    }
}
