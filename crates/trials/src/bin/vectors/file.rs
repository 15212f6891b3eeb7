//! A file of vectors: cases with the answers that must come.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};
use wardkey_trials::{agrees, answer, resolved};

/// Cases of one concept.
pub(crate) struct VectorFile {
    name: &'static str,
    about: &'static str,
    shared: Map<String, Value>,
    cases: Vec<Vector>,
}

struct Vector {
    name: String,
    stage: String,
    expect: Value,
    case: Value,
}

impl VectorFile {
    pub(crate) fn new(name: &'static str, about: &'static str) -> Self {
        Self { name, about, shared: Map::new(), cases: Vec::new() }
    }

    /// Puts a text where cases can name it: wherever it stands in a case that comes after, its name
    /// stands in its place.
    pub(crate) fn share(&mut self, name: &str, text: String) {
        self.shared.insert(name.into(), text.into());
    }

    fn with_names(&self, value: Value) -> Value {
        match value {
            Value::Array(items) => items.into_iter().map(|item| self.with_names(item)).collect(),
            Value::Object(members) => {
                let named = |(name, value)| (name, self.with_names(value));
                Value::Object(members.into_iter().map(named).collect())
            }
            _ => match self.shared.iter().find(|(_, shared)| **shared == value) {
                Some((name, _)) => json!(format!("@{name}")),
                None => value,
            },
        }
    }

    /// A case: the section or row of FORMAT.md, its name, what must come out, and what is asked.
    pub(crate) fn add(&mut self, stage: &str, name: impl Into<String>, expect: Value, case: Value) {
        let case = self.with_names(case);
        self.cases.push(Vector { name: name.into(), stage: stage.into(), expect, case });
    }

    /// A boundary: what must come out, and what is asked, one below it, at it and one above it.
    pub(crate) fn around(&mut self, stage: &str, boundary: &str, cases: [(Value, Value); 3]) {
        for (place, (expect, case)) in ["below", "at", "above"].into_iter().zip(cases) {
            self.add(stage, format!("{boundary}: {place}"), expect, case);
        }
    }

    /// What speaks against the file: the core says something else, a name that stands twice.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let shared = Value::Object(self.shared.clone());
        let mut names = BTreeSet::new();
        let mut complaints = Vec::new();
        for Vector { name, expect, case, .. } in &self.cases {
            if !names.insert(name) {
                complaints.push(format!("{}: {name}: there is another of this name", self.name));
            }
            let told = answer(&resolved(case, &shared));
            if !agrees(expect, &told) {
                complaints.push(format!(
                    "{}: {name}:\n    declared {expect}\n    the core {told}",
                    self.name
                ));
            }
        }
        complaints
    }

    pub(crate) fn write(&self, folder: &Path) -> Result<String, String> {
        let path = folder.join(self.name);
        fs::write(&path, self.text()).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(format!("{}: {} cases written", self.name, self.cases.len()))
    }

    /// Compares the file in a folder with this one.
    pub(crate) fn check(&self, folder: &Path) -> Result<String, String> {
        let path = folder.join(self.name);
        let found =
            fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let made = self.text();
        if found == made {
            return Ok(format!("{}: {} cases, as they are made", self.name, self.cases.len()));
        }
        let (mut found, mut made) = (found.lines(), made.lines());
        loop {
            let (found, made) = (found.next(), made.next());
            if found != made || made.is_none() {
                let line = |line: Option<&str>| line.unwrap_or("the end of the file").to_owned();
                return Err(format!(
                    "{}: differs from what is made\n    made  {}\n    found {}",
                    self.name,
                    line(made),
                    line(found)
                ));
            }
        }
    }

    /// One line for each shared value and each case, so that a difference is a line, too.
    fn text(&self) -> String {
        let mut text = format!("{{\n\"about\": {},\n\"shared\": {{", json!(self.about));
        for (number, (name, value)) in self.shared.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            // Writing to a text does not fail.
            let _ = write!(text, "{comma}\n{}: {value}", json!(name));
        }
        text.push_str("\n},\n\"cases\": [");
        for (number, Vector { name, stage, expect, case }) in self.cases.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            let case = json!({ "name": name, "stage": stage, "expect": expect, "case": case });
            let _ = write!(text, "{comma}\n{case}");
        }
        text.push_str("\n]\n}\n");
        text
    }
}
