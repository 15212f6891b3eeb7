//! Rows 15 to 20: whether the key may do what is asked, from where it is asked, and what the registry
//! says.

use serde_json::{Value, json};

use super::{
    NOW, Question, Row, SEQUENCE, about, all_of, allow_by_registry, allow_fresh, any_of,
    ask_registry, bent, deny, keys, list, list_telling, usual,
};
use crate::file::VectorFile;
use crate::head_bytes::Head;
use crate::key_bytes::{Fields, Key, from, key, only, until, within};
use crate::key_set_bytes::{KeySet, entry, signing_key};

pub(super) fn add(file: &mut VectorFile) {
    requirements(file);
    missing(&mut Row::new(file, 15));
    narrowed(&mut Row::new(file, 16));
    addresses(&mut Row::new(file, 17));
    sets_of_networks(&mut Row::new(file, 17));
    asking(&mut Row::new(file, 18));
    other_questions(&mut Row::new(file, 18));
    verdicts(&mut Row::new(file, 19));
    allowed(&mut Row::new(file, 20));
}

const LIST: &str = "invoice:list";
const READ: &str = "invoice:read";
const WRITE: &str = "invoice:write";
const VOID: &str = "invoice:void";
const PRINT: &str = "invoice:print";
const LAST: &str = "invoice:last";

/// A requirement that cannot be built is no denial.
fn requirements(file: &mut VectorFile) {
    for (name, required) in [
        ("all of no scope", all_of(&[])),
        ("any of no scope", any_of(&[])),
        ("a scope that the catalog does not name", all_of(&["invoice:burn"])),
        ("such a scope among others", any_of(&[LIST, "invoice:burn"])),
        ("a scope by the beginning of its name", all_of(&["invoice:lis"])),
        ("a scope in capitals", all_of(&["INVOICE:LIST"])),
        ("a scope by its number", all_of(&["0"])),
        ("a scope without a name", all_of(&[""])),
    ] {
        let case = usual().requiring(required).case();
        file.add("5 requirement", name, json!({ "error": "requirement" }), case);
    }
}

fn missing(row: &mut Row<'_>) {
    let reason = "scope_missing";
    let with = |scopes: &[u8]| Key { scopes: scopes.to_vec(), ..key() };
    for (scopes, required, met) in [
        (&[0][..], all_of(&[LIST]), true),
        (&[0], all_of(&[READ]), false),
        (&[0], all_of(&[LIST, READ]), false),
        (&[1], all_of(&[LIST, READ]), false),
        (&[0, 1], all_of(&[LIST, READ]), true),
        (&[0, 1], all_of(&[READ, LIST, READ]), true),
        (&[0], any_of(&[LIST, READ]), true),
        (&[1], any_of(&[LIST, READ]), true),
        (&[2], any_of(&[LIST, READ]), false),
        (&[39], all_of(&[PRINT]), true),
        (&[38], all_of(&[PRINT]), false),
        (&[40], all_of(&[PRINT]), false),
        (&[38, 40], any_of(&[PRINT]), false),
        (&[0, 1, 2, 9, 255], all_of(&[PRINT]), false),
        (&[255], all_of(&[LAST]), true),
        (&[254], all_of(&[LAST]), false),
        (&[247], all_of(&[LAST]), false),
        (&[0], all_of(&[LIST, LAST]), false),
        (&[0, 255], all_of(&[LIST, PRINT, LAST]), false),
        (&[0, 39, 255], all_of(&[LIST, PRINT, LAST]), true),
        (&[8], all_of(&[LIST]), false),
    ] {
        let key = with(scopes);
        let name = format!("scopes {scopes:?} for {required}");
        let question = about(&key).requiring(required);
        row.add(name, if met { allow_fresh(&key, question) } else { deny(reason, question) });
    }
    // Numbers that the catalog does not name grant nothing, and an allow tells them all the same.
    let more = with(&[0, 3, 200]);
    row.add("scopes that the catalog does not name", allow_fresh(&more, about(&more)));
    let strict = about(&with(&[0])).requiring(all_of(&[VOID]));
    row.add("a strict scope that is missing: nobody is asked", deny(reason, strict.clone()));
    let failed = Question { registry: json!("failed"), ..strict };
    row.add(
        "a strict scope that is missing, and the registry did not answer",
        deny(reason, failed),
    );
    let narrowed = with(&[1]).narrowed(only(&[0]));
    row.add("a block gives nothing", deny(reason, about(&narrowed)));
    let neither = with(&[1]).narrowed(only(&[2]));
    row.add("missing in base and block", deny(reason, about(&neither)));
    let elsewhere = with(&[1]).constrained(within(&["10.0.0.0/8"]));
    row.add("missing, and the caller is unknown", deny(reason, about(&elsewhere)));
}

