//! Constraints, blocks and the fields that both are made of (2.2 to 2.4).

use serde_json::Value;

use super::{add, bad, good};
use crate::file::VectorFile;
use crate::key_bytes::{Fields, ISSUED, NETWORKS, block, filling, from, key, only, until, within};
use crate::spelling::{bit_set, field, networks, sized};

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

pub(super) fn constraints(file: &mut VectorFile) {
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
pub(super) fn fields(file: &mut VectorFile) {
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
    let scopes = |scopes: &[u8]| good(&key().narrowed(only(scopes)));
    file.around(
        "2.3",
        "scopes of 1 byte in a block",
        [in_block(field(1, &[])), scopes(&[7]), scopes(&[8])],
    );
    file.around(
        "2.3",
        "scopes of 32 bytes in a block",
        [scopes(&[247]), scopes(&[248]), in_block(field(1, &[1; 33]))],
    );
    let second = |len: usize| field(3, &vec![0; len]);
    file.around(
        "2.3",
        "a not-before of 4 bytes",
        [in_block(second(3)), good(&key().narrowed(from(0))), in_block(second(5))],
    );
    let second = |len: usize| field(2, &vec![0; len]);
    file.around(
        "2.3",
        "an expiry of 4 bytes",
        [in_block(second(3)), good(&key().narrowed(until(0))), in_block(second(5))],
    );
    file.around(
        "2.3",
        "type 1, the first in a block",
        [in_block(field(0, &[7])), scopes(&[0, 1, 2]), good(&key().narrowed(until(0)))],
    );
    let inside = within(&["10.0.0.0/8"]);
    file.around(
        "2.3",
        "type 4, the last in a block",
        [
            good(&key().narrowed(from(0))),
            good(&key().narrowed(inside.clone())),
            in_block(field(5, &networks(&inside.networks))),
        ],
    );
    file.around(
        "2.3",
        "type 3, the first in the base",
        [
            constraint_bytes(&field(2, &[0; 4])),
            good(&key().constrained(from(0))),
            good(&key().constrained(inside.clone())),
        ],
    );
    file.around(
        "2.3",
        "type 4, the last in the base",
        [
            good(&key().constrained(from(0))),
            good(&key().constrained(inside.clone())),
            constraint_bytes(&field(5, &networks(&inside.networks))),
        ],
    );
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

pub(super) fn address_ranges(file: &mut VectorFile) {
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
    let set = |network| good(&key().constrained(within(&[network])));
    let one = |entry: Vec<u8>| constraint_bytes(&field(4, &entry));
    file.around(
        stage,
        "32 bits of IPv4",
        [set("10.0.0.2/31"), set("10.0.0.1/32"), one(entry(4, 33, &[10, 0, 0, 1]))],
    );
    file.around(
        stage,
        "128 bits of IPv6",
        [set("2001:db8::2/127"), set("2001:db8::1/128"), one(entry(6, 129, &v6(&[0x20, 1])))],
    );
    file.around(
        stage,
        "96 bits of mapped addresses",
        [
            set("::fffe:0:0/95"),
            one(entry(6, 96, &mapped(&[0; 4]))),
            one(entry(6, 97, &mapped(&[0; 4]))),
        ],
    );
    let text = key().text_of(&key().base(), &[block(&field(4, &entry(4, 31, &[10, 0, 0, 1])))]);
    add(file, stage, "no networks in a block: a bit behind 31 bits", bad(text));
}

pub(super) fn blocks(file: &mut VectorFile) {
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
