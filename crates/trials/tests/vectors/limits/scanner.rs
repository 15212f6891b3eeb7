//! FORMAT.md, section 6: what scanners find.

use super::Limit;

pub(crate) const SCANNER: &[Limit] = &[
    (
        "(?:[a-z][a-z0-9]{1,11})_",
        "scan.json",
        &["a brand of 2 characters", "a brand of 12 characters"],
    ),
    ("_A[Q-Za-v]", "scan.json", &["Q, the first second character", "v, the last second character"]),
    (
        "[A-Za-z0-9_-]{30,502}",
        "scan.json",
        &[
            "32 characters behind the prefix",
            "504 characters behind the shortest prefix, the longest key",
        ],
    ),
    (
        "at least 66 characters behind its prefix",
        "scan.json",
        &["66 characters behind the prefix, the shortest key"],
    ),
    (
        "wkboot_[0-9]{1,5}_",
        "scan.json",
        &["a token's tenant of 1 digit", "a token's tenant of 5 digits"],
    ),
    (
        "_[0-9]{1,10}_",
        "scan.json",
        &["a token's second of 1 digit", "a token's second of 10 digits"],
    ),
    (
        "_[A-Za-z0-9_-]{8,43}",
        "scan.json",
        &["a token's random part of 8 characters", "a token's random part of 43 characters"],
    ),
];
