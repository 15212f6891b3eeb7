//! What calls have found, kept in `.tools/mutants/results.json` for as long as it counts.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::digests::Digests;

/// What became of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Caught,
    Missed,
    /// A test ran for ever, or the machine was busy.
    Timeout,
    /// It does not compile, or there was no room to compile it.
    Unviable,
}

/// What became of a mutant, and how far that can be relied on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) end: End,
    /// The digest of the tests that it was tried with; empty if that is not known.
    pub(super) tests: String,
    /// Whether it was tried a second time, with no other at its side.
    pub(super) alone: bool,
}

impl Outcome {
    /// Whether load or a full disk may have made it: then it takes a second try.
    pub(super) fn is_doubtful(&self) -> bool {
        matches!(self.end, End::Timeout | End::Unviable) && !self.alone
    }
}

/// All outcomes that count.
pub(super) struct Found {
    folder: PathBuf,
    /// What they were found with; of `tests`, what the last call ran with.
    digests: Digests,
    outcomes: BTreeMap<String, Outcome>,
    /// What all calls together took.
    pub(super) seconds: u64,
}

impl Found {
    /// Reads what there is and forgets what does not count now.
    pub(super) fn open(folder: PathBuf, now: Digests, fresh: bool) -> Result<Self> {
        if fresh {
            fs::remove_dir_all(&folder).or_else(ignore_missing)?;
        }
        for pass in [Pass::Together, Pass::Alone] {
            fs::create_dir_all(pass.folder(&folder))?;
        }
        let mut found = match fs::read_to_string(folder.join(RESULTS)) {
            Ok(text) => Self::parse(folder, &text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let (digests, outcomes) = (now.clone(), BTreeMap::new());
                Self { folder, digests, outcomes, seconds: 0 }
            }
            Err(error) => return Err(error).context("cannot read the results"),
        };
        // What a call found that was stopped before it could say so: with what was there when it began.
        found.take_in()?;
        found.forget(now);
        found.keep()?;
        Ok(found)
    }

    pub(super) fn of(&self, name: &str) -> Option<&Outcome> {
        self.outcomes.get(name)
    }

    /// Whether it was tried with the tests as they are.
    pub(super) fn is_of_these_tests(&self, outcome: &Outcome) -> bool {
        outcome.tests == self.digests.tests
    }

    /// Whether all is as it was when this was opened.
    pub(super) fn are_from(&self, digests: &Digests) -> bool {
        self.digests == *digests
    }

    /// Where cargo-mutants is to write what it finds.
    pub(super) fn folder(&self, pass: Pass) -> PathBuf {
        pass.folder(&self.folder)
    }

    /// Adds what cargo-mutants has written, and keeps it all.
    pub(super) fn take_in(&mut self) -> Result<()> {
        for pass in [Pass::Together, Pass::Alone] {
            let path = self.folder(pass).join("mutants.out/outcomes.json");
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let told: Value =
                serde_json::from_str(&text).context("cargo-mutants' outcomes.json")?;
            for outcome in told.get("outcomes").and_then(Value::as_array).into_iter().flatten() {
                let name = outcome.pointer("/scenario/Mutant/name").and_then(Value::as_str);
                let end = outcome.get("summary").and_then(Value::as_str).and_then(End::from_word);
                if let (Some(name), Some(end)) = (name, end) {
                    let (tests, alone) = (self.digests.tests.clone(), pass == Pass::Alone);
                    self.outcomes.insert(name.to_owned(), Outcome { end, tests, alone });
                }
            }
            self.keep()?;
            // Taken in once: later it would be taken for what is found with later tests.
            fs::remove_file(path)?;
        }
        Ok(())
    }

