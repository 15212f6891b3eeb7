//! FORMAT.md, section 3: the key set.

use super::Limit;

pub(crate) const KEY_SET: &[Limit] = &[
    ("| format version | u8 | `01` |", "key_set.json", &["format version 1"]),
    ("not 0: there is no key set of the administration", "key_set.json", &["audience 1"]),
    (
        "fresh-for ≤ high ≤ standard ≤ low",
        "key_set.json",
        &["fresh-for as long as high", "high as long as standard", "standard as long as low"],
    ),
    (
        "at most 5,000, 30,000, 300,000 and 3,600,000",
        "key_set.json",
        &[
            "fresh-for of 5,000 ms",
            "high of 30,000 ms",
            "standard of 300,000 ms",
            "low of 3,600,000 ms",
        ],
    ),
    ("milliseconds, at most 60,000", "key_set.json", &["max-skew of 60,000 ms"]),
    ("1 to 8 signing keys", "key_set.json", &["1 signing key", "8 signing keys"]),
    ("epochs strictly ascending", "key_set.json", &["epoch 1", "a second epoch that is the first"]),
    (
        "8 to 18 characters",
        "key_set.json",
        &["a prefix of 8 characters", "a prefix of 18 characters"],
    ),
    ("1 to 256 scopes", "key_set.json", &["1 scope", "256 scopes"]),
    ("numbers strictly ascending", "key_set.json", &["a second scope that is the first"]),
    ("2 high, 3 strict", "key_set.json", &["risk level 3"]),
    (
        "3 to 64 bytes, `resource:action`",
        "key_set.json",
        &["a scope's name of 3 characters", "a scope's name of 64 characters"],
    ),
];
