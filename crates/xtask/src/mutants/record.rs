//! What a whole run came to, as it is committed.

use std::{fmt, fs};

use anyhow::{Context, Result};

use super::{
    EXPLANATIONS,
    explained::Explanations,
    found::{End, Found},
    tally::Tally,
    tool::{CARGO_MUTANTS, Mutant},
};
use crate::{machine, workspace::Workspace};

/// A mutant that no test noticed.
pub(super) struct Survivor {
    /// What is done, in which file.
    pub(super) what: String,
    /// File and line.
    pub(super) place: String,
    /// The line's source.
    pub(super) line: String,
    pub(super) why: Option<String>,
}

impl fmt::Display for Survivor {
    /// As it stands in the explanations, but for the reason.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "## {}\n\n`{}`\n", self.what, self.line)
    }
}

/// Every mutant that was missed, in the order of the sources.
pub(super) fn survivors(
    workspace: &Workspace,
    all: &[Mutant],
    found: &Found,
    explanations: &Explanations,
) -> Result<Vec<Survivor>> {
    let survivors = with_end(all, found, End::Missed).map(|mutant| {
        let source = fs::read_to_string(workspace.path(&mutant.file))?;
        let line = source.lines().nth(mutant.line.saturating_sub(1)).context("a line too far")?;
        let (what, line) = (mutant.what(), line.trim().to_owned());
        let why = explanations.of(&what, &line).map(str::to_owned);
        Ok(Survivor { what, place: format!("{}:{}", mutant.file, mutant.line), line, why })
    });
    survivors.collect()
}

/// Every mutant that made a test run for ever.
pub(super) fn timed_out<'m>(all: &'m [Mutant], found: &Found) -> Vec<&'m str> {
    with_end(all, found, End::Timeout).map(|mutant| mutant.name.as_str()).collect()
}

fn with_end<'m>(all: &'m [Mutant], found: &Found, end: End) -> impl Iterator<Item = &'m Mutant> {
    all.iter().filter(move |mutant| found.of(&mutant.name).is_some_and(|one| one.end == end))
}

/// The record's text.
pub(super) fn text(
    workspace: &Workspace,
    tally: &Tally,
    found: &Found,
    survivors: &[Survivor],
    timed_out: &[&str],
) -> Result<String> {
    let commit = machine::commit(workspace)?;
    let changes = if commit.changed { ", with changes that are not committed" } else { "" };
    let (date, machine) = (machine::today()?, machine::describe());
    let Tally { all, caught, with_earlier_tests, missed, timeout, unviable, .. } = tally;
    let percent = tally.caught_percent();
    let minutes = found.seconds.div_ceil(60);
    let mut text = format!(
        "# Mutants of the core\n\n\
         `cargo xtask mutants` breaks the core's source in every way that cargo-mutants knows, one at a time, and runs \
         the core's\nown tests. This file is what its last whole run came to; do not edit it. Why a survivor may survive, \
         stands in\n`{EXPLANATIONS}`.\n\n\
         | | |\n|---|---|\n\
         | date | {date} |\n\
         | commit | {commit}{changes} |\n\
         | machine | {machine} |\n\
         | tool | cargo-mutants {CARGO_MUTANTS} |\n\
         | time | {minutes} min |\n\
         | mutants | {all} |\n\
         | unviable: they do not compile | {unviable} |\n\
         | caught | {caught} |\n\
         | caught by a test that ran for ever | {timeout} |\n\
         | of both, last tried with earlier tests | {with_earlier_tests} |\n\
         | missed | {missed} |\n\
         | **caught, of those that compile** | **{percent:.1} %** |\n\n\
         What did not compile or ran for ever was tried twice, the second time with no other at its side.\n\n\
         ## Survivors\n\n",
        commit = commit.name,
    );
    text.push_str(&survivors_table(survivors));
    text.push_str("\n## Caught by a test that ran for ever\n\n");
    if timed_out.is_empty() {
        text.push_str("None.\n");
    }
    for name in timed_out {
        text.push_str(&format!("- `{name}`\n"));
    }
    Ok(text)
}

fn survivors_table(survivors: &[Survivor]) -> String {
    if survivors.is_empty() {
        return "None.\n".to_owned();
    }
    let mut text = String::new();
    text.push_str("| place | what is done | why no test can see it |\n|---|---|---|\n");
    for Survivor { what, place, why, .. } in survivors {
        let (_, done) = what.split_once(": ").unwrap_or(("", what));
        let why = why.as_deref().unwrap_or("**not explained**");
        let [place, done, why] = [place, done, why].map(|cell| cell.replace('|', "\\|"));
        text.push_str(&format!("| {place} | {done} | {why} |\n"));
    }
    text
}
