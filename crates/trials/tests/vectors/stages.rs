//! What may come out of a case of each stage: its section's own words, and what shows that it does not apply.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// A file, a stage, and exactly the words that come out there; `verify.json` has the table of FORMAT.md instead.
type Stage = (&'static str, &'static str, &'static [&'static str]);

pub(crate) const STAGES: &[Stage] = &[
    ("key.json", "2.1", &["ok", "malformed"]),
    ("key.json", "2.2", &["ok", "malformed"]),
    ("key.json", "2.3", &["ok", "malformed"]),
    ("key.json", "2.3 networks", &["ok", "malformed"]),
    ("key.json", "2.4", &["ok", "malformed"]),
    ("key.json", "2.7", &["ok"]),
    ("key.json", "2.7 step 1", &["ok", "malformed"]),
    ("key.json", "2.7 step 2", &["bad_checksum"]),
    ("key.json", "2.7 step 3", &["malformed"]),
    ("key.json", "7", &["ok"]),
    ("mint_narrow.json", "2.8", &["ok", "refused", "malformed", "bad_checksum"]),
    ("mint_narrow.json", "7", &["ok"]),
    ("key_set.json", "3", &["ok", "malformed"]),
    ("state.json", "4.1", &["ok", "malformed"]),
    ("state.json", "7", &["ok"]),
    ("head.json", "1 var", &["ok", "changes", "length"]),
    ("head.json", "4.2", &["ok"]),
    ("head.json", "4.2 version", &["ok", "version"]),
    ("head.json", "4.2 not-after", &["ok", "not_after"]),
    ("head.json", "4.2 audiences", &["ok", "order", "length"]),
    ("head.json", "4.2 dead signing keys", &["ok", "order"]),
    ("head.json", "4.3", &["ok", "changes", "length"]),
    ("head.json", "4.4 step 1", &["ok", "length", "version", "not_after", "order", "changes"]),
    ("head.json", "4.4 step 2", &["ok", "tenant", "audience", "tag"]),
    ("head.json", "7", &["ok"]),
    ("adopt.json", "4.3", &["adopted", "state_needed"]),
    (
        "adopt.json",
        "4.4",
        &[
            "head:length",
            "head:version",
            "head:not_after",
            "head:order",
            "head:changes",
            "head:tenant",
            "head:audience",
            "head:tag",
            "adopted",
        ],
    ),
    ("adopt.json", "4.5", &["state_needed", "other_state", "adopted", "in_force"]),
    // Another key set of the same audience is no other list; what comes then is the next step's.
    ("adopt.json", "4.5 step 1", &["other_audience", "adopted", "clock_behind"]),
    ("adopt.json", "4.5 step 2", &["clock_behind", "adopted"]),
    ("adopt.json", "4.5 step 3", &["in_force"]),
    ("adopt.json", "4.5 step 4", &["older", "adopted", "in_force"]),
    ("adopt.json", "4.5 step 5", &["adopted"]),
    ("adopt.json", "4.5 step 6", &["adopted", "state_needed", "in_force"]),
    ("adopt.json", "4.5 step 7", &["state_needed"]),
    ("adopt.json", "4.5 step 8", &["adopted", "other_state"]),
    ("http.json", "5 HTTP", &["ok"]),
    ("scan.json", "6", &["ok"]),
];

/// Cases of a row that does not apply, so that a later one decides, and that are no side of a boundary.
pub(crate) const LATER: &[(u8, &str)] = &[
    (7, "another audience's list wants a newer key set"),
    (9, "a sum that would pass 64 bits"),
    (9, "another audience's list is ahead"),
    (13, "any of low and strict"),
    (14, "strict, dead, but no list is there"),
    (14, "strict, dead in another audience's list"),
    (14, "strict, alive in a stale list"),
];

/// The rows of section 5 with the words that each decides: reasons, `ask refresh`, `ask registry`, `allow`.
pub(crate) fn rows() -> BTreeMap<u8, BTreeSet<String>> {
    let deciding = FORMAT.split("## 5. Deciding").nth(1).unwrap_or_default();
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ");
        let number: u8 = cells.next()?.parse().ok()?;
        let then = cells.last()?;
        let mut words: BTreeSet<_> =
            then.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        for (text, word) in [
            ("*ask for a refresh*", "ask refresh"),
            ("*ask the registry*", "ask registry"),
            ("**allow**", "allow"),
        ] {
            words.extend(then.contains(text).then(|| word.to_owned()));
        }
        Some((number, words))
    };
    deciding.lines().filter_map(row).collect()
}

/// The words of an answer: one, but for a list's outcomes.
pub(crate) fn words(expect: &Value) -> BTreeSet<String> {
    let text = |name: &str| expect.get(name).and_then(Value::as_str);
    if let Some(outcomes) = expect.get("outcomes").and_then(Value::as_array) {
        return outcomes.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    }
    let word = text("deny").or_else(|| text("error")).map(str::to_owned);
    let asked = || text("ask").map(|what| format!("ask {what}"));
    let good = || ["allow", "ok"].into_iter().find(|name| expect.get(name).is_some());
    word.or_else(asked).or_else(|| good().map(str::to_owned)).into_iter().collect()
}

pub(crate) const FORMAT: &str = include_str!("../../../core/FORMAT.md");
