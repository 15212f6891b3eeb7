//! Rows 13 and 14: whether the list is fresh enough, and whether it says that the key is dead.

use serde_json::json;

use super::{
    List, NOW, Question, Row, about, all_of, allow, allow_fresh, any_of, ask_refresh, ask_registry,
    bent, deny, keys, list, list_at, list_of, list_of_audience_3, list_telling, usual, wide_keys,
};
use crate::file::VectorFile;
use crate::head_bytes::{Head, audience};
use crate::key_bytes::{ISSUED, Key, key};
use crate::key_set_bytes::{KeySet, signing_key};
use crate::state::State;

pub(super) fn add(file: &mut VectorFile) {
    zones(&mut Row::new(file, 13));
    levels(&mut Row::new(file, 13));
    no_list(&mut Row::new(file, 13));
    indexes(&mut Row::new(file, 14));
    cut_offs(&mut Row::new(file, 14));
    dead_signing_keys(&mut Row::new(file, 14));
    dead_for_strict_scopes(&mut Row::new(file, 14));
}

const LEVELS: [(&str, u64); 3] =
    [("invoice:write", 30_000), ("invoice:read", 300_000), ("invoice:list", 3_600_000)];

/// The usual question at this age of the list, after a refresh that failed.
fn aged(age_ms: u64) -> Question {
    usual().at(NOW + age_ms).after_refresh()
}

fn zones(row: &mut Row<'_>) {
    let reason = "list_stale";
    let untried = |age| usual().at(NOW + age);
    row.around(
        "an age of fresh-for",
        [
            allow(&key(), "fresh", 4_999, untried(4_999)),
            allow(&key(), "fresh", 5_000, untried(5_000)),
            ask_refresh(untried(5_001)),
        ],
    );
    row.around(
        "an age of fresh-for, after a refresh",
        [
            allow(&key(), "fresh", 4_999, aged(4_999)),
            allow(&key(), "fresh", 5_000, aged(5_000)),
            allow(&key(), "must_ask", 5_001, aged(5_001)),
        ],
    );
    for (scope, bound) in LEVELS {
        let required = all_of(&[scope]);
        let after = |age| aged(age).requiring(required.clone());
        row.around(
            &format!("the bound of {scope}, after a refresh"),
            [
                allow(&key(), "must_ask", bound - 1, after(bound - 1)),
                allow(&key(), "must_ask", bound, after(bound)),
                deny(reason, after(bound + 1)),
            ],
        );
        for age in [bound - 1, bound, bound + 1] {
            let question = Question { refresh_failed: false, ..after(age) };
            row.add(format!("{age} ms for {scope}, before a refresh"), ask_refresh(question));
        }
    }
    // The hour of the low level and not-after are one; here not-after is earlier.
    let ending = |not_after| {
        move |question: Question| question.with(list_telling(|head| Head { not_after, ..head }))
    };
    let soon = ending(NOW + 1_000);
    row.around(
        "a not-after within fresh-for",
        [
            allow(&key(), "fresh", 999, soon(usual().at(NOW + 999))),
            allow(&key(), "fresh", 1_000, soon(usual().at(NOW + 1_000))),
            ask_refresh(soon(usual().at(NOW + 1_001))),
        ],
    );
    let later = ending(NOW + 10_000);
    row.around(
        "a not-after within the bound, after a refresh",
        [
            allow(&key(), "must_ask", 9_999, later(aged(9_999))),
            allow(&key(), "must_ask", 10_000, later(aged(10_000))),
            deny(reason, later(aged(10_001))),
        ],
    );
    let with = |bounds, question: Question| question.under(KeySet { bounds, ..keys() });
    let tight = [100, 200, 300, 400];
    row.around(
        "a tighter fresh-for",
        [
            allow(&key(), "fresh", 99, with(tight, untried(99))),
            allow(&key(), "fresh", 100, with(tight, untried(100))),
            ask_refresh(with(tight, untried(101))),
        ],
    );
    row.around(
        "a tighter bound, after a refresh",
        [
            allow(&key(), "must_ask", 399, with(tight, aged(399))),
            allow(&key(), "must_ask", 400, with(tight, aged(400))),
            deny(reason, with(tight, aged(401))),
        ],
    );
    row.around(
        "bounds of 0, after a refresh",
        [
            allow_fresh(&key(), with([0; 4], usual().at(NOW - 1).after_refresh())),
            allow_fresh(&key(), with([0; 4], aged(0))),
            deny(reason, with([0; 4], aged(1))),
        ],
    );
    row.around(
        "bounds that are one, so that a refresh does not help",
        [
            allow(&key(), "fresh", 4_999, with([5_000; 4], aged(4_999))),
            allow(&key(), "fresh", 5_000, with([5_000; 4], aged(5_000))),
            deny(reason, with([5_000; 4], aged(5_001))),
        ],
    );
    row.add("a list ahead of the clock is 0 ms old", allow_fresh(&key(), usual().at(NOW - 3_000)));
    row.add("a list that has just been made, after a refresh", allow_fresh(&key(), aged(0)));
    let dead = about(&Key { index: 801, ..key() });
    row.add("stale, and dead", ask_refresh(dead.clone().at(NOW + 5_001)));
    row.add(
        "stale after a refresh, and dead",
        deny(reason, dead.at(NOW + 3_600_001).after_refresh()),
    );
    let missing = aged(3_600_001).requiring(all_of(&["invoice:print"]));
    row.add("stale after a refresh, and the scope is missing", deny(reason, missing));
    // What the registry says is for strict scopes only.
    let strict = bent(all_of(&["invoice:list"]), "strict", true);
    let revoked = json!({ "asked_at": NOW, "verdict": "revoked", "required": strict });
    let answered = Question { registry: revoked, ..usual() };
    row.add("the registry says no, and was not to be asked", allow_fresh(&key(), answered.clone()));
    row.add("the registry says no, and a refresh is owed", ask_refresh(answered.at(NOW + 5_001)));
    let failed = Question { registry: json!("failed"), ..usual() };
    row.add("the registry did not answer, and was not to be asked", allow_fresh(&key(), failed));
}

