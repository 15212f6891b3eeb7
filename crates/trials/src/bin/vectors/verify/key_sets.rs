//! Rows 7 and 8: whether the key set is new enough to judge the key, and its signing key was allowed to sign it.

use super::{
    NOW, Question, Row, SECOND, about, all_of, allow_fresh, ask_refresh, deny, keys, list_at,
    list_of_audience_3_wanting, list_telling, list_wanting, usual,
};
use crate::file::VectorFile;
use crate::key_bytes::{EXPIRES, ISSUED, Key, key, until};
use crate::key_set_bytes::{Entry, KeySet, entry};

pub(super) fn add(file: &mut VectorFile) {
    old_key_set(&mut Row::new(file, 7));
    windows(&mut Row::new(file, 8));
}

fn old_key_set(row: &mut Row<'_>) {
    let reason = "no_key_set";
    let asked = |list| usual().with(list);
    row.around(
        "a least version that is the key set's",
        [
            allow_fresh(&key(), asked(list_wanting(2))),
            allow_fresh(&key(), asked(list_wanting(3))),
            deny(reason, asked(list_wanting(4))),
        ],
    );
    row.add("the last least version", deny(reason, asked(list_wanting(u32::MAX))));
    let newest = list_telling(|head| head.telling(|own| own.current = u32::MAX));
    row.add("a newer current version", allow_fresh(&key(), asked(newest)));
    row.add(
        "another audience's list wants a newer key set",
        ask_refresh(asked(list_of_audience_3_wanting(9))),
    );
    let outside = Key { issued: ISSUED - 3_601, ..key() };
    row.add("outside the window, too", deny(reason, about(&outside).with(list_wanting(4))));
    let expired = Key { expires: SECOND, ..key() };
    row.add("expired, too", deny(reason, about(&expired).with(list_wanting(4))));
    row.add("the clock is behind, too", deny(reason, asked(list_wanting(4)).at(0)));
    row.add(
        "for a strict scope, too",
        deny(reason, asked(list_wanting(4)).requiring(all_of(&["invoice:void"]))),
    );
    row.add("the list is stale, too", deny(reason, asked(list_wanting(4)).at(NOW + 3_600_001)));
}

fn windows(row: &mut Row<'_>) {
    let reason = "outside_window";
    let issued = |issued| Key { issued, ..key() };
    let keys_of = |issued| (key_of(issued), about(&key_of(issued)));
    let good = |(key, question): (Key, Question)| allow_fresh(&key, question);
    row.around(
        "issued at mint-from",
        [
            deny(reason, about(&issued(ISSUED - 3_601))),
            good(keys_of(ISSUED - 3_600)),
            good(keys_of(ISSUED - 3_599)),
        ],
    );
    // Later, so that such a key is not from ahead of the clock.
    let now = u64::from(ISSUED + 4_000) * 1_000;
    let later = |(key, question): (Key, Question)| (key, question.with(list_at(now)).at(now));
    row.around(
        "issued at mint-until",
        [
            good(later(keys_of(ISSUED + 3_599))),
            good(later(keys_of(ISSUED + 3_600))),
            deny(reason, later(keys_of(ISSUED + 3_601)).1),
        ],
    );
    let expiring = |expires| {
        let key = Key { expires, ..key() };
        (key.clone(), about(&key))
    };
    row.around(
        "expires at verify-until",
        [
            good(expiring(ISSUED + 86_399)),
            good(expiring(ISSUED + 86_400)),
            deny(reason, expiring(ISSUED + 86_401).1),
        ],
    );
    let narrowed = Key { expires: ISSUED + 86_401, ..key() }.narrowed(until(EXPIRES));
    row.add("expires past verify-until, but for a block", deny(reason, about(&narrowed)));
    let with = |mint_from, mint_until, verify_until| {
        let entries = vec![Entry { mint_from, mint_until, verify_until, ..entry(1) }];
        usual().under(KeySet { entries, ..keys() })
    };
    row.add("a window of one second", allow_fresh(&key(), with(ISSUED, ISSUED, EXPIRES)));
    row.add(
        "a window that ends before it begins",
        deny(reason, with(ISSUED + 1, ISSUED - 1, EXPIRES)),
    );
    row.add("a window that holds nothing", deny(reason, with(u32::MAX, 0, 0)));
    row.add("a window without an end of its keys", deny(reason, with(0, u32::MAX, 0)));
    let expired = Key { issued: ISSUED - 3_601, expires: SECOND, ..key() };
    row.add("outside the window, and expired", deny(reason, about(&expired)));
    row.add("outside the window, and the clock is behind", deny(reason, about(&expired).at(0)));
    row.add("outside the window, and no list", deny(reason, about(&expired).without_list()));
}

fn key_of(issued: u32) -> Key {
    Key { issued, ..key() }
}
