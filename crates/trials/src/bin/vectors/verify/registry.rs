//! Rows 18 and 19: when the registry must be asked, and what it says.

use serde_json::{Value, json};

use super::{
    LIST, NOW, Question, READ, Row, VOID, about, all_of, allow_by_registry, any_of, ask_registry,
    bent, deny, usual,
};
use crate::file::VectorFile;
use crate::key_bytes::{Key, from, key, only};
use crate::key_set_bytes::signing_key;

pub(super) fn add(file: &mut VectorFile) {
    asking(&mut Row::new(file, 18));
    other_questions(&mut Row::new(file, 18));
    verdicts(&mut Row::new(file, 19));
}

/// The usual question for a strict scope.
pub(super) fn strict(key: &Key) -> Question {
    about(key).requiring(all_of(&[VOID]))
}

/// An answer of the registry to the very question.
pub(super) fn answered(asked_at: u64, verdict: &str) -> Value {
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
