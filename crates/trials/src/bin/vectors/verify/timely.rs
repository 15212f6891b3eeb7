//! Rows 9 to 12: clocks, and the key's own times.

use super::{
    List, NOW, Question, Row, SECOND, about, all_of, allow, allow_fresh, ask_refresh, deny, keys,
    list, list_at, list_of_audience_3, usual, wide_keys,
};
use crate::file::VectorFile;
use crate::head_bytes::Head;
use crate::key_bytes::{Fields, ISSUED, Key, from, key, only, until};
use crate::key_set_bytes::KeySet;

pub(super) fn add(file: &mut VectorFile) {
    list_ahead(&mut Row::new(file, 9));
    key_ahead(&mut Row::new(file, 10));
    expired(&mut Row::new(file, 11));
    not_yet_valid(&mut Row::new(file, 12));
}

/// The first millisecond of a second.
fn ms(second: u32) -> u64 {
    u64::from(second) * 1_000
}

/// A question under windows that hold every key, without a list.
fn anywhen(key: &Key) -> Question {
    about(key).under(wide_keys()).without_list()
}

fn list_ahead(row: &mut Row<'_>) {
    let reason = "clock_behind";
    row.around(
        "a list that is max-skew ahead",
        [
            deny(reason, usual().at(NOW - 5_001)),
            allow_fresh(&key(), usual().at(NOW - 5_000)),
            allow_fresh(&key(), usual().at(NOW - 4_999)),
        ],
    );
    row.add("a list 1 ms ahead", allow_fresh(&key(), usual().at(NOW - 1)));
    row.add("a list 1 ms old", allow(&key(), "fresh", 1, usual().at(NOW + 1)));
    for max_skew in [0, 1, 60_000] {
        let question = |before| {
            let keys = KeySet { max_skew, ..keys() };
            usual().under(keys).at(NOW - u64::from(max_skew) - before)
        };
        row.add(
            format!("max-skew {max_skew}, and as much ahead"),
            allow_fresh(&key(), question(0)),
        );
        row.add(format!("max-skew {max_skew}, and 1 ms more ahead"), deny(reason, question(1)));
    }
    row.add("a clock at 0", deny(reason, usual().at(0)));
    row.add("a clock at 0, after a refresh", deny(reason, usual().at(0).after_refresh()));
    let strict = usual().requiring(all_of(&["invoice:void"]));
    row.add("a clock at 0, for a strict scope", deny(reason, strict.at(0)));
    let last = || {
        let head = Head { not_after: u64::MAX, ..list().head.at(u64::MAX - 1) };
        usual().with(List { head, ..list() })
    };
    // In time, the key has long expired.
    row.around(
        "a list of the last millisecond but one, and a clock max-skew behind",
        [
            deny(reason, last().at(u64::MAX - 5_002)),
            deny("expired", last().at(u64::MAX - 5_001)),
            deny("expired", last().at(u64::MAX - 5_000)),
        ],
    );
    row.add("a sum that would pass 64 bits", deny("expired", last().at(u64::MAX)));
    let expired = Key { expires: SECOND - 9, ..key() };
    row.add(
        "the clock is behind, and the key has expired by the list",
        deny(reason, about(&expired).at(NOW - 5_001)),
    );
    let theirs = usual().with(list_of_audience_3());
    row.add("another audience's list is ahead", ask_refresh(theirs.at(NOW - 5_001)));
}

