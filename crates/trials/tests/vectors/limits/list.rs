//! FORMAT.md, section 4: states, heads and adopting them.

use super::Limit;

pub(crate) const LIST: &[Limit] = &[
    ("`format version u8 (01)", "state.json", &["format version 1"]),
    ("⌈bit count ÷ 8⌉ bytes", "state.json", &["8 bits in 1 byte", "9 bits in 2 bytes"]),
    (
        "floor + bit count ≤ 2³²",
        "state.json",
        &["8 bits up to the last index", "1 bit at the last index"],
    ),
    ("An index **below the floor is dead**", "verify.json", &["the floor", "a dead bit alone"]),
    (
        "one at or past floor + bit count is **alive**",
        "verify.json",
        &["a last bit within its byte"],
    ),
    (
        "number n stands for status index floor + n",
        "verify.json",
        &[
            "a dead bit at place 1",
            "a dead bit at place 6",
            "a dead bit at place 7",
            "a dead bit at place 8",
            "a dead bit at place 9",
            "a dead bit at place 15",
            "a bit alive at place 1",
            "a bit alive at place 7",
            "a bit alive at place 8",
            "a bit alive at place 14",
        ],
    ),
    (
        "*chunks* of 4096 bytes (32,768 indexes)",
        "verify.json",
        &["the last bit of a chunk", "the first bit of a second chunk"],
    ),
    (
        "At most **4096 bytes**",
        "head.json",
        &[
            "4096 bytes",
            "138 audiences, ours the last",
            "1,330 changes, the most that fit",
            "3,987 places in a change, the most that fit",
        ],
    ),
    ("then a tag of 16 bytes for each audience", "head.json", &["16 bytes of tag"]),
    ("| format version | u8 | `01` |", "head.json", &["format version 1"]),
    (
        "after issued-at, by at most 3,600,000",
        "head.json",
        &["not-after as issued-at", "3,600,000 ms from issued-at to not-after"],
    ),
    (
        "strictly ascending, none 0",
        "head.json",
        &["a first audience of 1", "a second audience that is the first"],
    ),
    ("strictly ascending as pairs", "head.json", &["a second dead signing key that is the first"]),
    (
        "neither is 0",
        "head.json",
        &["a dead signing key of audience 1", "a dead signing key of epoch 1"],
    ),
    ("| step | var, ≥ 1 |", "head.json", &["a step of 1"]),
    ("its index less the one before, ≥ 1", "head.json", &["a second place behind the first by 1"]),
    ("the last one is the head's own", "head.json", &["a last change of the head's own sequence"]),
    ("where a sequence would pass 2⁶⁴ − 1", "head.json", &["the last sequence"]),
    (
        "× 32,768 pass 2³² − 1",
        "head.json",
        &["a rise of 131,071 chunks", "rises of 131,071 chunks together"],
    ),
    ("or where a place does", "head.json", &["the last place", "the last place behind another"]),
    (
        "where the floor, an index (floor + place) or the bit count would pass 2³² − 1",
        "adopt.json",
        &["a place at the last index", "the last rise of this floor"],
    ),
    (
        "over 256 chunks more than it began",
        "adopt.json",
        &[
            "256 chunks more than no chunk",
            "256 chunks more than one chunk",
            "256 chunks more than two chunks",
        ],
    ),
    ("The head's issued-at > now + max-skew", "adopt.json", &["a clock that is max-skew behind"]),
    (
        "(sequence, issued-at) is not greater",
        "adopt.json",
        &["the sequence in force", "the issued-at in force, of the same sequence"],
    ),
    (
        "is *from* or that of one of the changes",
        "adopt.json",
        &["the sequence that the changes are from", "the sequence of a change in the middle"],
    ),
];
