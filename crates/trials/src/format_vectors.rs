//! `tests/vectors`: the cases that every implementation of FORMAT.md must pass, answered by the core.

use serde_json::Value;

use crate::answer::{agrees, answer, resolved};
use crate::suite::{Cases, Stretch};
use crate::tally::Tally;

/// The files by name. `cargo xtask vectors` writes them from `src/bin/vectors`.
pub const VECTOR_FILES: [(&str, &str); 9] = [
    ("key.json", include_str!("../../../tests/vectors/key.json")),
    ("mint_narrow.json", include_str!("../../../tests/vectors/mint_narrow.json")),
    ("key_set.json", include_str!("../../../tests/vectors/key_set.json")),
    ("state.json", include_str!("../../../tests/vectors/state.json")),
    ("head.json", include_str!("../../../tests/vectors/head.json")),
    ("adopt.json", include_str!("../../../tests/vectors/adopt.json")),
    ("verify.json", include_str!("../../../tests/vectors/verify.json")),
    ("http.json", include_str!("../../../tests/vectors/http.json")),
    ("scan.json", include_str!("../../../tests/vectors/scan.json")),
];

/// One case of a file, with what is shared in its place.
#[derive(Clone, Debug)]
pub struct Vector {
    /// The file that it stands in.
    pub file: &'static str,
    /// Its name, which no other case of the file has.
    pub name: String,
    /// The section of FORMAT.md, or the row of its table, that it is about.
    pub stage: String,
    /// The case.
    pub case: Value,
    /// The answer that must come.
    pub expect: Value,
}

/// Every case of every file, in order; a file that is no JSON has none.
pub fn vectors() -> Vec<Vector> {
    VECTOR_FILES.iter().flat_map(|(file, text)| of_file(file, text)).collect()
}

fn of_file(file: &'static str, text: &str) -> Vec<Vector> {
    let whole: Value = serde_json::from_str(text).unwrap_or_default();
    let member = |case: &Value, name: &str| case.get(name).cloned().unwrap_or_default();
    let word = |case, name| member(case, name).as_str().unwrap_or_default().to_owned();
    let shared = member(&whole, "shared");
    let cases = whole.get("cases").and_then(Value::as_array).into_iter().flatten();
    let vector = |case| Vector {
        file,
        name: word(case, "name"),
        stage: word(case, "stage"),
        case: resolved(&member(case, "case"), &shared),
        expect: member(case, "expect"),
    };
    cases.map(vector).collect()
}

pub(crate) const CASES: Cases = Cases::All(|| vectors().len() as u64);

pub(crate) fn run(stretch: Stretch, tally: &mut Tally) {
    for vector in stretch.of(&vectors()) {
        let Vector { file, name, stage, case, expect } = vector;
        let told = answer(case);
        let outcome = format!("{file}, {stage}");
        tally
            .expect(agrees(expect, &told), &outcome, || format!("{name}: {told} and not {expect}"));
        tally.outcome(told.to_string().as_bytes());
        tally.control("an expectation that is bent", !agrees(&bent(expect), &told));
    }
}

/// Another value than this one: its first leaf is changed.
fn bent(value: &Value) -> Value {
    let mut bent = value.clone();
    bend(&mut bent);
    bent
}

fn bend(value: &mut Value) {
    let first = match value {
        Value::Array(items) => items.first_mut(),
        Value::Object(members) => members.values_mut().next(),
        _ => None,
    };
    match first {
        Some(first) => bend(first),
        None => *value = Value::String(format!("{value}?")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn bending_changes_the_first_leaf() {
        for (value, expected) in [
            (json!({ "deny": "x" }), json!({ "deny": "\"x\"?" })),
            (json!({ "ok": { "a": [1, 2] } }), json!({ "ok": { "a": ["1?", 2] } })),
            (json!({ "ok": {} }), json!({ "ok": "{}?" })),
            (json!(null), json!("null?")),
        ] {
            assert_eq!(bent(&value), expected);
        }
    }
}