fn narrowed(row: &mut Row<'_>) {
    let reason = "narrowed";
    let by = |blocks: &[&[u8]]| blocks.iter().fold(key(), |key, scopes| key.narrowed(only(scopes)));
    for (blocks, required, met) in [
        (&[&[0][..]][..], all_of(&[LIST]), true),
        (&[&[1]], all_of(&[LIST]), false),
        (&[&[1]], all_of(&[LIST, READ]), false),
        (&[&[1]], any_of(&[LIST, READ]), true),
        (&[&[2]], any_of(&[LIST, READ]), false),
        (&[&[200]], all_of(&[LIST]), false),
        (&[&[0, 1], &[1, 2]], all_of(&[READ]), true),
        (&[&[0, 1], &[1, 2]], all_of(&[LIST]), false),
        (&[&[0, 1], &[1, 2]], any_of(&[LIST, WRITE]), false),
        (&[&[0], &[1]], any_of(&[LIST, READ]), false),
        (&[&[0, 1, 2, 9, 39]], all_of(&[LIST, READ, WRITE]), true),
        (&[&[0], &[0, 1, 2], &[0], &[0, 255]], all_of(&[LIST]), true),
        (&[&[0], &[0], &[0], &[1]], all_of(&[LIST]), false),
        (&[&[1], &[0], &[0], &[0]], all_of(&[LIST]), false),
    ] {
        let key = by(blocks);
        let name = format!("blocks {blocks:?} for {required}");
        let question = about(&key).requiring(required);
        row.add(name, if met { allow_fresh(&key, question) } else { deny(reason, question) });
    }
    let both = by(&[&[1]]);
    row.add(
        "one scope missing, one taken away",
        deny("scope_missing", about(&both).requiring(all_of(&[LIST, PRINT]))),
    );
    row.add(
        "any of one missing and one taken away",
        deny(reason, about(&both).requiring(any_of(&[LIST, PRINT]))),
    );
    row.add(
        "a strict scope that was taken away: nobody is asked",
        deny(reason, about(&both).requiring(all_of(&[VOID]))),
    );
    let elsewhere = both.narrowed(within(&["10.0.0.0/8"]));
    row.add("taken away, and the caller is unknown", deny(reason, about(&elsewhere)));
    let others =
        key().narrowed(until(u32::MAX)).narrowed(from(0)).narrowed(within(&["::/0", "0.0.0.0/0"]));
    let others = Key { blocks: others.blocks.into_iter().take(2).collect(), ..key() };
    row.add("blocks of other fields leave all scopes", allow_fresh(&others, about(&others)));
}

