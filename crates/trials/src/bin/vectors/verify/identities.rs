//! Rows 4, 5 and 20 at the first and the last tenant, audience and length of a prefix.

use super::{List, Question, Row, allow_fresh, deny, keys, list, usual};
use crate::file::VectorFile;
use crate::head_bytes::{Head, audience};
use crate::key_bytes::{Key, key};
use crate::key_set_bytes::{Entry, KeySet, entry, list_key};

pub(super) fn add(file: &mut VectorFile) {
    swapped_tenants(&mut Row::new(file, 4));
    other_prefixes(&mut Row::new(file, 5));
    tenants_and_audiences(&mut Row::new(file, 20));
    prefixes(&mut Row::new(file, 20));
}

/// A key, and a verifier of this tenant and audience that has a list of its own.
fn asked(key: &Key, tenant: u16, number: u8) -> Question {
    let keys = KeySet { tenant, audience: number, list_key: list_key(number), ..keys() };
    let head = Head { tenant, audiences: vec![audience(number)], ..list().head };
    let list = List { head, keys: None, ..list() };
    Question { keys, list: Some(list), key: key.text(), ..usual() }
}

fn of(tenant: u16, audience: u8) -> Key {
    Key { tenant, audience, ..key() }
}

fn tenants_and_audiences(row: &mut Row<'_>) {
    for tenant in [0, 1, 255, 256, u16::MAX] {
        for audience in [1, 2, 255] {
            let key = of(tenant, audience);
            let question = asked(&key, tenant, audience);
            row.add(format!("tenant {tenant}, audience {audience}"), allow_fresh(&key, question));
        }
    }
    // As many audiences as fit a head; ours is the last.
    let key = of(7, 255);
    let question = asked(&key, 7, 255);
    let audiences = (1..138).chain([255]).map(audience).collect();
    let list =
        question.list.clone().map(|list| List { head: Head { audiences, ..list.head }, ..list });
    row.add("a list for 138 audiences", allow_fresh(&key, Question { list, ..question }));
}

fn swapped_tenants(row: &mut Row<'_>) {
    let reason = "unknown_signing_key";
    for (tenant, ours) in [(1, 256), (256, 1), (255, 65_280), (65_280, 255), (0, 256), (256, 0)] {
        let question = asked(&of(tenant, 2), ours, 2);
        row.add(format!("tenant {tenant}, and ours is {ours}"), deny(reason, question));
    }
    for (number, ours) in [(0, 1), (2, 1), (254, 255), (1, 255), (0, 255)] {
        let question = asked(&of(7, number), 7, ours);
        row.add(format!("audience {number}, and ours is {ours}"), deny(reason, question));
    }
}

/// The usual key set, but for the prefix of its signing key.
fn with(prefix: &str, key: &Key) -> Question {
    let entries = vec![Entry { prefix: prefix.into(), ..entry(1) }];
    Question { keys: KeySet { entries, ..keys() }, key: key.text(), ..usual() }
}

fn prefixes(row: &mut Row<'_>) {
    for prefix in ["wk_test_", "wk_live_", "wky_test_", "examplebran_test_", LONGEST] {
        let key = key().with_prefix(prefix);
        let len = prefix.len();
        row.add(
            format!("a prefix of {len} characters, {prefix}"),
            allow_fresh(&key, with(prefix, &key)),
        );
    }
}

fn other_prefixes(row: &mut Row<'_>) {
    let reason = "prefix_mismatch";
    for (own, presented) in [
        ("wk_test_", "wl_test_"),
        ("wk_test_", "wk_live_"),
        ("wk_test_", "wky_test_"),
        (LONGEST, "examplebrane_test_"),
        (LONGEST, "examplebrand_live_"),
        (LONGEST, "examplebran_test_"),
        ("examplebran_test_", LONGEST),
    ] {
        let question = with(own, &key().with_prefix(presented));
        row.add(format!("{presented} for {own}"), deny(reason, question));
    }
}

const LONGEST: &str = "examplebrand_test_";
