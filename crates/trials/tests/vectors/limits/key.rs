//! FORMAT.md, section 2: the key.

use super::Limit;

pub(crate) const KEY: &[Limit] = &[
    ("at most **512 characters**", "key.json", &["512 characters"]),
    ("at most **512 characters**", "mint_narrow.json", &["narrow to 512 characters"]),
    (
        "at most **512 characters**",
        "verify.json",
        &["the longest base, narrowed to 512 characters"],
    ),
    ("(2 to 12 characters)", "key.json", &["a brand of 2 characters", "a brand of 12 characters"]),
    (
        "(2 to 12 characters)",
        "mint_narrow.json",
        &["mint with a brand of 2 characters", "mint with a brand of 12 characters"],
    ),
    ("| version | 1 | `01`.", "key.json", &["version 1"]),
    ("| tenant | u16 |", "mint_narrow.json", &["mint the last tenant"]),
    ("| audience | u8 |", "mint_narrow.json", &["mint the last audience"]),
    ("| epoch | u8 | 1 to 255", "key.json", &["epoch 1"]),
    ("| epoch | u8 | 1 to 255", "mint_narrow.json", &["mint epoch 1", "mint the last epoch"]),
    ("| status index | u32 |", "mint_narrow.json", &["mint the last status_index"]),
    (
        "at least issued-at + 60 (in exact arithmetic)",
        "key.json",
        &["a life of 60 s", "a life of 60 s from 1970 on", "issued 60 s before the last second"],
    ),
    (
        "at least issued-at + 60 (in exact arithmetic)",
        "mint_narrow.json",
        &["mint a life of 60 s", "mint 60 s before the last second", "mint the last expires_at"],
    ),
    (
        "bits 0–5: n, 1 to 63",
        "key.json",
        &["a subject of 1 character", "a subject of 63 characters"],
    ),
    (
        "bits 0–5: n, 1 to 63",
        "mint_narrow.json",
        &["mint a subject of 1 character", "mint a subject of 63 characters"],
    ),
    ("m, 1 to 32", "key.json", &["scopes of 1 byte", "scopes of 32 bytes"]),
    ("scope numbers 0 to 255", "mint_narrow.json", &["mint scope 0", "mint scope 255"]),
    (
        "c, 1 to 128",
        "key.json",
        &["constraints of 128 bytes", "constraints of 128 bytes of networks"],
    ),
    (
        "c, 1 to 128",
        "mint_narrow.json",
        &["mint constraints of 128 bytes", "mint constraints of 128 bytes of networks"],
    ),
    ("29 to 251 bytes", "key.json", &["a base of 29 bytes", "a base of 251 bytes"]),
    ("29 to 251 bytes", "mint_narrow.json", &["mint a base of 251 bytes"]),
    (
        "| 1 | scopes: 1 to 32 bytes",
        "key.json",
        &[
            "scopes of 1 byte in a block",
            "scopes of 32 bytes in a block",
            "type 1, the first in a block",
        ],
    ),
    ("| 2 | expires-at: u32 | blocks |", "key.json", &["an expiry of 4 bytes"]),
    (
        "| 3 | not-before: u32 | base, blocks |",
        "key.json",
        &["a not-before of 4 bytes", "type 3, the first in the base"],
    ),
    (
        "| 4 | networks: entries, at least one | base, blocks |",
        "key.json",
        &["type 4, the last in the base", "type 4, the last in a block"],
    ),
    ("(0–32 or 0–128)", "key.json", &["32 bits of IPv4", "128 bits of IPv6"]),
    ("prefix length of 96 or more", "key.json", &["96 bits of mapped addresses"]),
    ("length u8 (1 to 64)", "key.json", &["a block of 64 bytes"]),
    (
        "length u8 (1 to 64)",
        "mint_narrow.json",
        &["narrow by 64 bytes", "narrow to 10 networks, the most that fit a block"],
    ),
    ("at most **4** blocks", "key.json", &["4 blocks"]),
    ("at most **4** blocks", "mint_narrow.json", &["narrow to 4 blocks"]),
    ("a payload of fewer than 49 bytes", "key.json", &["a payload of 49 bytes"]),
];
