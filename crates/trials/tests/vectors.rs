//! The vectors leave nothing out: a new reason, word, row or boundary without a case fails here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use wardkey::{Adoption, HeadError, ListError, Reason};
use wardkey_trials::{VECTOR_FILES, Vector, vectors};

/// How many cases each file has at least.
const LEAST: [(&str, usize); 7] = [
    ("key.json", 345),
    ("mint_narrow.json", 145),
    ("key_set.json", 150),
    ("state.json", 55),
    ("head.json", 205),
    ("adopt.json", 170),
    ("verify.json", 700),
];

fn of_file(file: &str) -> Vec<Vector> {
    vectors().into_iter().filter(|vector| vector.file == file).collect()
}

fn words(file: &str, member: &str) -> BTreeSet<String> {
    let of = |vector: &Vector| vector.expect.get(member).and_then(Value::as_str).map(str::to_owned);
    of_file(file).iter().filter_map(of).collect()
}

fn outcomes() -> BTreeSet<String> {
    let vectors = of_file("adopt.json");
    let outcomes = vectors.iter().filter_map(|vector| vector.expect.get("outcomes")?.as_array());
    outcomes.flatten().filter_map(|outcome| outcome.as_str().map(str::to_owned)).collect()
}

fn all<'w>(words: impl IntoIterator<Item = &'w str>) -> BTreeSet<String> {
    words.into_iter().map(str::to_owned).collect()
}

#[test]
fn every_file_is_read_and_has_its_cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let files: BTreeSet<_> = files.map(|name| name.into_string().unwrap()).collect();
    assert_eq!(files, all(VECTOR_FILES.map(|(name, _)| name)));
    assert_eq!(files, all(LEAST.map(|(name, _)| name)));
    for (file, least) in LEAST {
        let vectors = of_file(file);
        println!("{file}: {} cases", vectors.len());
        assert!(vectors.len() >= least, "{file}: {} cases", vectors.len());
        let names: BTreeSet<_> = vectors.iter().map(|vector| &vector.name).collect();
        assert_eq!(names.len(), vectors.len(), "{file}: a name stands twice");
    }
}

#[test]
fn every_reason_has_a_vector() {
    assert_eq!(words("verify.json", "deny"), all(Reason::ALL.map(Reason::as_str)));
    assert_eq!(words("verify.json", "ask"), all(["refresh", "registry"]));
    assert_eq!(words("key.json", "deny"), all(["malformed", "bad_checksum"]));
}

#[test]
fn every_word_of_heads_and_adopting_has_a_vector() {
    let heads = HeadError::ALL.map(HeadError::as_str);
    assert_eq!(words("head.json", "error"), all(heads));
    let unread = heads.map(|word| format!("head:{word}"));
    let refused = ListError::ALL.map(ListError::as_str);
    let adopted = Adoption::ALL.map(Adoption::as_str);
    let words = unread.iter().map(String::as_str).chain(refused).chain(adopted);
    assert_eq!(outcomes(), all(words));
}

#[test]
fn every_row_of_the_decision_has_vectors() {
    let format = include_str!("../../core/FORMAT.md");
    let deciding = format.split("## 5. Deciding").nth(1).expect("section 5");
    let rows = deciding.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let rows: BTreeSet<_> = rows.filter_map(|row| row.parse::<u8>().ok()).collect();
    assert_eq!(rows.len(), 20);
    let vectors = of_file("verify.json");
    for row in rows {
        let stage = format!("5 row {row}");
        let count = vectors.iter().filter(|vector| vector.stage == stage).count();
        println!("{stage}: {count} cases");
        assert!(count >= 5, "{stage}: {count} cases");
    }
}

#[test]
fn every_boundary_has_a_case_below_at_and_above() {
    let mut boundaries: BTreeMap<(&str, String), BTreeMap<String, String>> = BTreeMap::new();
    for Vector { file, name, expect, .. } in vectors() {
        let Some((boundary, place)) = name.rsplit_once(": ") else { continue };
        if ["below", "at", "above"].contains(&place) {
            let cases = boundaries.entry((file, boundary.to_owned())).or_default();
            cases.insert(place.to_owned(), kind(&expect));
        }
    }
    for (boundary, cases) in &boundaries {
        assert_eq!(cases.len(), 3, "{boundary:?}");
        let kinds: BTreeSet<_> = cases.values().collect();
        assert!(kinds.len() > 1, "{boundary:?} makes no difference: {kinds:?}");
    }
    println!("{} boundaries", boundaries.len());
    assert!(boundaries.len() >= 130, "{}", boundaries.len());
}

/// What came out, without what it says.
fn kind(expect: &Value) -> String {
    let zone = expect.pointer("/allow/zone").and_then(Value::as_str);
    let word = ["deny", "ask", "error"].iter().find_map(|member| expect.get(member)?.as_str());
    let outcomes = expect.get("outcomes").map(Value::to_string);
    outcomes.unwrap_or_else(|| zone.or(word).unwrap_or("ok").to_owned())
}
