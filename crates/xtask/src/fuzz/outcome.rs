//! What a fuzz target came to, and how a find is told.

use std::{os::unix::process::ExitStatusExt, path::PathBuf, process::ExitStatus};

use serde_json::{Value, json};

use crate::workspace::Workspace;

/// What a target came to.
pub(super) struct Outcome {
    pub(super) target: String,
    pub(super) seed: u32,
    pub(super) status: ExitStatus,
    /// What it said.
    pub(super) log: PathBuf,
    pub(super) text: String,
    /// The input that broke it.
    pub(super) input: Option<PathBuf>,
    pub(super) seconds: u64,
}

impl Outcome {
    /// The number behind such words in its last line of progress, or in its closing lines.
    fn figure(&self, name: &str) -> Option<u64> {
        let behind = |line: &str| {
            let (_, rest) = line.split_once(name)?;
            let number = rest.trim_start();
            number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        };
        self.text.lines().rev().find_map(behind)
    }

    pub(super) fn executions(&self) -> Option<u64> {
        self.figure("stat::number_of_executed_units:")
    }

    pub(super) fn record(&self) -> Value {
        json!({
            "target": self.target,
            "seed": self.seed,
            "seconds": self.seconds,
            "executions": self.executions(),
            "coverage": self.figure(" cov: "),
            "features": self.figure(" ft: "),
            "corpus": self.figure(" corp: "),
        })
    }

    pub(super) fn told(&self) -> String {
        let figure =
            |number: Option<u64>| number.map_or("?".to_owned(), |number| number.to_string());
        format!(
            "{} executions, coverage {}, features {}, seed {}",
            figure(self.executions()),
            figure(self.figure(" cov: ")),
            figure(self.figure(" ft: ")),
            self.seed
        )
    }

    /// What was found and how to see it again; none if the target ended as it should.
    pub(super) fn find(&self, workspace: &Workspace) -> Option<String> {
        // A target that ran nothing has found nothing either.
        if self.status.success() && self.executions() > Some(0) {
            return None;
        }
        let lines: Vec<&str> = self.text.lines().collect();
        let start =
            lines.iter().position(|line| line.contains("panicked at") || line.contains("ERROR:"));
        let start = start.unwrap_or_else(|| lines.len().saturating_sub(WORDS));
        let words = lines.get(start..).unwrap_or_default();
        let words: Vec<&str> = words.iter().take(WORDS).copied().collect();
        let seen_again = match &self.input {
            Some(input) => {
                let input = workspace.relative(input);
                format!(
                    "the input: {}\n  see it again: cargo xtask fuzz {} --reproduce {}",
                    input.display(),
                    self.target,
                    input.display()
                )
            }
            None => format!("no input was saved: {}", self.why_without_input()),
        };
        Some(format!(
            "{}: {} with seed {}\n  | {}\n  all of it: {}\n  {seen_again}",
            self.target,
            self.status,
            self.seed,
            words.join("\n  | "),
            workspace.relative(&self.log).display(),
        ))
    }

    /// How a target ends without an input that broke it.
    fn why_without_input(&self) -> String {
        match (self.status.signal(), self.executions()) {
            (Some(signal), _) => {
                format!("signal {signal} killed it, which is no word about the core")
            }
            (None, Some(0)) => "it tried none".to_owned(),
            (None, Some(_)) => "it broke off, and no input did that".to_owned(),
            (None, None) => {
                "it did not even start, or broke off without its closing lines".to_owned()
            }
        }
    }
}

/// Lines of a panic that a failure shows.
const WORDS: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(status: i32, text: &str, input: Option<&str>) -> Outcome {
        Outcome {
            target: "key".into(),
            seed: 7,
            // As wait(2) gives it: the signal, or the exit code a byte further up.
            status: ExitStatus::from_raw(status),
            log: "log".into(),
            text: text.into(),
            input: input.map(PathBuf::from),
            seconds: 1,
        }
    }

    #[test]
    fn a_target_that_was_killed_is_told_from_one_that_did_not_start_and_from_a_find() {
        let workspace = Workspace::at(std::path::Path::new("/x"));
        let ran = "#2 pulse cov: 5 ft: 6 corp: 7/8b\nstat::number_of_executed_units: 9\n";
        assert_eq!(ended(0, ran, None).find(&workspace), None);
        let told = |outcome: Outcome| outcome.find(&workspace).unwrap();
        assert!(told(ended(9, "#2 pulse", None)).contains("signal 9 killed it"));
        assert!(told(ended(1 << 8, "no such option", None)).contains("did not even start"));
        assert!(told(ended(0, "stat::number_of_executed_units: 0", None)).contains("tried none"));
        let find = told(ended(77 << 8, "thread panicked at a.rs", Some("/x/crash")));
        assert!(find.contains("cargo xtask fuzz key --reproduce crash"), "{find}");
    }
}