/// The level of a requirement is the strictest of all that it names.
fn levels(row: &mut Row<'_>) {
    let reason = "list_stale";
    for (name, required, bound) in [
        ("any of low and standard", any_of(&["invoice:list", "invoice:read"]), 300_000),
        ("any of standard and high", any_of(&["invoice:read", "invoice:write"]), 30_000),
        ("all of high and low", all_of(&["invoice:write", "invoice:list"]), 30_000),
        ("any of low and low", any_of(&["invoice:list", "invoice:print"]), 3_600_000),
    ] {
        let after = |age| aged(age).requiring(required.clone());
        row.around(
            &format!("the bound of {name}, after a refresh"),
            [
                allow(&key(), "must_ask", bound - 1, after(bound - 1)),
                allow(&key(), "must_ask", bound, after(bound)),
                deny(reason, after(bound + 1)),
            ],
        );
    }
    let strict = any_of(&["invoice:list", "invoice:void"]);
    row.add("any of low and strict", ask_registry(usual().requiring(strict)));
}

fn no_list(row: &mut Row<'_>) {
    let both = Head { audiences: vec![audience(2), audience(3)], ..list().head };
    let other_audience = List { head: both, ..list_of_audience_3() };
    let head = Head { tenant: 8, ..list().head };
    let other_tenant = List { head, keys: Some(KeySet { tenant: 8, ..keys() }), ..list() };
    for (name, list) in [
        ("no list", None),
        ("another audience's list", Some(other_audience)),
        ("another tenant's list", Some(other_tenant)),
    ] {
        for (scope, _) in LEVELS {
            let question = Question { list: list.clone(), ..usual() };
            let question = question.requiring(all_of(&[scope]));
            row.add(format!("{name}, for {scope}"), ask_refresh(question.clone()));
            row.add(
                format!("{name} after a refresh, for {scope}"),
                deny("list_stale", question.after_refresh()),
            );
        }
    }
}

/// The usual question about this index, with a list of this state.
fn index_in(state: &State, index: u32) -> (Key, Question) {
    let key = Key { index, ..key() };
    let question = about(&key).with(list_of(list().head, state));
    (key, question)
}

