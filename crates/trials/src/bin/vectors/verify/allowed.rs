//! Row 20: what an allow tells of the key and of the list.

use serde_json::json;

use super::registry::{answered, strict};
use super::{
    List, NOW, Question, Row, SECOND, SEQUENCE, about, allow_by_registry, allow_fresh, bent, keys,
    list, list_telling, usual,
};
use crate::file::VectorFile;
use crate::head_bytes::{Head, change};
use crate::key_bytes::{Fields, Key, key, only, until};
use crate::key_set_bytes::{KeySet, entry, signing_key};

pub(super) fn add(file: &mut VectorFile) {
    allowed(&mut Row::new(file, 20));
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
        expires_at: Some(SECOND + 60),
        not_before: Some(SECOND),
        networks: vec!["10.0.0.0/8"],
    };
    let narrowed = key().narrowed(left).narrowed(until(SECOND + 59));
    let from = Question { caller: Some("10.0.0.1"), ..about(&narrowed) };
    row.add("what is left after narrowing", allow_fresh(&narrowed, from));
    let strict_left = key().narrowed(Fields { expires_at: Some(SECOND + 1), ..only(&[9]) });
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
    let changed = list().head.with_changes(SEQUENCE - 1, vec![change(SEQUENCE, 0, &[9])]);
    let told = List { head: changed, ..list() };
    row.add("a list whose head tells changes", allow_fresh(&key(), usual().with(told)));
}
