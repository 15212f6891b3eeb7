//! FORMAT.md, section 5: the decision.

use super::Limit;

pub(crate) const DECISION: &[Limit] = &[
    (
        "it was built from another key-set version",
        "verify.json",
        &["a requirement of the key set's version"],
    ),
    (
        "`no_key_set` if the list's least key-set version is above the key set's",
        "verify.json",
        &["a least version that is the key set's, and an unknown signing key"],
    ),
    (
        "| 7 | the list's least key-set version is above the key set's |",
        "verify.json",
        &["a least version that is the key set's"],
    ),
    (
        "mint-from ≤ issued-at ≤ mint-until and the base's expires-at ≤ verify-until",
        "verify.json",
        &["issued at mint-from", "issued at mint-until", "expires at verify-until"],
    ),
    ("the list's issued-at > now + max-skew", "verify.json", &["a list that is max-skew ahead"]),
    (
        "issued-at × 1000 > now′ + max-skew",
        "verify.json",
        &[
            "a key that is max-skew ahead",
            "a key that is max-skew ahead, by a list",
            "a key that is max-skew ahead of a list that is ahead of the clock",
            "a key of 1970's sixth second, and a clock at 0",
            "a key of the last minute that is max-skew ahead",
            "a key that is ahead by a max-skew of 0 ms",
            "a key that is ahead by a max-skew of 1 ms",
            "a key that is ahead by a max-skew of 60000 ms",
        ],
    ),
    (
        "now′ ≥ earliest expires-at of base and blocks × 1000",
        "verify.json",
        &[
            "the base's expiry",
            "a block's expiry",
            "the first of two blocks' expiry",
            "the last of two blocks' expiry",
            "the base's expiry, and a later one of a block",
            "an expiry by a list that is ahead of the clock",
            "an expiry in the last second",
            "an expiry in 1970's second minute",
        ],
    ),
    (
        "now′ < latest not-before of base and blocks × 1000",
        "verify.json",
        &[
            "the base's not-before",
            "a block's not-before",
            "the first of two blocks' not-before",
            "the last of two blocks' not-before",
            "the base's not-before, and an earlier one of a block",
            "a block's not-before, and an earlier one of the base",
            "a not-before by a list that is ahead of the clock",
            "a key that is never valid",
        ],
    ),
    (
        "*fresh* if age ≤ fresh-for",
        "verify.json",
        &[
            "an age of fresh-for",
            "an age of fresh-for, after a refresh",
            "a tighter fresh-for",
            "bounds of 0, after a refresh",
            "bounds that are one, so that a refresh does not help",
            "strict, dead in a list at the age of fresh-for",
        ],
    ),
    (
        "*must ask* if age ≤ the level's bound (high, standard, low)",
        "verify.json",
        &[
            "the bound of invoice:write, after a refresh",
            "the bound of invoice:read, after a refresh",
            "the bound of invoice:list, after a refresh",
            "a tighter bound, after a refresh",
        ],
    ),
    (
        "the strictest of **all** scopes it names",
        "verify.json",
        &[
            "the bound of any of low and standard, after a refresh",
            "the bound of any of standard and high, after a refresh",
            "the bound of all of high and low, after a refresh",
            "the bound of any of low and low, after a refresh",
        ],
    ),
    (
        "*stale* if now′ > not-after",
        "verify.json",
        &[
            "a not-after within fresh-for",
            "a not-after within the bound, after a refresh",
            "strict, dead in a list that ends within fresh-for",
        ],
    ),
    (
        "issued-at ≤ the tenant's or the audience's cut-off",
        "verify.json",
        &[
            "a cut-off of the tenant when the key was issued",
            "a cut-off of the audience when the key was issued",
        ],
    ),
    (
        "the signing key is dead in the head",
        "verify.json",
        &["the dead signing key's epoch", "the dead signing key's audience"],
    ),
    (
        "asked at most 5,000 ms before now and not after it",
        "verify.json",
        &[
            "asked 5,000 ms ago",
            "asked 5,000 ms ago by a clock that is behind the list",
            "asked now",
        ],
    ),
];