fn indexes(row: &mut Row<'_>) {
    let alive = |state: &State, index| {
        let (key, question) = index_in(state, index);
        allow_fresh(&key, question)
    };
    let dead = |state: &State, index| deny("inactive", index_in(state, index).1);
    let none = State::with_dead(800, 16, &[]);
    row.around("the floor", [dead(&none, 799), alive(&none, 800), alive(&none, 801)]);
    for index in [814, 815, 816] {
        row.add(format!("index {index}, and the last bit is that of 815"), alive(&none, index));
    }
    for place in [1, 6, 7, 8, 9, 15] {
        let one = State::with_dead(800, 16, &[place]);
        let index = 800 + place;
        row.around(
            &format!("a dead bit at place {place}"),
            [alive(&one, index - 1), dead(&one, index), alive(&one, index + 1)],
        );
    }
    for place in [1, 7, 8, 14] {
        let others: Vec<u32> = (0..16).filter(|other| *other != place).collect();
        let one = State::with_dead(800, 16, &others);
        let index = 800 + place;
        row.around(
            &format!("a bit alive at place {place}"),
            [dead(&one, index - 1), alive(&one, index), dead(&one, index + 1)],
        );
    }
    let first = State::with_dead(800, 1, &[0]);
    row.around("a dead bit alone", [dead(&first, 799), dead(&first, 800), alive(&first, 801)]);
    let ten = State::with_dead(800, 10, &[9]);
    row.around("a last bit within its byte", [alive(&ten, 808), dead(&ten, 809), alive(&ten, 810)]);
    let chunks = State::with_dead(0, 32_800, &[32_767]);
    row.file.share("a dead bit at the end of a chunk", chunks.hex());
    row.around(
        "the last bit of a chunk",
        [alive(&chunks, 32_766), dead(&chunks, 32_767), alive(&chunks, 32_768)],
    );
    let chunks = State::with_dead(0, 32_800, &[32_768]);
    row.file.share("a dead bit at the beginning of a chunk", chunks.hex());
    row.around(
        "the first bit of a second chunk",
        [alive(&chunks, 32_767), dead(&chunks, 32_768), alive(&chunks, 32_769)],
    );
    let empty = State::with_dead(0, 0, &[]);
    let ceiling = State::with_dead(u32::MAX, 0, &[]);
    let last = State::with_dead(u32::MAX, 1, &[0]);
    row.add("index 0, and no floor", alive(&empty, 0));
    row.add("the last index, and no floor", alive(&empty, u32::MAX));
    row.add("the last index, at the floor", alive(&ceiling, u32::MAX));
    row.add("the last index but one, below the floor", dead(&ceiling, u32::MAX - 1));
    row.add("index 0, below the last floor", dead(&ceiling, 0));
    row.add("the last index, dead", dead(&last, u32::MAX));
    row.add("the last index, far past the last bit", alive(&none, u32::MAX));
    row.add("index 0, far below the floor", dead(&none, 0));
    let narrowed = Key { index: 801, ..key() }.narrowed(crate::key_bytes::only(&[0]));
    row.add("a narrowed key whose index is dead", deny("inactive", about(&narrowed)));
    let missing = about(&Key { index: 801, ..key() }).requiring(all_of(&["invoice:print"]));
    row.add("dead, and the scope is missing", deny("inactive", missing));
    let elsewhere =
        Key { index: 801, ..key() }.constrained(crate::key_bytes::within(&["10.0.0.0/8"]));
    row.add("dead, and the caller is unknown", deny("inactive", about(&elsewhere)));
}

fn cut_offs(row: &mut Row<'_>) {
    let of_tenant = |cut_off| usual().with(list_telling(|head| Head { cut_off, ..head }));
    let of_audience =
        |cut_off| usual().with(list_telling(|head| head.telling(|own| own.cut_off = cut_off)));
    let dead = |question| deny("inactive", question);
    row.around(
        "a cut-off of the tenant when the key was issued",
        [
            allow_fresh(&key(), of_tenant(ISSUED - 1)),
            dead(of_tenant(ISSUED)),
            dead(of_tenant(ISSUED + 1)),
        ],
    );
    row.around(
        "a cut-off of the audience when the key was issued",
        [
            allow_fresh(&key(), of_audience(ISSUED - 1)),
            dead(of_audience(ISSUED)),
            dead(of_audience(ISSUED + 1)),
        ],
    );
    row.add("the last cut-off of the tenant", dead(of_tenant(u32::MAX)));
    row.add("the last cut-off of the audience", dead(of_audience(u32::MAX)));
    let both = |tenant, audience| {
        usual().with(list_telling(|head| {
            Head { cut_off: tenant, ..head }.telling(|own| own.cut_off = audience)
        }))
    };
    row.add("cut-offs before the key of both", allow_fresh(&key(), both(ISSUED - 1, ISSUED - 1)));
    row.add("an early cut-off of the tenant, a late one of the audience", dead(both(1, ISSUED)));
    row.add("a late cut-off of the tenant, an early one of the audience", dead(both(ISSUED, 1)));
    let theirs = list_telling(|head| {
        let mut other = audience(3);
        other.cut_off = u32::MAX;
        Head { audiences: vec![audience(2), other], ..head }
    });
    row.add("a cut-off of another audience", allow_fresh(&key(), usual().with(theirs)));
    // 0 stands where nothing was cut off.
    let then = |issued| {
        let key = Key { issued, expires: 7_200, ..key() };
        let question = about(&key).under(wide_keys()).with(list_at(1_000_000)).at(1_000_000);
        (key, question)
    };
    let (first, asked) = then(1);
    row.add("a cut-off of 0, and a key of 1970's first second", dead(then(0).1));
    row.add("a cut-off of 0, and a key of 1970's second second", allow_fresh(&first, asked));
    let missing = of_tenant(ISSUED).requiring(all_of(&["invoice:print"]));
    row.add("cut off, and the scope is missing", dead(missing));
}

