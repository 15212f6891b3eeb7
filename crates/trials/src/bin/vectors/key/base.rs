//! The base (2.2), but for its constraints.

use super::{add, bad, good};
use crate::file::VectorFile;
use crate::key_bytes::{ISSUED, Key, key, long_base};
use crate::spelling::sized;

pub(super) fn numbers(file: &mut VectorFile) {
    let stage = "2.2";
    let rest: Vec<u8> = key().base().iter().skip(25).copied().collect();
    let of = |version| bad(key().text_of(&[key().front(version), rest.clone()].concat(), &[]));
    file.around(stage, "version 1", [of(0), good(&key()), of(2)]);
    for version in [3, 0x80, 255] {
        add(file, stage, &format!("version {version}"), of(version));
    }
    for tenant in [0, 1, 255, 256, u16::MAX] {
        add(file, stage, &format!("tenant {tenant}"), good(&Key { tenant, ..key() }));
    }
    for audience in [0, 1, 255] {
        add(file, stage, &format!("audience {audience}"), good(&Key { audience, ..key() }));
    }
    let of = |epoch| Key { epoch, ..key() };
    file.around(stage, "epoch 1", [bad(of(0).text()), good(&of(1)), good(&of(2))]);
    add(file, stage, "epoch 255", good(&of(255)));
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

pub(super) fn subjects_and_scopes(file: &mut VectorFile) {
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

/// The base as a whole: 29 to 251 bytes.
pub(super) fn lengths(file: &mut VectorFile) {
    let least = |subject: &str| Key { subject: subject.into(), scopes: vec![0], ..key() };
    let front = key().front(1);
    let too_short = key().text_of(&[front.as_slice(), &[1, b'a', 0]].concat(), &[]);
    file.around(
        "2.2",
        "a base of 29 bytes",
        [bad(too_short), good(&least("a")), good(&least("ab"))],
    );
    let longest = long_base(251);
    // A byte more has no room but in scopes of 33 bytes.
    let constraints = sized(&longest.constraints.bytes());
    let subject = [&[0x80 | 63], longest.subject.as_bytes()].concat();
    let too_long = [front, subject, sized(&[1; 33]), constraints].concat();
    file.around(
        "2.2",
        "a base of 251 bytes",
        [good(&long_base(250)), good(&longest), bad(longest.text_of(&too_long, &[]))],
    );
}
