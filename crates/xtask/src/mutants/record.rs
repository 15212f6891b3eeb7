//! What a whole run came to, as it is committed.

use std::{fmt, fs, process::Command};

use anyhow::{Context, Result};

use super::{CARGO_MUTANTS, EXPLANATIONS, Explanations, Found, MISSED, Mutant, Tally};
use crate::workspace::Workspace;

/// A mutant that no test noticed.
pub(crate) struct Survivor {
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
    let missed = all.iter().filter(|mutant| found.summary(&mutant.name) == Some(MISSED));
    let survivors = missed.map(|mutant| {
        let source = fs::read_to_string(workspace.path(&mutant.file))?;
        let line = source.lines().nth(mutant.line.saturating_sub(1)).context("a line too far")?;
        let (what, line) = (mutant.what(), line.trim().to_owned());
        let why = explanations.of(&what, &line).map(str::to_owned);
        Ok(Survivor { what, place: format!("{}:{}", mutant.file, mutant.line), line, why })
    });
    survivors.collect()
}

/// The record's text.
pub(super) fn text(
    workspace: &Workspace,
    tally: &Tally,
    found: &Found,
    survivors: &[Survivor],
) -> Result<String> {
    let commit = said(workspace.command("git").args(["rev-parse", "--short=12", "HEAD"]))?;
    let sources = ["--", "crates/core/src", "crates/core/tests"];
    let changed = said(workspace.command("git").args(["status", "--porcelain"]).args(sources))?;
    let changes = if changed.is_empty() { "" } else { ", with changes that are not committed" };
    let date = said(workspace.command("date").args(["-u", "+%Y-%m-%d"]))?;
    let Tally { all, caught, missed, timeout, unviable, .. } = tally;
    let percent = tally.caught_percent();
    let tests = if found.other_tests {
        "some were written after others had caught what they catch"
    } else {
        "the same for all mutants"
    };
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
         | tests | {tests} |\n\
         | mutants | {all} |\n\
         | unviable: they do not compile | {unviable} |\n\
         | caught | {caught} |\n\
         | caught by a test that ran for ever | {timeout} |\n\
         | missed | {missed} |\n\
         | **caught, of those that compile** | **{percent:.1} %** |\n\n\
         ## Survivors\n\n",
        machine = machine()?,
    );
    if survivors.is_empty() {
        text.push_str("None.\n");
        return Ok(text);
    }
    text.push_str("| place | what is done | why no test can see it |\n|---|---|---|\n");
    for Survivor { what, place, why, .. } in survivors {
        let (_, done) = what.split_once(": ").unwrap_or(("", what));
        let why = why.as_deref().unwrap_or("**not explained**");
        let [place, done, why] = [place, done, why].map(|cell| cell.replace('|', "\\|"));
        text.push_str(&format!("| {place} | {done} | {why} |\n"));
    }
    Ok(text)
}

/// Cores and kind of processor.
fn machine() -> Result<String> {
    let cores = std::thread::available_parallelism()?;
    let told = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = told.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    Ok(format!("{cores} cores, {}", model.map_or("unknown", |(_, model)| model.trim())))
}

fn said(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
