//! Why some mutants may survive: what a person wrote.

use std::{fs, path::Path};

use anyhow::{Result, bail};

use super::record::Survivor;

/// The explanations, each a heading that says what is done in which file, the line where it is done, and why no
/// test can see it.
pub(super) struct Explanations(Vec<Explanation>);

struct Explanation {
    what: String,
    line: String,
    why: String,
}

impl Explanations {
    /// Reads the file; none is no explanations.
    pub(super) fn read(path: &Path) -> Result<Self> {
        if path.exists() { Self::parse(&fs::read_to_string(path)?) } else { Ok(Self(vec![])) }
    }

    fn parse(text: &str) -> Result<Self> {
        let mut explanations = vec![];
        for part in text.split("\n## ").skip(1) {
            let (what, rest) = part.split_once('\n').unwrap_or((part, ""));
            let (line, why) = rest.trim_start().split_once('\n').unwrap_or((rest, ""));
            let line = line.trim().trim_matches('`');
            let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
            if line.is_empty() || why.is_empty() {
                bail!("the explanation of `{what}` lacks its line of source, or its reason");
            }
            explanations.push(Explanation { what: what.trim().into(), line: line.into(), why });
        }
        Ok(Self(explanations))
    }

    /// Why this survivor may survive.
    pub(super) fn of(&self, what: &str, line: &str) -> Option<&str> {
        let mut all = self.0.iter();
        let of = all.find(|explanation| explanation.what == what && explanation.line == line);
        of.map(|explanation| explanation.why.as_str())
    }

    /// What is explained and does not survive.
    pub(super) fn without(&self, survivors: &[Survivor]) -> impl Iterator<Item = &str> {
        let stale = |explanation: &&Explanation| {
            !survivors.iter().any(|survivor| {
                survivor.what == explanation.what && survivor.line == explanation.line
            })
        };
        self.0.iter().filter(stale).map(|explanation| explanation.what.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Title\n\nPreface.\n\n## a.rs: replace < with <= in f\n\n`if a < b {`\n\nBoth are\nthe same.\n";

    #[test]
    fn an_explanation_is_for_one_line_and_what_is_done_there() -> Result<()> {
        let read = Explanations::parse(TEXT)?;
        assert_eq!(
            read.of("a.rs: replace < with <= in f", "if a < b {"),
            Some("Both are the same.")
        );
        assert_eq!(read.of("a.rs: replace < with <= in f", "if a < c {"), None);
        assert_eq!(read.of("a.rs: replace < with > in f", "if a < b {"), None);
        assert!(Explanations::parse("\n## a.rs: replace\n\n`line`\n").is_err());
        Ok(())
    }

    #[test]
    fn an_explanation_without_a_survivor_is_stale() -> Result<()> {
        let read = Explanations::parse(TEXT)?;
        assert_eq!(read.without(&[]).collect::<Vec<_>>(), ["a.rs: replace < with <= in f"]);
        let survivor = |line: &str| Survivor {
            what: "a.rs: replace < with <= in f".into(),
            place: "a.rs:1".into(),
            line: line.into(),
            why: None,
        };
        assert_eq!(read.without(&[survivor("if a < b {")]).count(), 0);
        assert_eq!(read.without(&[survivor("if a < c {")]).count(), 1);
        Ok(())
    }
}