fn dead_signing_keys(row: &mut Row<'_>) {
    let with =
        |dead: &[(u8, u8)]| usual().with(list_telling(|head| Head { dead: dead.to_vec(), ..head }));
    let third = Key { epoch: 3, signing: signing_key(3), ..key() }.with_prefix("wk_test_");
    row.around(
        "the dead signing key's epoch",
        [
            deny("inactive", with(&[(2, 1)])),
            allow_fresh(&key(), with(&[(2, 2)])),
            allow_fresh(&key(), with(&[(2, 3)])),
        ],
    );
    row.around(
        "the dead signing key's audience",
        [
            allow_fresh(&key(), with(&[(1, 1)])),
            deny("inactive", with(&[(2, 1)])),
            allow_fresh(&key(), with(&[(3, 1)])),
        ],
    );
    // Behind as many others as a byte can count, and one fewer.
    let behind = |count: u8| {
        let others = (1..=count).map(|epoch| (1, epoch));
        with(&others.chain([(2, 1)]).collect::<Vec<_>>())
    };
    for count in [126, 127, 254, 255] {
        row.add(format!("dead behind {count} others"), deny("inactive", behind(count)));
    }
    let others: Vec<(u8, u8)> = (2..=255).map(|epoch| (2, epoch)).collect();
    row.add("every epoch but the key's is dead", allow_fresh(&key(), with(&others)));
    let all: Vec<(u8, u8)> = (1..=255).map(|epoch| (2, epoch)).collect();
    row.add("every epoch is dead", deny("inactive", with(&all)));
    let of_third = |dead: &[(u8, u8)]| Question { key: third.text(), ..with(dead) };
    row.add("epoch 3, which is dead", deny("inactive", of_third(&[(2, 3)])));
    row.add("epoch 3, and epoch 1 is dead", allow_fresh(&third, of_third(&[(2, 1)])));
}

/// For strict scopes a list of any age can deny, and none is needed; an old one is renewed before it does.
fn dead_for_strict_scopes(row: &mut Row<'_>) {
    let strict = |question: Question| question.requiring(all_of(&["invoice:void"]));
    let dead = || strict(about(&Key { index: 801, ..key() }));
    let inactive = |question| deny("inactive", question);
    let at = |age| dead().at(NOW + age);
    row.around(
        "strict, dead in a list at the age of fresh-for",
        [inactive(at(4_999)), inactive(at(5_000)), ask_refresh(at(5_001))],
    );
    for (name, age) in [
        ("fresh", 0),
        ("that a refresh is owed for", 5_001),
        ("that is stale", 30_001),
        ("past its not-after", 3_600_001),
    ] {
        row.add(
            format!("strict, dead in a list {name}, after a refresh"),
            inactive(at(age).after_refresh()),
        );
    }
    row.add("strict, dead in a list that is stale", ask_refresh(at(30_001)));
    row.add("strict, dead in a list past its not-after", ask_refresh(at(3_600_001)));
    let soon = list_telling(|head| Head { not_after: NOW + 1_000, ..head });
    let ending = |age| dead().with(soon.clone()).at(NOW + age);
    row.around(
        "strict, dead in a list that ends within fresh-for",
        [inactive(ending(999)), inactive(ending(1_000)), ask_refresh(ending(1_001))],
    );
    let alive = json!({ "asked_at": NOW, "verdict": "alive", "sequence": 77 });
    let answered = Question { registry: alive, ..dead() };
    row.add("strict, dead in the list, alive in the registry", inactive(answered));
    let alive = json!({ "asked_at": NOW + 5_001, "verdict": "alive", "sequence": 77 });
    let answered = Question { registry: alive, ..at(5_001) };
    row.add("strict, dead in an old list, alive in the registry", ask_refresh(answered));
    let failed = Question { registry: json!("failed"), ..dead() };
    row.add("strict, dead in the list, and the registry did not answer", inactive(failed));
    row.add("strict, dead, but no list is there", ask_registry(dead().without_list()));
    let theirs = dead().with(list_of_audience_3());
    row.add("strict, dead in another audience's list", ask_registry(theirs));
    let cut_off = list_telling(|head| Head { cut_off: ISSUED, ..head });
    row.add("strict, cut off", inactive(strict(usual()).with(cut_off.clone())));
    let old = strict(usual()).with(cut_off).at(NOW + 5_001);
    row.add("strict, cut off by an old list", ask_refresh(old.clone()));
    row.add("strict, cut off by an old list, after a refresh", inactive(old.after_refresh()));
    row.add("strict, alive in a stale list", ask_registry(strict(usual()).at(NOW + 3_600_001)));
}