    /// Writes all down.
    pub(super) fn keep(&self) -> Result<()> {
        let outcomes = self.outcomes.iter().map(|(name, outcome)| {
            let Outcome { end, tests, alone } = outcome;
            (name.clone(), json!({ "end": end.word(), "tests": tests, "alone": alone }))
        });
        let Digests { all, sources, tests } = &self.digests;
        let kept = json!({
            "seconds": self.seconds,
            "all": all,
            "sources": sources,
            "tests": tests,
            "outcomes": outcomes.collect::<Map<_, _>>(),
        });
        // In one piece: a call that is killed here would cost all that is known.
        let fresh = self.folder.join("results.new");
        fs::write(&fresh, format!("{kept:#}\n"))?;
        Ok(fs::rename(fresh, self.folder.join(RESULTS))?)
    }

    fn parse(folder: PathBuf, text: &str) -> Result<Self> {
        let parsed = (|| {
            let kept: Value = serde_json::from_str(text).ok()?;
            let texts = |name: &str| -> Option<BTreeMap<String, String>> {
                let members = kept.get(name)?.as_object()?.iter();
                members
                    .map(|(name, text)| Some((name.clone(), text.as_str()?.to_owned())))
                    .collect()
            };
            let outcomes = kept.get("outcomes")?.as_object()?.iter().map(|(name, outcome)| {
                let outcome = Outcome {
                    end: End::from_word(outcome.get("end")?.as_str()?)?,
                    tests: outcome.get("tests")?.as_str()?.to_owned(),
                    alone: outcome.get("alone")?.as_bool()?,
                };
                Some((name.clone(), outcome))
            });
            Some(Self {
                digests: Digests {
                    all: texts("all")?,
                    sources: texts("sources")?,
                    tests: kept.get("tests")?.as_str()?.to_owned(),
                },
                outcomes: outcomes.collect::<Option<_>>()?,
                seconds: kept.get("seconds")?.as_u64()?,
                folder,
            })
        })();
        parsed.with_context(|| {
            format!(
                ".tools/mutants/{RESULTS} has not the form that it should: `--fresh` starts anew"
            )
        })
    }

    /// Forgets what was found with another source or another way to compile, and what other tests have missed.
    fn forget(&mut self, now: Digests) {
        let before = self.outcomes.len();
        if self.digests.all != now.all {
            self.outcomes.clear();
        }
        let same_source = |name: &str| {
            let file = name.split(':').next().unwrap_or_default();
            now.sources.contains_key(file)
                && now.sources.get(file) == self.digests.sources.get(file)
        };
        self.outcomes.retain(|name, _| same_source(name));
        let counting = self.outcomes.len();
        self.outcomes.retain(|_, outcome| outcome.end != End::Missed || outcome.tests == now.tests);
        if counting < before {
            println!("the core has changed: {} outcomes count no more", before - counting);
        }
        if self.outcomes.len() < counting {
            let missed = counting - self.outcomes.len();
            println!("tests have changed: {missed} that survived the earlier ones are tried again");
        }
        self.digests = now;
    }
}

/// In which company mutants are tried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// Side by side, as many as there are to be.
    Together,
    /// One at a time, for those that load or a full disk may have spoiled.
    Alone,
}

impl Pass {
    fn folder(self, folder: &Path) -> PathBuf {
        match self {
            Self::Together => folder.to_owned(),
            Self::Alone => folder.join("alone"),
        }
    }
}

impl End {
    /// cargo-mutants' word for it.
    fn word(self) -> &'static str {
        match self {
            Self::Caught => "CaughtMutant",
            Self::Missed => "MissedMutant",
            Self::Timeout => "Timeout",
            Self::Unviable => "Unviable",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Caught, Self::Missed, Self::Timeout, Self::Unviable]
            .into_iter()
            .find(|end| end.word() == word)
    }
}

/// For what may be gone already.
pub(super) fn ignore_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

const RESULTS: &str = "results.json";

#[cfg(test)]
mod tests {
    use super::*;

    fn digests(a: &str, tests: &str) -> Digests {
        let sources = [("a.rs", a), ("b.rs", "b")];
        Digests {
            all: BTreeMap::from([("Cargo.lock".into(), "1".into())]),
            sources: sources.map(|(name, digest)| (name.into(), digest.into())).into(),
            tests: tests.into(),
        }
    }

