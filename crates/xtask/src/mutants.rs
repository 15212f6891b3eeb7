//! `cargo xtask mutants`: does a test notice when the core is broken?
//!
//! cargo-mutants breaks one line at a time and runs the core's tests. What it found is kept in `.tools/mutants`, for
//! each source until that source changes, so that a long run may be stopped and gone on with, or be done in parts;
//! the record is written when all of it is there. When only tests change, what was caught stays caught and what was
//! missed is tried again, so that a test for a survivor costs minutes and not the whole run; the record says how many
//! were caught by earlier tests. What timed out or did not compile is tried once more, alone, before it is recorded:
//! a busy machine or a full disk looks the same.

mod digests;
mod explained;
mod found;
mod record;
mod tally;
mod tool;

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use clap::Args;

use self::{
    digests::Digests,
    explained::Explanations,
    found::{Found, Outcome, Pass},
    tally::Tally,
    tool::{Mutant, Tool},
};
use crate::workspace::Workspace;

/// Which mutants; all by default.
#[derive(Args)]
pub(crate) struct Options {
    /// Only this file's mutants, such as crates/core/src/scope.rs; may be given more than once; all by default.
    #[arg(long, value_name = "FILE")]
    file: Vec<String>,
    /// Only every tenth mutant.
    #[arg(long)]
    quick: bool,
    /// Stop after so many minutes (1 to 10080), by default when all are tried; the next call goes on.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_080))]
    minutes: Option<u64>,
    /// Forget what earlier calls found.
    #[arg(long)]
    fresh: bool,
    /// Mutants that are tried side by side (1 to 255).
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..))]
    jobs: u8,
    /// Write the figures into this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Break nothing: write the record anew from what earlier calls found.
    #[arg(long, conflicts_with_all = ["file", "quick", "minutes", "fresh"])]
    record: bool,
}

/// Tries the mutants that have not been tried, and writes the record once all have.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let tool = Tool::bring(workspace)?;
    let folder = workspace.tools("mutants");
    let mut found = Found::open(folder, Digests::of(workspace)?, options.fresh)?;
    let all = tool.list(workspace)?;
    let explanations = Explanations::read(&workspace.path(EXPLANATIONS))?;
    if !options.record {
        try_them(workspace, &tool, options, &all, &mut found)?;
    }
    let tally = Tally::of(&all, &found);
    println!("\n{tally}");
    if let Some(path) = &options.json {
        fs::write(path, format!("{:#}\n", tally.as_json(&found)))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let survivors = record::survivors(workspace, &all, &found, &explanations)?;
    for survivor in survivors.iter().filter(|survivor| survivor.why.is_none()) {
        println!("\n{survivor}");
    }
    let unexplained = survivors.iter().filter(|survivor| survivor.why.is_none()).count();
    if tally.is_whole() {
        for stale in explanations.without(&survivors) {
            println!("stale: {EXPLANATIONS} explains what does not survive: {stale}");
        }
        let timed_out = record::timed_out(&all, &found);
        let text = record::text(workspace, &tally, &found, &survivors, &timed_out)?;
        fs::write(workspace.path(RECORD), text)?;
        println!("{RECORD}: written");
    } else {
        let left = tally.untried + tally.doubtful;
        println!("{RECORD}: not written, since {left} mutants are still to be tried");
    }
    ensure!(
        unexplained == 0,
        "{unexplained} mutants survive without a word about it: write a test that catches them, or say in {EXPLANATIONS} \
         why none can (the lines above are ready to be pasted there)"
    );
    ensure!(
        !tally.is_whole() || tally.caught_percent() >= LEAST_PERCENT,
        "{:.1} % are caught, and it shall be {LEAST_PERCENT} %",
        tally.caught_percent()
    );
    Ok(())
}

/// Tries what is asked for and has no end yet; then, when all have one, the doubtful ones alone.
fn try_them(
    workspace: &Workspace,
    tool: &Tool,
    options: &Options,
    all: &[Mutant],
    found: &mut Found,
) -> Result<()> {
    let deadline =
        options.minutes.map(|minutes| Instant::now() + Duration::from_secs(60 * minutes));
    for pass in [Pass::Together, Pass::Alone] {
        let (wanted, jobs) = match pass {
            Pass::Together => (options.untried(all, found)?, options.jobs),
            Pass::Alone if all.iter().all(|mutant| found.of(&mutant.name).is_some()) => {
                (doubtful(all, found), 1)
            }
            Pass::Alone => continue,
        };
        if wanted.is_empty() || deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            continue;
        }
        if pass == Pass::Alone {
            println!("{} that timed out or did not compile are tried once more", wanted.len());
        }
        let start = Instant::now();
        let tried = tool.try_them(workspace, all, &wanted, &found.folder(pass), jobs, deadline);
        found.seconds += start.elapsed().as_secs();
        // Before complaining of anything: what came out until then counts.
        found.take_in()?;
        found.keep()?;
        tried?;
    }
    ensure!(
        found.are_from(&Digests::of(workspace)?),
        "sources or tests have changed in the meantime: run this again"
    );
    Ok(())
}

impl Options {
    fn untried<'m>(&self, all: &'m [Mutant], found: &Found) -> Result<Vec<&'m Mutant>> {
        for file in &self.file {
            ensure!(
                all.iter().any(|mutant| mutant.file == *file),
                "{file} has no mutant; files are named from the root, such as crates/core/src/scope.rs"
            );
        }
        let wanted = all.iter().enumerate().filter(|(place, mutant)| {
            (self.file.is_empty() || self.file.contains(&mutant.file))
                && (!self.quick || place.is_multiple_of(QUICK))
                && found.of(&mutant.name).is_none()
        });
        Ok(wanted.map(|(_, mutant)| mutant).collect())
    }
}

fn doubtful<'m>(all: &'m [Mutant], found: &Found) -> Vec<&'m Mutant> {
    let doubtful = |mutant: &&Mutant| found.of(&mutant.name).is_some_and(Outcome::is_doubtful);
    all.iter().filter(doubtful).collect()
}

/// Where a person says why a survivor may survive.
const EXPLANATIONS: &str = "crates/core/mutants-explained.md";
/// What the last whole run came to.
const RECORD: &str = "crates/core/MUTANTS.md";
/// What must be caught, in percent of what compiles.
const LEAST_PERCENT: f64 = 95.0;
/// One in so many is what a quick look takes.
const QUICK: usize = 10;
