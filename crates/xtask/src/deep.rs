//! `cargo xtask deep`: the long forms of what every test run tries briefly, written down with seed, commit, machine and
//! counts, so that the README can quote them and anybody can have them again.

mod record;
mod suite;

use std::{fs, time::Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::{Map, Value};

use crate::{
    constant_time, fuzz, machine, no_panic, setup, step::Progress, toolchain::Way, trials,
    workspace::Workspace,
};

/// Which parts, how long, and whether they are written down.
#[derive(Args)]
pub(crate) struct Options {
    /// Only these parts, with commas between them, all by default; the record keeps what it says of the others.
    #[arg(long, value_name = "PART", value_delimiter = ',', value_parser = PARTS)]
    only: Vec<String>,
    /// Seconds for each fuzz target (1 to 86400).
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    fuzz_seconds: u32,
    /// What chance is drawn from, as an earlier run printed it (0 to 4294967295); a new one by default.
    #[arg(long)]
    seed: Option<u32>,
    /// Write no record: also with changes that are not committed.
    #[arg(long)]
    no_record: bool,
    /// Try nothing: write the record for people anew from its figures.
    #[arg(long, conflicts_with_all = ["only", "seed", "no_record"])]
    record: bool,
}

/// Runs the parts one after the other; each is written down at once, one that fails in place of what was clean before.
pub(crate) fn run(workspace: &Workspace, way: Way, options: &Options) -> Result<()> {
    if options.record {
        return record::tell_anew(workspace);
    }
    let commit = machine::commit(workspace)?;
    if commit.changed && !options.no_record {
        bail!(
            "there are changes that no commit names: commit them, or run with --no-record\n  {}",
            commit.changes
        );
    }
    let wanted: Vec<&str> = PARTS
        .into_iter()
        .filter(|part| options.only.is_empty() || options.only.iter().any(|only| only == part))
        .collect();
    let seed = options.seed.map_or_else(|| getrandom::u32().context("no randomness"), Ok)?;
    println!(
        "deep: {} of {} parts, seed {seed}, commit {}",
        wanted.len(),
        PARTS.len(),
        commit.name
    );
    let kit = setup::run(workspace, &Progress::of(setup::STEPS), way)?;
    let mut failed = Vec::new();
    for part in wanted {
        println!("\ndeep: {part}");
        let start = Instant::now();
        let found = match part {
            "trials" => {
                let options =
                    trials::Options { scale: trials::Scale::Deep, seed: Some(seed.into()) };
                trials::run(workspace, &Progress::of(trials::STEPS + 1), &kit, &options)
            }
            "constant-time" => {
                constant_time::run(workspace, &Progress::of(constant_time::STEPS), &kit)
            }
            "no-panic" => no_panic::run(workspace, &Progress::of(no_panic::STEPS), &kit),
            "fuzz" => {
                let seconds = options.fuzz_seconds;
                fuzz::hunt(workspace, &fuzz::TARGETS, seconds, Some(seed), fuzz::Corpus::Fresh)
            }
            "kills" => suite::KILLS.run(workspace, &Progress::of(suite::STEPS), &kit, seed),
            "waits" => suite::WAITS.run(workspace, &Progress::of(suite::STEPS), &kit, seed),
            _ => scan_corpus(workspace, seed),
        };
        if let Err(error) = &found {
            println!("deep: {part} FAILED: {error:#}");
            failed.push(part);
        }
        if options.no_record {
            found.iter().for_each(|found| println!("{found:#}"));
            continue;
        }
        // What ran is then neither what the commit holds nor what lies there now.
        ensure!(
            machine::commit(workspace)? == commit,
            "commit or files have changed while {part} ran: it is not written down"
        );
        let run = record::Run {
            command: options.command(part, seed),
            commit: commit.name.clone(),
            machine: machine::describe(),
            date: machine::today()?,
            seconds: start.elapsed().as_secs(),
            seed,
            found: found.ok(),
        };
        record::keep(workspace, part, &run)?;
    }
    if !failed.is_empty() {
        let recorded = if options.no_record { "" } else { ", and the record says so" };
        bail!("{} failed{recorded}", failed.join(", "));
    }
    println!("\ndeep: all clean{}", if options.no_record { "" } else { "; written into " });
    if !options.no_record {
        println!("  {}", record::FILE);
    }
    Ok(())
}

impl Options {
    /// What runs a part again as it was run.
    fn command(&self, part: &str, seed: u32) -> String {
        let mut command = format!("cargo xtask deep --only {part} --seed {seed}");
        if part == record::FUZZ {
            command.push_str(&format!(" --fuzz-seconds {}", self.fuzz_seconds));
        }
        command
    }
}

/// The scanner over other people's source, compiled with optimisations.
fn scan_corpus(workspace: &Workspace, seed: u32) -> Result<Value> {
    let file = workspace.path("target/trials/scan-corpus.json");
    fs::create_dir_all(workspace.path("target/trials"))?;
    let mut cargo = workspace.cargo();
    cargo.args(["run", "--quiet", "--release", "--package", "xtask", "--", "scan-corpus"]);
    cargo.args(["--seed", &seed.to_string(), "--record"]).arg(&file);
    if !cargo.status()?.success() {
        bail!("the scan of other people's source failed");
    }
    let found: Map<String, Value> = serde_json::from_str(&fs::read_to_string(file)?)?;
    Ok(found.into())
}

/// What there is, in the order of what takes longest to fix.
const PARTS: [&str; 7] =
    ["constant-time", "no-panic", "trials", "fuzz", "scan-corpus", "kills", "waits"];
