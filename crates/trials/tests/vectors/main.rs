//! The vectors leave nothing out: a reason, word, row, stage or limit without its cases fails here, and so does a
//! boundary or a stage that these tests do not know.

mod limits;
mod stages;
mod tried;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use wardkey::{Adoption, HeadError, ListError, Reason};
use wardkey_trials::{VECTOR_FILES, Vector, vectors};

use limits::LIMITS;
use stages::{FORMAT, LATER, STAGES, rows};
use tried::TRIED;

/// How many cases each file has at least.
const LEAST: [(&str, usize); 9] = [
    ("key.json", 604),
    ("mint_narrow.json", 159),
    ("key_set.json", 156),
    ("state.json", 56),
    ("head.json", 291),
    ("adopt.json", 203),
    ("verify.json", 820),
    ("http.json", 23),
    ("scan.json", 151),
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
    let over_http: BTreeSet<_> = of_file("http.json").into_iter().map(|case| case.name).collect();
    assert_eq!(over_http, all(Reason::ALL.map(Reason::as_str)));
}

#[test]
fn every_kind_of_finding_has_a_vector() {
    let vectors = of_file("scan.json");
    let found = vectors.iter().flat_map(|vector| findings(&vector.expect));
    let kinds: BTreeSet<_> = found.filter_map(|finding| finding.get("what")?.as_str()).collect();
    assert_eq!(kinds, BTreeSet::from(["bootstrap_token", "key", "key_like"]));
    assert!(vectors.iter().any(|vector| findings(&vector.expect).next().is_none()));
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
    let rows = rows();
    assert_eq!(rows.len(), 20);
    let vectors = of_file("verify.json");
    for (row, own) in rows {
        let of_row = vectors.iter().filter(|vector| vector.stage == format!("5 row {row}"));
        let told: BTreeSet<_> =
            of_row.clone().flat_map(|case| stages::words(&case.expect)).collect();
        let count = of_row.count();
        println!("row {row}: {count} cases");
        assert!(count >= 5, "row {row}: {count} cases");
        assert!(told.is_superset(&own), "row {row} decides {own:?}, and there is {told:?}");
    }
}

/// A row's denials and questions are its own, but where a case shows that the row does not apply: as a side of a
/// boundary, or as one of a few others.
#[test]
fn every_reason_belongs_to_its_row() {
    let (rows, vectors) = (rows(), of_file("verify.json"));
    let mut later = BTreeSet::new();
    for Vector { name, stage, expect, .. } in &vectors {
        let told = stages::words(expect);
        let row = stage.strip_prefix("5 row ").map(|row| row.parse::<u8>().expect("a row"));
        let Some(row) = row else {
            assert_eq!((&**stage, told), ("5 requirement", all(["requirement"])), "{name}");
            continue;
        };
        if told.is_subset(&rows[&row]) || told == all(["allow"]) {
            continue;
        }
        let sides = |name: &str| name.rsplit_once(": ").map(|(boundary, _)| boundary.to_owned());
        let has_own_side = sides(name).is_some_and(|boundary| {
            let sides = vectors.iter().filter(|side| sides(&side.name).as_ref() == Some(&boundary));
            sides.clone().count() == 3
                && sides.into_iter().any(|side| stages::words(&side.expect).is_subset(&rows[&row]))
        });
        if has_own_side {
            continue;
        }
        let decided_later = rows.range(row + 1..).any(|(_, words)| told.is_subset(words));
        assert!(decided_later, "{stage}: {name}: {told:?}");
        later.insert((row, name.as_str()));
    }
    assert_eq!(later, LATER.iter().copied().collect());
}

#[test]
fn every_stage_has_its_own_words_and_no_others() {
    let mut stages = BTreeMap::<_, BTreeSet<_>>::new();
    for Vector { file, stage, expect, .. } in vectors() {
        if file != "verify.json" {
            stages.entry((file, stage)).or_default().extend(stages::words(&expect));
        }
    }
    let known = STAGES
        .iter()
        .map(|(file, stage, words)| ((*file, (*stage).to_owned()), all(words.iter().copied())));
    assert_eq!(stages, known.collect());
}

#[test]
fn every_limit_has_a_case_below_at_and_above() {
    let mut boundaries = BTreeMap::<_, BTreeMap<_, _>>::new();
    let mut names = BTreeSet::new();
    for vector in vectors() {
        let (file, name) = (vector.file, vector.name.as_str());
        if let Some((boundary, place @ ("below" | "at" | "above"))) = name.rsplit_once(": ") {
            let cases = boundaries.entry((file, boundary.to_owned())).or_default();
            cases.insert(place.to_owned(), kind(&vector));
        }
        names.insert((file, vector.name));
    }
    for (boundary, cases) in &boundaries {
        assert_eq!(cases.len(), 3, "{boundary:?}");
        let kinds: BTreeSet<_> = cases.values().collect();
        assert!(kinds.len() > 1, "{boundary:?} makes no difference: {kinds:?}");
    }
    let limits = LIMITS.concat();
    let mut known = BTreeSet::new();
    for (clause, file, of_clause) in &limits {
        assert!(FORMAT.contains(clause), "FORMAT.md does not say: {clause}");
        for boundary in *of_clause {
            let is_new = known.insert((*file, (*boundary).to_owned()));
            assert!(is_new, "{file}: {boundary} stands twice");
        }
    }
    let there: BTreeSet<_> = boundaries.into_keys().collect();
    assert_eq!(known.difference(&there).collect::<Vec<_>>(), Vec::<&_>::new(), "without cases");
    assert_eq!(there.difference(&known).collect::<Vec<_>>(), Vec::<&_>::new(), "of no limit");
    println!("{} boundaries of {} limits", there.len(), limits.len());
    for (clause, file, tried) in TRIED {
        assert!(FORMAT.contains(clause), "FORMAT.md does not say: {clause}");
        for name in *tried {
            assert!(names.contains(&(*file, (*name).to_owned())), "{file}: no {name}");
        }
    }
}

/// What came out, without what it says.
fn kind(vector: &Vector) -> String {
    let expect = &vector.expect;
    if let Some(zone) = expect.pointer("/allow/zone") {
        return format!("allow {zone}");
    }
    if expect.pointer("/ok/findings").is_some() {
        let whole = vector.case.get("text");
        let of = |finding: &Value| (finding.get("what").cloned(), finding.get("text") == whole);
        return format!("{:?}", findings(expect).map(of).collect::<Vec<_>>());
    }
    if let Some(outcomes) = expect.get("outcomes") {
        return outcomes.to_string();
    }
    stages::words(expect).into_iter().collect()
}

fn findings(expect: &Value) -> impl Iterator<Item = &Value> {
    expect.pointer("/ok/findings").and_then(Value::as_array).into_iter().flatten()
}
