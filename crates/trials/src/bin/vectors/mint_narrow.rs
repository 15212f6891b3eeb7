//! `mint_narrow.json`: writing keys, and refusing to (FORMAT.md section 2.8).

use serde_json::{Map, Value, json};

use crate::file::VectorFile;
use crate::key_bytes::{
    Fields, ISSUED, Key, NETWORKS, filling, from, key, long_base, long_key, only, until, within,
};
use crate::spelling::hex;

pub(crate) fn file() -> VectorFile {
    let mut file = VectorFile::new(
        "mint_narrow.json",
        "Minting and narrowing: what is not refused has one text. Why something is refused has no stable word, but for a key that cannot be read.",
    );
    minted(&mut file);
    sets_in_any_order(&mut file);
    mint_limits(&mut file);
    narrowed(&mut file);
    narrow_limits(&mut file);
    file
}

const STAGE: &str = "2.8";

/// Asks for a key of these values, some of them bent.
fn mint(key: &Key, bent: &[(&str, Value)]) -> Value {
    let mut values = Map::from_iter([
        ("tenant".into(), json!(key.tenant)),
        ("audience".into(), json!(key.audience)),
        ("epoch".into(), json!(key.epoch)),
        ("key_id".into(), json!(hex(&key.key_id))),
        ("status_index".into(), json!(key.index)),
        ("issued_at".into(), json!(key.issued)),
        ("expires_at".into(), json!(key.expires)),
        ("subject".into(), json!(key.subject)),
        ("scopes".into(), json!(key.scopes)),
    ]);
    values.extend(key.constraints.told());
    values.extend(bent.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    json!({ "do": "mint", "signing_key": hex(&key.signing), "prefix": key.prefix, "values": values })
}

fn refused() -> Value {
    json!({ "error": "refused" })
}

/// A key that is minted.
fn good(key: &Key) -> (Value, Value) {
    (json!({ "ok": key.text() }), mint(key, &[]))
}

/// A key that is not.
fn bad(key: &Key) -> (Value, Value) {
    (refused(), mint(key, &[]))
}

/// The usual key with a value that is refused.
fn bent(name: &str, value: impl Into<Value>) -> (Value, Value) {
    (refused(), mint(&key(), &[(name, value.into())]))
}

fn add(file: &mut VectorFile, stage: &str, name: &str, (expect, case): (Value, Value)) {
    file.add(stage, name, expect, case);
}

fn minted(file: &mut VectorFile) {
    add(file, "7", "mint the worked example", good(&key()));
    let constraints =
        Fields { not_before: Some(ISSUED + 60), ..within(&["10.0.0.0/8", "2001:db8::/32"]) };
    add(
        file,
        "7",
        "mint the worked example with constraints",
        good(&key().constrained(constraints)),
    );
    for (name, key) in [
        ("tenant 0", Key { tenant: 0, ..key() }),
        ("audience 0", Key { audience: 0, ..key() }),
        ("a key id of zeros", Key { key_id: [0; 8], ..key() }),
        ("a key id of ones", Key { key_id: [255; 8], ..key() }),
        ("status index 0", Key { index: 0, ..key() }),
        ("the longest life", Key { issued: 0, expires: u32::MAX, ..key() }),
        ("a signing key of zeros", Key { signing: [0; 32], ..key() }),
        ("a signing key of ones", Key { signing: [255; 32], ..key() }),
        ("every scope", Key { scopes: (0..=255).collect(), ..key() }),
        ("a not-before of 0", key().constrained(from(0))),
        ("the last not-before", key().constrained(from(u32::MAX))),
        ("every network", key().constrained(within(&["0.0.0.0/0", "::/0"]))),
        ("another brand", key().with_prefix("wk_test_")),
    ] {
        add(file, STAGE, &format!("mint {name}"), good(&key));
    }
}

fn sets_in_any_order(file: &mut VectorFile) {
    let text = |key: Key| json!({ "ok": key.text() });
    for scopes in [json!([9, 2, 1, 0]), json!([0, 1, 2, 9, 9, 0]), json!([2, 9, 2, 0, 1])] {
        let name = format!("mint with scopes {scopes}");
        file.add(STAGE, name, text(key()), mint(&key(), &[("scopes", scopes)]));
    }
    let sorted = ["10.0.0.0/7", "9.0.0.0/8", "10.0.0.0/8", "::/0", "2001:db8::/32"];
    let unsorted =
        json!(["2001:db8::/32", "10.0.0.0/8", "::/0", "9.0.0.0/8", "10.0.0.0/7", "9.0.0.0/8"]);
    file.add(
        STAGE,
        "mint with networks in another order, one twice",
        text(key().constrained(within(&sorted))),
        mint(&key(), &[("networks", unsorted.clone())]),
    );
    let narrow = |fields: Value| json!({ "do": "narrow", "key": key().text(), "fields": fields });
    file.add(
        STAGE,
        "narrow to networks in another order, one twice",
        text(key().narrowed(within(&sorted))),
        narrow(json!({ "networks": unsorted })),
    );
    file.add(
        STAGE,
        "narrow to scopes in another order, one twice",
        text(key().narrowed(only(&[0, 2, 9]))),
        narrow(json!({ "scopes": [9, 2, 0, 2] })),
    );
}

fn mint_limits(file: &mut VectorFile) {
    let lives = |issued, expires| Key { issued, expires, ..key() };
    file.around(
        STAGE,
        "mint a life of 60 s",
        [
            bad(&lives(ISSUED, ISSUED + 59)),
            good(&lives(ISSUED, ISSUED + 60)),
            good(&lives(ISSUED, ISSUED + 61)),
        ],
    );
    file.around(
        STAGE,
        "mint 60 s before the last second",
        [
            good(&lives(u32::MAX - 61, u32::MAX)),
            good(&lives(u32::MAX - 60, u32::MAX)),
            bad(&lives(u32::MAX - 59, u32::MAX)),
        ],
    );
    add(file, STAGE, "mint a life of 0 s", bad(&lives(ISSUED, ISSUED)));
    add(file, STAGE, "mint a life that ends before it begins", bad(&lives(ISSUED, ISSUED - 1)));
    add(file, STAGE, "mint 60 s that only a sum of 32 bits sees", bad(&lives(u32::MAX, 59)));
    let of = |len: usize| Key { subject: "a".repeat(len), ..key() };
    file.around(STAGE, "mint a subject of 1 character", [bad(&of(0)), good(&of(1)), good(&of(2))]);
    file.around(
        STAGE,
        "mint a subject of 63 characters",
        [good(&of(62)), good(&of(63)), bad(&of(64))],
    );
    for subject in ["Svc", ":a", "-a", "ada@example.org", "a b", "a\u{e9}", "a\n"] {
        add(file, STAGE, &format!("mint the subject {subject:?}"), bent("subject", subject));
    }
    let with = |scopes: &[u8]| Key { scopes: scopes.to_vec(), ..key() };
    file.around(STAGE, "mint scope 0", [bad(&with(&[])), good(&with(&[0])), good(&with(&[1]))]);
    file.around(
        STAGE,
        "mint scope 255",
        [good(&with(&[254])), good(&with(&[255])), bent("scopes", vec![256])],
    );
    add(file, STAGE, "mint scopes 0 and 256", bent("scopes", vec![0, 256]));

    file.around(
        STAGE,
        "mint epoch 1",
        [bad(&Key { epoch: 0, ..key() }), good(&key()), good(&Key { epoch: 2, ..key() })],
    );
    for (name, most) in [
        ("tenant", u64::from(u16::MAX)),
        ("audience", 255),
        ("epoch", 255),
        ("status_index", u64::from(u32::MAX)),
        ("expires_at", u64::from(u32::MAX)),
    ] {
        let at = |less| {
            let most = most - less;
            let small = u8::try_from(most & 255).unwrap_or_default();
            let (wide, all) = (u16::try_from(most & 65_535), u32::try_from(most));
            let all = all.unwrap_or_default();
            match name {
                "tenant" => good(&Key { tenant: wide.unwrap_or_default(), ..key() }),
                "audience" => good(&Key { audience: small, ..key() }),
                "epoch" => good(&Key { epoch: small, ..key() }),
                "status_index" => good(&Key { index: all, ..key() }),
                _ => good(&Key { expires: all, ..key() }),
            }
        };
        file.around(STAGE, &format!("mint the last {name}"), [at(1), at(0), bent(name, most + 1)]);
    }
    add(file, STAGE, "mint an issued-at beyond its bytes", bent("issued_at", 1_u64 << 32));
    add(file, STAGE, "mint a not-before beyond its bytes", bent("not_before", 1_u64 << 32));
    add(file, STAGE, "mint a key id of 7 bytes", bent("key_id", "00112233445566"));
    add(file, STAGE, "mint a key id of 9 bytes", bent("key_id", "001122334455667788"));

    let constrained = |not_before, count| {
        let networks = NETWORKS.iter().take(count).copied().collect();
        key().constrained(Fields { not_before, networks, ..Fields::default() })
    };
    file.around(
        STAGE,
        "mint constraints of 128 bytes",
        [
            good(&constrained(Some(0), 19)),
            good(&constrained(Some(0), 20)),
            bad(&constrained(Some(0), 21)),
        ],
    );
    file.around(
        STAGE,
        "mint constraints of 128 bytes of networks",
        [good(&constrained(None, 20)), good(&constrained(None, 21)), bad(&constrained(None, 22))],
    );
    let wide: Vec<String> = (1..=8).map(|n| format!("{n}::/16")).collect();
    add(file, STAGE, "mint 8 networks of IPv6", bent("networks", wide));
    add(file, STAGE, "mint no networks", bent("networks", Vec::<Value>::new()));
    for network in [
        "10.0.0.1/8",
        "10.0.0.0/33",
        "10.0.0.0/08",
        "10.0.0.0/+8",
        "10.0.0.0/",
        "10.0.0.0",
        "10.0.0/8",
        "::1/127",
        "::/129",
        "::ffff:10.0.0.0/104",
        "::ffff:0:0/96",
        "example.org/8",
    ] {
        add(file, STAGE, &format!("mint the network {network}"), bent("networks", vec![network]));
    }
    for prefix in
        ["", "wk", "wk_test", "wk_prod_", "w_test_", "Wk_test_", "examplebrands_test_", "wk_test_x"]
    {
        let case = mint(&key().with_prefix(prefix), &[]);
        file.add(STAGE, format!("mint with the prefix {prefix:?}"), refused(), case);
    }
    add(
        file,
        STAGE,
        "mint with the longest prefix",
        good(&key().with_prefix("examplebrand_test_")),
    );
    let branded = |brand: &str| key().with_prefix(&format!("{brand}_test_"));
    file.around(
        STAGE,
        "mint with a brand of 2 characters",
        [bad(&branded("w")), good(&branded("wk")), good(&branded("wky"))],
    );
    file.around(
        STAGE,
        "mint with a brand of 12 characters",
        [
            good(&branded("examplebran")),
            good(&branded("examplebrand")),
            bad(&branded("examplebrands")),
        ],
    );
    file.around(
        STAGE,
        "mint a base of 251 bytes",
        [
            good(&long_base(250)),
            good(&long_base(251)),
            bad(&Key { subject: "a".repeat(64), ..long_base(251) }),
        ],
    );
    for len in [31, 33] {
        let mut case = mint(&key(), &[]);
        if let Some(members) = case.as_object_mut() {
            members.insert("signing_key".into(), json!(hex(&vec![7; len])));
        }
        file.add(STAGE, format!("mint with a signing key of {len} bytes"), refused(), case);
    }
    let longest = Key {
        subject: "z".repeat(63),
        scopes: (0..=255).collect(),
        ..constrained(Some(u32::MAX), 20).with_prefix("examplebrand_test_")
    };
    add(file, STAGE, "mint the longest base", good(&longest));
}

fn narrow(text: String, fields: &Fields) -> Value {
    json!({ "do": "narrow", "key": text, "fields": fields.told() })
}

/// A key that is narrowed by its last block.
fn becomes(key: &Key, by: Fields) -> (Value, Value) {
    let case = narrow(key.text(), &by);
    (json!({ "ok": key.clone().narrowed(by).text() }), case)
}

/// A key that is not narrowed.
fn stays(key: &Key, by: &Fields) -> (Value, Value) {
    (refused(), narrow(key.text(), by))
}

fn narrowed(file: &mut VectorFile) {
    let ten_minutes = Fields { expires_at: Some(ISSUED + 600), ..only(&[0, 1]) };
    add(file, "7", "narrow the worked example", becomes(&key(), ten_minutes));
    let every = Fields {
        scopes: Some(vec![0]),
        expires_at: Some(ISSUED + 600),
        not_before: Some(ISSUED + 60),
        networks: vec!["10.0.0.0/8", "2001:db8::/32"],
    };
    for (name, by) in [
        ("to scopes", only(&[0])),
        ("to an expiry", until(ISSUED + 1)),
        ("to a not-before", from(ISSUED + 1)),
        ("to networks", within(&["10.0.0.0/8"])),
        ("to all at once", every),
        ("to scopes that it has not", only(&[3, 255])),
        ("to every scope, which takes nothing away", only(&(0..=255).collect::<Vec<u8>>())),
        ("to a later expiry, which takes nothing away", until(u32::MAX)),
        ("to an earlier not-before, which takes nothing away", from(0)),
        (
            "to every address, which takes nothing from those that are known",
            within(&["0.0.0.0/0", "::/0"]),
        ),
        ("to a time before its issue", until(0)),
        ("to a time after its expiry", from(u32::MAX)),
    ] {
        add(file, STAGE, &format!("narrow {name}"), becomes(&key(), by));
    }
    let constrained = key().constrained(within(&["10.0.0.0/8"]));
    add(file, STAGE, "narrow a key with constraints", becomes(&constrained, until(ISSUED + 1)));
    let again = key().narrowed(only(&[0, 1]));
    add(file, STAGE, "narrow a narrowed key", becomes(&again, only(&[1])));
    add(file, STAGE, "narrow by the same again", becomes(&again, only(&[0, 1])));
    // A holder cannot tell a forged key, and narrows it from its own tag on.
    let (signed, zeros) = (key().signed(), [0; 16]);
    let (block, by) = (crate::key_bytes::block(&only(&[0]).bytes()), only(&[0]));
    let tag = crate::spelling::tag(&zeros, &block);
    let forged = key().text_with(&[signed.clone(), block].concat(), &tag);
    let case = narrow(key().text_with(&signed, &zeros), &by);
    file.add(STAGE, "narrow a key whose tag is wrong", json!({ "ok": forged }), case);
}

fn narrow_limits(file: &mut VectorFile) {
    let times = |count| (0..count).fold(key(), |key, nth| key.narrowed(until(ISSUED + nth)));
    file.around(
        STAGE,
        "narrow to 4 blocks",
        [
            becomes(&times(2), only(&[0])),
            becomes(&times(3), only(&[0])),
            stays(&times(4), &only(&[0])),
        ],
    );
    file.around(
        STAGE,
        "narrow by 64 bytes",
        [becomes(&key(), filling(63)), becomes(&key(), filling(64)), stays(&key(), &filling(65))],
    );
    let count = |count| within(NETWORKS.get(..count).unwrap_or_default());
    file.around(
        STAGE,
        "narrow to 10 networks, the most that fit a block",
        [becomes(&key(), count(9)), becomes(&key(), count(10)), stays(&key(), &count(11))],
    );
    // With its last block the key has 511, 512 and 513 characters.
    let last = |prefix, signed_len| {
        let mut long = long_key(prefix, signed_len);
        let by = long.blocks.pop().unwrap_or_default();
        (long, by)
    };
    let [(below, by_below), (at, by_at)] = [last("wk_test_", 357), last("wk_test_", 358)];
    let (above, by_above) = last("wky_test_", 358);
    file.around(
        STAGE,
        "narrow to 512 characters",
        [becomes(&below, by_below), becomes(&at, by_at), stays(&above, &by_above)],
    );
    let (above, by_above) = last("wk_test_", 384);
    add(file, STAGE, "narrow to more than 512 characters", stays(&above, &by_above));
    add(file, STAGE, "narrow by nothing", stays(&key(), &Fields::default()));
    add(file, STAGE, "narrow to no scope", stays(&key(), &only(&[])));
    for (name, fields) in [
        ("no networks", json!({ "networks": [] })),
        ("what is no network", json!({ "networks": ["10.0.0.1/8"] })),
        ("mapped addresses", json!({ "networks": ["::ffff:10.0.0.0/104"] })),
        ("scope 256", json!({ "scopes": [256] })),
        ("an expiry beyond its bytes", json!({ "expires_at": 1_u64 << 32 })),
        ("a not-before beyond its bytes", json!({ "not_before": 1_u64 << 32 })),
    ] {
        let case = json!({ "do": "narrow", "key": key().text(), "fields": fields });
        file.add(STAGE, format!("narrow to {name}"), refused(), case);
    }
    let mistyped = key().text().replace("AQAHAg", "AQAHAw");
    let five = times(5);
    for (name, text, word) in [
        ("no text", String::new(), "malformed"),
        ("a word", "key".into(), "malformed"),
        ("a mistyped key", mistyped, "bad_checksum"),
        ("a key of five blocks", five.text(), "malformed"),
    ] {
        let error = json!({ "error": word });
        file.add(STAGE, format!("narrow {name}"), error.clone(), narrow(text.clone(), &only(&[0])));
        file.add(
            STAGE,
            format!("narrow {name} by nothing"),
            error,
            narrow(text, &Fields::default()),
        );
    }
}