fn key_ahead(row: &mut Row<'_>) {
    let reason = "clock_behind";
    let without = |now| usual().without_list().at(now);
    row.around(
        "a key that is max-skew ahead",
        [
            deny(reason, without(ms(ISSUED) - 5_001)),
            ask_refresh(without(ms(ISSUED) - 5_000)),
            ask_refresh(without(ms(ISSUED) - 4_999)),
        ],
    );
    let soon = Key { issued: SECOND + 6, ..key() };
    row.around(
        "a key that is max-skew ahead, by a list",
        [
            deny(reason, about(&soon).at(NOW + 999)),
            allow(&soon, "fresh", 1_000, about(&soon).at(NOW + 1_000)),
            allow(&soon, "fresh", 1_001, about(&soon).at(NOW + 1_001)),
        ],
    );
    // The list is later than the clock, and it is its time that counts.
    let of = |issued| Key { issued, ..key() };
    row.around(
        "a key that is max-skew ahead of a list that is ahead of the clock",
        [
            allow_fresh(&of(SECOND + 4), about(&of(SECOND + 4)).at(NOW - 5_000)),
            allow_fresh(&of(SECOND + 5), about(&of(SECOND + 5)).at(NOW - 5_000)),
            deny(reason, about(&of(SECOND + 6)).at(NOW - 5_000)),
        ],
    );
    let early = |issued| Key { issued, expires: 7_200, ..key() };
    row.around(
        "a key of 1970's sixth second, and a clock at 0",
        [
            ask_refresh(anywhen(&early(4)).at(0)),
            ask_refresh(anywhen(&early(5)).at(0)),
            deny(reason, anywhen(&early(6)).at(0)),
        ],
    );
    let late = Key { issued: u32::MAX - 60, expires: u32::MAX, ..key() };
    row.around(
        "a key of the last minute that is max-skew ahead",
        [
            deny(reason, anywhen(&late).at(ms(u32::MAX - 60) - 5_001)),
            ask_refresh(anywhen(&late).at(ms(u32::MAX - 60) - 5_000)),
            ask_refresh(anywhen(&late).at(ms(u32::MAX - 60) - 4_999)),
        ],
    );
    // Of a list that has just been made: nothing is ahead but the key.
    for max_skew in [0, 1, 60_000] {
        let at = |now| usual().under(KeySet { max_skew, ..keys() }).with(list_at(now)).at(now);
        let bound = ms(ISSUED) - u64::from(max_skew);
        row.around(
            &format!("a key that is ahead by a max-skew of {max_skew} ms"),
            [
                deny(reason, at(bound - 1)),
                allow_fresh(&key(), at(bound)),
                allow_fresh(&key(), at(bound + 1)),
            ],
        );
    }
    let strict = anywhen(&key()).requiring(all_of(&["invoice:void"]));
    row.add("a key ahead, for a strict scope", deny(reason, strict.at(0)));
    row.add("a key ahead, at 0", deny(reason, without(0)));
    let narrowed = soon.narrowed(until(SECOND));
    row.add("a key ahead that a block has let expire", deny(reason, about(&narrowed)));
}

fn expired(row: &mut Row<'_>) {
    let reason = "expired";
    // Each of these is dead from SECOND + 2 on.
    let end = SECOND + 2;
    for (name, key) in [
        ("the base's expiry", Key { expires: end, ..key() }),
        ("a block's expiry", key().narrowed(until(end))),
        ("the first of two blocks' expiry", key().narrowed(until(end)).narrowed(until(end + 1))),
        ("the last of two blocks' expiry", key().narrowed(until(u32::MAX)).narrowed(until(end))),
        (
            "the base's expiry, and a later one of a block",
            Key { expires: end, ..key() }.narrowed(until(end + 1)),
        ),
    ] {
        let at = |now| about(&key).at(now);
        row.around(
            name,
            [
                allow(&key, "fresh", 1_999, at(NOW + 1_999)),
                deny(reason, at(NOW + 2_000)),
                deny(reason, at(NOW + 2_001)),
            ],
        );
    }
    // Now is before it, and the list that was made later is not.
    let ending = |expires| about(&Key { expires, ..key() }).at(NOW - 4_000);
    row.around(
        "an expiry by a list that is ahead of the clock",
        [
            deny(reason, ending(SECOND - 1)),
            deny(reason, ending(SECOND)),
            allow_fresh(&Key { expires: SECOND + 1, ..key() }, ending(SECOND + 1)),
        ],
    );
    let last = Key { expires: u32::MAX, ..key() };
    row.around(
        "an expiry in the last second",
        [
            ask_refresh(anywhen(&last).at(ms(u32::MAX) - 1)),
            deny(reason, anywhen(&last).at(ms(u32::MAX))),
            deny(reason, anywhen(&last).at(ms(u32::MAX) + 1)),
        ],
    );
    let first = Key { issued: 0, expires: 60, ..key() };
    row.around(
        "an expiry in 1970's second minute",
        [
            ask_refresh(anywhen(&first).at(59_999)),
            deny(reason, anywhen(&first).at(60_000)),
            deny(reason, anywhen(&first).at(60_001)),
        ],
    );
    for now in [u64::MAX - 1, u64::MAX] {
        row.add(format!("a clock at {now}"), deny(reason, usual().at(now)));
        row.add(
            format!("a clock at {now}, and no list"),
            deny(reason, usual().without_list().at(now)),
        );
    }
    row.add("a block until 0", deny(reason, about(&key().narrowed(until(0)))));
    row.add(
        "a block until the key was issued",
        deny(reason, about(&key().narrowed(until(ISSUED)))),
    );
    let never = Key { expires: SECOND, ..key() }.constrained(from(u32::MAX));
    row.add("expired, and not yet valid", deny(reason, about(&never)));
    row.add("expired, and no list", deny(reason, about(&never).without_list()));
    row.add("expired, and the list is stale", deny(reason, about(&never).at(NOW + 3_600_001)));
    let dead = Key { expires: SECOND, index: 801, ..key() };
    row.add("expired, and dead", deny(reason, about(&dead)));
    let strict = about(&dead).requiring(all_of(&["invoice:void"]));
    row.add("expired, for a strict scope", deny(reason, strict));
}