/// Which network holds which address.
fn addresses(row: &mut Row<'_>) {
    for (network, inside, outside) in [
        (
            "0.0.0.0/0",
            &["0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"][..],
            &["::", "::1", "2001:db8::1"][..],
        ),
        (
            "::/0",
            &["::", "2001:db8::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
            &["1.2.3.4", "::ffff:1.2.3.4"],
        ),
        ("128.0.0.0/1", &["128.0.0.0", "255.255.255.255"], &["127.255.255.255", "0.0.0.0"]),
        (
            "10.0.0.0/8",
            &["10.0.0.0", "10.1.2.3", "10.255.255.255", "::ffff:10.1.2.3", "::ffff:a01:203"],
            &["9.255.255.255", "11.0.0.0", "::10.1.2.3", "::fffe:10.1.2.3", "a00::"],
        ),
        ("192.0.2.128/25", &["192.0.2.128", "192.0.2.255"], &["192.0.2.127", "192.0.3.0"]),
        ("192.0.2.6/31", &["192.0.2.6", "192.0.2.7"], &["192.0.2.5", "192.0.2.8"]),
        ("192.0.2.7/32", &["192.0.2.7", "::ffff:192.0.2.7"], &["192.0.2.6", "192.0.2.8"]),
        ("8000::/1", &["8000::", "ffff::"], &["7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]),
        (
            "2001:db8::/32",
            &["2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"],
            &["2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::", "32.1.13.184"],
        ),
        ("2001:db8:8000::/33", &["2001:db8:8000::"], &["2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"]),
        ("2001:db8::6/127", &["2001:db8::6", "2001:db8::7"], &["2001:db8::5", "2001:db8::8"]),
        ("2001:db8::7/128", &["2001:db8::7"], &["2001:db8::6", "2001:db8::8"]),
        // It holds the mapped addresses' numbers, but such callers count as IPv4.
        ("::/80", &["::1", "::fffe:ffff:ffff"], &["0:0:0:0:1::", "::ffff:10.0.0.1", "10.0.0.1"]),
        ("::fffe:0:0/96", &["::fffe:a00:1"], &["::ffff:10.0.0.1", "10.0.0.1"]),
    ] {
        let key = key().constrained(within(&[network]));
        let from = |caller| Question { caller: Some(caller), ..about(&key) };
        for caller in inside {
            row.add(format!("{network} holds {caller}"), allow_fresh(&key, from(caller)));
        }
        for caller in outside {
            row.add(
                format!("{network} does not hold {caller}"),
                deny("address_not_allowed", from(caller)),
            );
        }
    }
}

fn sets_of_networks(row: &mut Row<'_>) {
    let reason = "address_not_allowed";
    let everywhere = key().constrained(within(&["0.0.0.0/0", "::/0"]));
    row.add("from everywhere, and the caller is unknown", deny(reason, about(&everywhere)));
    for caller in
        ["", "example.org", "10.0.0", "10.0.0.256", "10.0.0.1/32", "::1::", "2001:db8::1%1"]
    {
        let question = Question { caller: Some(caller), ..about(&everywhere) };
        row.add(format!("from everywhere, and the caller is {caller:?}"), deny(reason, question));
    }
    row.add("no networks, and the caller is unknown", allow_fresh(&key(), usual()));
    let known = Question { caller: Some("10.0.0.1"), ..usual() };
    row.add("no networks, and the caller is known", allow_fresh(&key(), known));
    let sets = |base: &[&'static str], blocks: &[&[&'static str]]| {
        let key = if base.is_empty() { key() } else { key().constrained(within(base)) };
        blocks.iter().fold(key, |key, networks| key.narrowed(within(networks)))
    };
    const A: &str = "10.0.0.0/8";
    const B: &str = "10.1.0.0/16";
    const C: &str = "2001:db8::/32";
    for (name, key, inside, outside) in [
        (
            "any of a set",
            sets(&[A, C], &[]),
            &["10.9.9.9", "2001:db8::9"][..],
            &["11.0.0.0", "2001:db9::"][..],
        ),
        ("a block's set", sets(&[], &[&[A, C]]), &["10.9.9.9", "2001:db8::9"], &["11.0.0.0"]),
        ("base and block", sets(&[A], &[&[B]]), &["10.1.0.0"], &["10.2.0.0", "11.1.0.0"]),
        ("a block that is wider", sets(&[B], &[&[A]]), &["10.1.0.0"], &["10.2.0.0"]),
        ("two blocks", sets(&[], &[&[A, C], &[B, C]]), &["10.1.0.0", "2001:db8::"], &["10.2.0.0"]),
        ("two that have nothing in common", sets(&[A], &[&[C]]), &[], &["10.1.0.0", "2001:db8::"]),
        ("five sets", sets(&[A], &[&[A], &[B], &[A], &[A]]), &["10.1.0.0"], &["10.2.0.0"]),
    ] {
        for caller in inside {
            let question = Question { caller: Some(caller), ..about(&key) };
            row.add(format!("{name}: from {caller}"), allow_fresh(&key, question));
        }
        for caller in outside {
            let question = Question { caller: Some(caller), ..about(&key) };
            row.add(format!("{name}: not from {caller}"), deny(reason, question));
        }
        row.add(format!("{name}: not from an unknown caller"), deny(reason, about(&key)));
    }
    let strict = about(&sets(&[A], &[])).requiring(all_of(&[VOID]));
    let failed = Question { registry: json!("failed"), ..strict.clone() };
    row.add("for a strict scope from elsewhere: nobody is asked", deny(reason, strict));
    row.add(
        "for a strict scope from elsewhere, and the registry did not answer",
        deny(reason, failed),
    );
}

/// The usual question for a strict scope.
fn strict(key: &Key) -> Question {
    about(key).requiring(all_of(&[VOID]))
}

/// An answer of the registry to the very question.
fn answered(asked_at: u64, verdict: &str) -> Value {
    json!({ "asked_at": asked_at, "verdict": verdict, "sequence": 77 })
}

fn asking(row: &mut Row<'_>) {
    let answer = |now: u64, asked_at: u64| {
        Question { registry: answered(asked_at, "alive"), ..strict(&key()) }.at(now)
    };
    row.around(
        "asked 5,000 ms ago",
        [
            allow_by_registry(&key(), 77, answer(NOW, NOW - 4_999)),
            allow_by_registry(&key(), 77, answer(NOW, NOW - 5_000)),
            ask_registry(answer(NOW, NOW - 5_001)),
        ],
    );
    row.around(
        "asked now",
        [
            allow_by_registry(&key(), 77, answer(NOW, NOW - 1)),
            allow_by_registry(&key(), 77, answer(NOW, NOW)),
            ask_registry(answer(NOW, NOW + 1)),
        ],
    );
    // The clock counts here, and not the list that is ahead of it.
    row.around(
        "asked 5,000 ms ago by a clock that is behind the list",
        [
            allow_by_registry(&key(), 77, answer(NOW - 4_000, NOW - 8_999)),
            allow_by_registry(&key(), 77, answer(NOW - 4_000, NOW - 9_000)),
            ask_registry(answer(NOW - 4_000, NOW - 9_001)),
        ],
    );
    row.add("asked long ago", ask_registry(answer(NOW, NOW - 900_000)));
    row.add("asked far ahead", ask_registry(answer(NOW, NOW + 900_000)));
    let raised = |question: Question| question.requiring(bent(all_of(&[LIST]), "strict", true));
    for (name, question) in [
        ("a strict scope", strict(&key())),
        ("a low scope that the host raises", raised(usual())),
        ("any of a strict and a low scope", usual().requiring(any_of(&[LIST, VOID]))),
        ("all of a strict and a low scope", usual().requiring(all_of(&[VOID, LIST]))),
    ] {
        row.add(format!("{name}, not asked"), ask_registry(question.clone()));
        let failed = Question { registry: json!("failed"), ..question.clone() };
        row.add(format!("{name}, no answer"), deny("registry_unavailable", failed));
        let alive = Question { registry: answered(NOW, "alive"), ..question };
        row.add(format!("{name}, alive"), allow_by_registry(&key(), 77, alive));
    }
    for (name, age) in
        [("fresh", 0), ("that a refresh is owed for", 5_001), ("that is stale", 3_600_001)]
    {
        let question = || strict(&key()).at(NOW + age);
        row.add(format!("a list {name}, not asked"), ask_registry(question()));
        row.add(
            format!("a list {name} after a refresh, not asked"),
            ask_registry(question().after_refresh()),
        );
        let alive = || Question { registry: answered(NOW + age, "alive"), ..question() };
        row.add(format!("a list {name}, alive"), allow_by_registry(&key(), 77, alive()));
    }
    row.add("no list, not asked", ask_registry(strict(&key()).without_list()));
    row.add(
        "no list after a refresh, not asked",
        ask_registry(strict(&key()).without_list().after_refresh()),
    );
    let alive = Question { registry: answered(NOW, "alive"), ..strict(&key()) };
    row.add("no list, alive", allow_by_registry(&key(), 77, alive.without_list()));
    let failed = Question { registry: json!("failed"), ..strict(&key()) };
    row.add("no list, no answer", deny("registry_unavailable", failed.without_list()));
}

/// Answers to what was not asked now.
fn other_questions(row: &mut Row<'_>) {
    let answer_for = |asked: &Key, required: Value, question: Question| {
        let registry = json!({
            "asked_at": NOW,
            "key": asked.text(),
            "required": required,
            "verdict": "alive",
            "sequence": 77,
        });
        Question { registry, ..question }
    };
    let of_key = |asked: &Key| answer_for(asked, all_of(&[VOID]), strict(&key()));
    row.add("an answer about this very key", allow_by_registry(&key(), 77, of_key(&key())));
    for (name, asked) in [
        ("another index", Key { index: 810, ..key() }),
        ("another subject", Key { subject: "svc:other".into(), ..key() }),
        ("another key id", Key { key_id: [0; 8], ..key() }),
        ("a later expiry", Key { expires: key().expires + 1, ..key() }),
        ("one scope more", Key { scopes: vec![0, 1, 2, 9, 39], ..key() }),
        ("constraints", key().constrained(from(0))),
        (
            "another epoch",
            Key { epoch: 3, signing: signing_key(3), ..key() }.with_prefix("wk_test_"),
        ),
        ("the same base, narrowed", key().narrowed(only(&[9]))),
    ] {
        row.add(format!("an answer about a key with {name}"), ask_registry(of_key(&asked)));
    }
    let narrowed = key().narrowed(only(&[9]));
    let about_narrowed = |asked: &Key| answer_for(asked, all_of(&[VOID]), strict(&narrowed));
    row.add(
        "an answer about the whole key, for a narrowed one",
        ask_registry(about_narrowed(&key())),
    );
    row.add(
        "an answer about the narrowed key",
        allow_by_registry(&narrowed, 77, about_narrowed(&narrowed)),
    );
    let otherwise = key().narrowed(only(&[0, 9]));
    row.add("an answer about the key narrowed otherwise", ask_registry(about_narrowed(&otherwise)));

    let of = |required: Value, asked: Value| answer_for(&key(), asked, usual().requiring(required));
    let raised = |required: Value| bent(required, "strict", true);
    for (name, required, asked, same) in [
        (
            "for the same scopes in another order",
            all_of(&[VOID, LIST]),
            all_of(&[LIST, VOID]),
            true,
        ),
        ("for the same scope named twice", all_of(&[VOID]), all_of(&[VOID, VOID]), true),
        ("for a strict scope that is raised", all_of(&[VOID]), raised(all_of(&[VOID])), true),
        ("for a scope more", all_of(&[VOID]), all_of(&[VOID, LIST]), false),
        ("for a scope less", all_of(&[VOID, LIST]), all_of(&[VOID]), false),
        ("for another scope", raised(all_of(&[LIST])), raised(all_of(&[READ])), false),
        ("for any of them", all_of(&[VOID, LIST]), any_of(&[VOID, LIST]), false),
        ("for all of them", any_of(&[VOID, LIST]), all_of(&[VOID, LIST]), false),
        ("for any of the one", all_of(&[VOID]), any_of(&[VOID]), false),
    ] {
        let question = of(required, asked);
        let case =
            if same { allow_by_registry(&key(), 77, question) } else { ask_registry(question) };
        row.add(format!("an answer {name}"), case);
    }
    let revoked = answer_for(&Key { index: 810, ..key() }, all_of(&[VOID]), strict(&key()));
    let registry = bent(revoked.registry.clone(), "verdict", "revoked");
    row.add("a no about another key", ask_registry(Question { registry, ..revoked }));
    let late = Question { registry: answered(NOW - 5_001, "revoked"), ..strict(&key()) };
    row.add("a no from 5,001 ms ago", ask_registry(late));
}

fn verdicts(row: &mut Row<'_>) {
    let verdict =
        |word: &str, age: u64| Question { registry: answered(NOW - age, word), ..strict(&key()) };
    for word in ["revoked", "suspended", "retired", "expired", "never_issued", "tenant_gone"] {
        row.add(format!("the registry says {word}"), deny(word, verdict(word, 0)));
        row.add(format!("the registry said {word} 5,000 ms ago"), deny(word, verdict(word, 5_000)));
        row.add(
            format!("the registry says {word}, and there is no list"),
            deny(word, verdict(word, 0).without_list()),
        );
        let raised = verdict(word, 0).requiring(bent(all_of(&[LIST]), "strict", true));
        row.add(format!("the registry says {word} of a raised scope"), deny(word, raised));
    }
}

fn allowed(row: &mut Row<'_>) {
    for (name, key) in [
        ("the first index, which has no floor here", Key { index: 800, ..key() }),
        ("the longest subject", Key { subject: "z".repeat(63), ..key() }),
        ("every scope", Key { scopes: (0..=255).collect(), ..key() }),
        ("the last key id", Key { key_id: [255; 8], ..key() }),
    ] {
        row.add(name, allow_fresh(&key, about(&key)));
    }
    let left = Fields {
        scopes: Some(vec![0, 2, 200]),
        expires_at: Some(super::SECOND + 60),
        not_before: Some(super::SECOND),
        networks: vec!["10.0.0.0/8"],
    };
    let narrowed = key().narrowed(left).narrowed(until(super::SECOND + 59));
    let from = Question { caller: Some("10.0.0.1"), ..about(&narrowed) };
    row.add("what is left after narrowing", allow_fresh(&narrowed, from));
    let strict_left = key().narrowed(Fields { expires_at: Some(super::SECOND + 1), ..only(&[9]) });
    let alive = Question { registry: answered(NOW, "alive"), ..strict(&strict_left) };
    row.add(
        "what is left after narrowing, by the registry",
        allow_by_registry(&strict_left, 77, alive),
    );
    for sequence in [0, u64::MAX] {
        let told = list_telling(|head| Head { sequence, ..head });
        let (mut expect, case) = allow_fresh(&key(), usual().with(told));
        if let Some(sequence_told) = expect.pointer_mut("/allow/sequence") {
            *sequence_told = json!(sequence);
        }
        row.add(format!("a list of sequence {sequence}"), (expect, case));
        let registry = bent(answered(NOW, "alive"), "sequence", sequence);
        let question = Question { registry, ..strict(&key()) };
        row.add(
            format!("the registry's sequence {sequence}"),
            allow_by_registry(&key(), sequence, question),
        );
    }
    let eight: Vec<_> = [1, 2, 3, 4, 5, 6, 7, 255].map(entry).into();
    for epoch in [1, 7, 255] {
        let key = Key { epoch, signing: signing_key(epoch), ..key() };
        let question = about(&key).under(KeySet { entries: eight.clone(), ..keys() });
        row.add(format!("epoch {epoch} of eight"), allow_fresh(&key, question));
    }
    let changed =
        list().head.with_changes(SEQUENCE - 1, vec![crate::head_bytes::change(SEQUENCE, 0, &[9])]);
    let told = super::List { head: changed, ..list() };
    row.add("a list whose head tells changes", allow_fresh(&key(), usual().with(told)));
}