    /// Four ends for each of two files, as cargo-mutants writes them.
    fn write_outcomes(folder: &Path, names: &[&str]) {
        let ends = ["CaughtMutant", "MissedMutant", "Timeout", "Unviable"];
        let outcomes = names.iter().flat_map(|file| {
            ends.iter().enumerate().map(move |(line, end)| {
                let name = format!("{file}:{line}:1: replace f");
                json!({ "scenario": { "Mutant": { "name": name } }, "summary": end })
            })
        });
        let baseline = json!({ "scenario": "Baseline", "summary": "Success" });
        let outcomes: Vec<_> = std::iter::once(baseline).chain(outcomes).collect();
        fs::create_dir_all(folder.join("mutants.out")).unwrap();
        let file = folder.join("mutants.out/outcomes.json");
        fs::write(file, json!({ "outcomes": outcomes }).to_string()).unwrap();
    }

    fn filled(folder: &Path) {
        let mut found = Found::open(folder.to_owned(), digests("a", "t"), true).unwrap();
        write_outcomes(folder, &["a.rs", "b.rs"]);
        found.take_in().unwrap();
        assert_eq!(found.outcomes.len(), 8);
    }

    #[test]
    fn outcomes_last_as_long_as_what_they_rest_on() {
        let folder = tempfile::tempdir().unwrap();
        let open = |now| Found::open(folder.path().to_owned(), now, false).unwrap();
        let lasting = |found: &Found| found.outcomes.keys().cloned().collect::<Vec<_>>();

        filled(folder.path());
        assert_eq!(open(digests("a", "t")).outcomes.len(), 8);

        let other_source = open(digests("a2", "t"));
        assert_eq!(other_source.outcomes.len(), 4);
        assert!(lasting(&other_source).iter().all(|name| name.starts_with("b.rs:")));

        filled(folder.path());
        let other_tests = open(digests("a", "t2"));
        assert_eq!(other_tests.outcomes.len(), 6, "all but what was missed");
        assert!(!other_tests.outcomes.values().any(|outcome| outcome.end == End::Missed));
        assert!(!other_tests.outcomes.values().any(|one| other_tests.is_of_these_tests(one)));

        filled(folder.path());
        let mut other_lock = digests("a", "t");
        other_lock.all.insert("Cargo.lock".into(), "2".into());
        assert!(open(other_lock).outcomes.is_empty());
    }

    #[test]
    fn what_a_killed_call_found_is_found_with_the_tests_that_it_began_with() {
        let folder = tempfile::tempdir().unwrap();
        let open = |now| Found::open(folder.path().to_owned(), now, false).unwrap();
        drop(open(digests("a", "t")));
        write_outcomes(folder.path(), &["a.rs"]);
        let found = open(digests("a", "t2"));
        assert_eq!(found.outcomes.len(), 3);
        assert!(found.outcomes.values().all(|outcome| outcome.tests == "t"));
        // And not once more with the present ones.
        assert!(open(digests("a", "t2")).outcomes.values().all(|outcome| outcome.tests == "t"));
    }

    #[test]
    fn what_load_may_have_made_is_doubtful_until_it_was_tried_alone() {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path());
        let mut found = Found::open(folder.path().into(), digests("a", "t"), false).unwrap();
        assert_eq!(found.outcomes.values().filter(|outcome| outcome.is_doubtful()).count(), 4);
        write_outcomes(&found.folder(Pass::Alone), &["a.rs"]);
        found.take_in().unwrap();
        assert_eq!(found.outcomes.values().filter(|outcome| outcome.is_doubtful()).count(), 2);
    }

    #[test]
    fn results_of_another_form_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let old = r#"{"seconds":1,"other_tests":false,"outcomes":{"a.rs:1:1: f":"Timeout"}}"#;
        fs::write(folder.path().join(RESULTS), old).unwrap();
        assert!(Found::open(folder.path().into(), digests("a", "t"), false).is_err());
        assert!(Found::open(folder.path().into(), digests("a", "t"), true).is_ok());
    }
}