fn not_yet_valid(row: &mut Row<'_>) {
    let reason = "not_yet_valid";
    let start = SECOND + 2;
    for (name, key) in [
        ("the base's not-before", key().constrained(from(start))),
        ("a block's not-before", key().narrowed(from(start))),
        ("the first of two blocks' not-before", key().narrowed(from(start)).narrowed(from(0))),
        (
            "the last of two blocks' not-before",
            key().narrowed(from(start - 1)).narrowed(from(start)),
        ),
        (
            "the base's not-before, and an earlier one of a block",
            key().constrained(from(start)).narrowed(from(start - 1)),
        ),
        (
            "a block's not-before, and an earlier one of the base",
            key().constrained(from(start - 1)).narrowed(from(start)),
        ),
    ] {
        let at = |now| about(&key).at(now);
        row.around(
            name,
            [
                deny(reason, at(NOW + 1_999)),
                allow(&key, "fresh", 2_000, at(NOW + 2_000)),
                allow(&key, "fresh", 2_001, at(NOW + 2_001)),
            ],
        );
    }
    let starting = |second| key().constrained(from(second));
    row.around(
        "a not-before by a list that is ahead of the clock",
        [
            allow_fresh(&starting(SECOND - 1), about(&starting(SECOND - 1)).at(NOW - 4_000)),
            allow_fresh(&starting(SECOND), about(&starting(SECOND)).at(NOW - 4_000)),
            deny(reason, about(&starting(SECOND + 1)).at(NOW - 4_000)),
        ],
    );
    row.add("a not-before of 0", allow_fresh(&starting(0), about(&starting(0))));
    row.add("a not-before of the last second", deny(reason, about(&starting(u32::MAX))));
    let never = Fields { not_before: Some(start), expires_at: Some(start), ..only(&[0]) };
    let never = key().narrowed(never);
    row.around(
        "a key that is never valid",
        [
            deny(reason, about(&never).at(NOW + 1_999)),
            deny("expired", about(&never).at(NOW + 2_000)),
            deny("expired", about(&never).at(NOW + 2_001)),
        ],
    );
    row.add("not yet valid, and no list", deny(reason, about(&starting(u32::MAX)).without_list()));
    let dead = Key { index: 801, ..starting(u32::MAX) };
    row.add("not yet valid, and dead", deny(reason, about(&dead)));
    // In 1970's first moments, when the clock is at 0.
    let born = Key { issued: 1, expires: 61, ..key() };
    let asked = |key: &Key| about(key).under(wide_keys()).with(list_at(0)).at(0);
    row.add("everything at 0", allow_fresh(&born, asked(&born)));
    let later = born.constrained(from(1));
    row.add("everything at 0, but a not-before of 1", deny(reason, asked(&later)));
}
